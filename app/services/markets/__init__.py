"""Markets, prices, candles and order books, and one upstream stream shared by all their readers."""
