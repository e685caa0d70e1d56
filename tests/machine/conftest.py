"""The fixtures of tests/systemd, with machines that have a kernel and disks of their own."""
import os
import sys

os.environ["BATCHTEST_MACHINE"] = "virtual"
sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "systemd"))
pytest_plugins = ["machine_fixtures"]
