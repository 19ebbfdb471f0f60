"""GraphQL over HTTP and WebSocket: requests, responses, sockets and who may connect."""
