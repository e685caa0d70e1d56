"""The fixtures are in machine_fixtures.py, for tests/machine takes them too."""
pytest_plugins = ["machine_fixtures"]
