"""Changes to ccxt's clients: what they do otherwise than we need it."""
