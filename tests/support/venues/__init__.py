"""Local servers that speak the protocols of real exchanges, over one engine."""
