"""Measures the product beside plain Strawberry, in one run on one machine."""
