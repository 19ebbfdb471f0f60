"""The local Kraken's API: routes, signatures, nonces, counters, JSON pages, streams and faults."""
