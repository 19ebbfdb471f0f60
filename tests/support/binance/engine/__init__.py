"""The local exchange's accounts, orders, matching and tape."""
