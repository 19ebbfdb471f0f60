"""A local Bybit: its v5 REST and WebSocket protocol for spot over the shared engine."""
