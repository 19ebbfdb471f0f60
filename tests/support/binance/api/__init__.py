"""The fake Binance's API: routes, signatures, rate limits, JSON pages, streams and faults."""
