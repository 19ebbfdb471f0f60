"""GraphQL over HTTP and WebSocket: requests, responses, sockets, and which origins may connect."""
