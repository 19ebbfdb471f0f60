"""Markets, candles, order books, and the names of symbols."""
