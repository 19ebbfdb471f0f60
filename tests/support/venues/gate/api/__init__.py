"""The local Gate's API: routes, signatures, rate limits, JSON pages, streams and faults."""
