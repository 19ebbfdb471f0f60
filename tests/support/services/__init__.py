"""Fake exchanges, market data and strategies for tests of the services."""
