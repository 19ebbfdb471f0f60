"""Positions and their value, an account's equity, and its performance over time."""
