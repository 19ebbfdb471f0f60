"""The local OKX's API: routes, signatures, rate limits, JSON pages, streams and faults."""
