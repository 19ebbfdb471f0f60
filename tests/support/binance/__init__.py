"""A fake Binance: an exchange with a matching engine that speaks Binance's API on a local port."""
