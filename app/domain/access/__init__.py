"""Tokens, and the audit of who changed what."""
