"""The fake Binance's engine: accounts, order rules, matching and prices."""
