"""The local KuCoin's API: routes, signatures, rate limits, JSON pages, streams and faults."""
