"""Real exchanges through ccxt. No other package imports ccxt."""
