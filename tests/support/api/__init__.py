"""Servers in the test's process, and GraphQL clients and documents for them."""
