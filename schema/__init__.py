"""The public contract, as GraphQL."""
