"""A local Binance: its REST and WebSocket protocol over the shared engine."""
