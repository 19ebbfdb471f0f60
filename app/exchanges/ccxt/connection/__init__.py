"""ccxt clients, sessions, the request queue, and the differences between exchanges."""
