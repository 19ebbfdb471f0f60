"""A local Gate for tests: spot orders over API v4 and its WebSocket."""
