"""The local Bybit itself, asked by the genuine ccxt client."""
