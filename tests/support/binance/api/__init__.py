"""How the local exchange is asked: requests, limits, signatures, streams and faults."""
