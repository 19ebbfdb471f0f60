"""The GraphQL types of the contract, one noun a file."""
