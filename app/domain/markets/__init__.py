"""Markets, tickers, candles, order books, and suggestions for unknown symbols."""
