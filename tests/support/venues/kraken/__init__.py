"""A local Kraken: its REST and WebSocket protocol over the shared engine."""
