"""Keeping orders in step with the exchange: its stream, doubts, comparisons."""
