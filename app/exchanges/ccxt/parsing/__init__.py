"""ccxt's dictionaries turned into the domain's values."""
