"""Requests to an exchange: prechecks, lookups, amendments, positions and market data."""
