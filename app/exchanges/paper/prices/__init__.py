"""The simulated market: prices, candles and books computed from a seed and the time."""
