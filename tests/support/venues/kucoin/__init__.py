"""The local KuCoin."""
