"""The local Coinbase's API: routes, tokens, rate limits, JSON pages, streams and faults."""
