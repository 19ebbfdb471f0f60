"""Descriptions of tickers, candles and order books."""

TEXTS = {
    "Ticker": "The latest prices of a market.",
    "Ticker.account": "The account that it was read on.",
    "Ticker.bid": "The best price that somebody pays.",
    "Ticker.ask": "The best price that somebody sells at.",
    "Ticker.last": "The price of the last trade.",
    "Ticker.percentage": "The change over 24 hours, in percent.",
    "Ticker.quoteVolume": "What was traded in 24 hours, in quote currency.",
    "Ticker.open": "The price 24 hours ago. Null where the exchange does not say.",
    "Ticker.high": "The highest price in 24 hours. Null where the exchange does not say.",
    "Ticker.low": "The lowest price in 24 hours. Null where the exchange does not say.",
    "Ticker.volume": (
        "What was traded in 24 hours, in base currency. Null where the exchange does not say."
    ),
    "Ticker.at": "When these were the prices, by the exchange's clock.",
    "Ticker.stale": (
        "Too old to rely on: by the exchange's clock, or because its source has been silent for"
        " 30 seconds by ours, or because it cannot be asked just now."
    ),
    "Candle": "What the price of a market did in one span of time.",
    "Candle.at": "When it begins.",
    "Candle.open": "The first price.",
    "Candle.high": "The highest price.",
    "Candle.low": "The lowest price.",
    "Candle.close": "The last price; the latest where it still runs.",
    "Candle.volume": "What was traded, in base currency; contracts where the market has them.",
    "Candle.isClosed": "Whether its time is over, so that it does not change any more.",
    "OrderBook": "What others offer in a market.",
    "OrderBook.account": "The account that it was read on.",
    "OrderBook.bids": "What they pay, the best price first.",
    "OrderBook.asks": "What they sell at, the best price first.",
    "OrderBook.at": "When it stood so, by the exchange's clock where it tells.",
    "BookLevel": "So much can be traded at this price.",
    "BookLevel.price": "In quote currency.",
    "BookLevel.amount": "In base currency; contracts where the market has them.",
}
