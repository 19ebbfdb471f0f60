"""The local Bybit's API: routes, signatures, rate limits, JSON pages, streams and faults."""
