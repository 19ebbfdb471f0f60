"""Parsers that turn ccxt's dictionaries into domain values."""
