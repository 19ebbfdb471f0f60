"""An exchange that speaks Binance's protocol on a local port."""
