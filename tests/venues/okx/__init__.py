"""Tests of the local OKX itself."""
