"""Fakes, builders, servers and clients for tests: README.md beside this file says which to use."""
