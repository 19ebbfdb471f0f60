"""The ccxt clients: configured, connected, queued, and the differences between exchanges."""
