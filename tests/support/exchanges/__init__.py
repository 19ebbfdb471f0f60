"""Exchanges made ready for tests of the adapters."""
