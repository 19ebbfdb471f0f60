"""The local exchanges themselves, over the genuine ccxt clients."""
