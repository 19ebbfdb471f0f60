"""Tokens and authentication, login throttling, budgets per token, and the audit log."""
