"""Clients and servers for tests over the protocol."""
