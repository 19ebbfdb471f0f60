"""The engine of every local exchange: accounts, order rules, matching and prices."""
