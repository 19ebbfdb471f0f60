"""Adapters of the exchange port; only the runtime imports them."""
