"""ccxt's order, trade and market streams, and how a broken stream is reopened."""
