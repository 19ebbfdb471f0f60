"""A local OKX: its REST and WebSocket protocol over the shared engine."""
