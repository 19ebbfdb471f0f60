"""The simulated market: prices, candles and order books computed from a seed and the time."""
