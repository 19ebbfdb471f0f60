"""A local exchange that speaks Binance spot's protocol, for the genuine ccxt client."""
