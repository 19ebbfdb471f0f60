"""Limits on GraphQL documents: their size, their cost, and the budgets of the token."""
