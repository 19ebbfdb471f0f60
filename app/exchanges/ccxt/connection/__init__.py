"""ccxt clients, sessions, and the request queue."""
