"""Real exchanges through ccxt, the only place that imports it."""
