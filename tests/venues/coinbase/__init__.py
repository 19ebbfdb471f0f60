"""Tests of the local Coinbase itself."""
