"""The GraphQL API: types, resolvers, limits on documents, and its HTTP and WebSocket transport."""
