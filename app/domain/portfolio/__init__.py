"""Positions, what they are worth, and how an account has done over time."""
