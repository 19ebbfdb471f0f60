"""A complete local Coinbase (Advanced Trade) for tests: its protocol over the shared engine."""
