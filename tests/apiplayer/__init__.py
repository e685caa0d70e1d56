"""A player of the football API for tests: serves a season in the API's shapes, and faults on order."""
