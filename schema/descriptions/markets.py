"""Descriptions of markets: what can be traded, and in which steps."""

TEXTS = {
    "Market": "What can be traded on an account, and in which steps.",
    "Market.account": "The account that it is traded on.",
    "Market.base": "The currency that is traded.",
    "Market.quote": "The currency that it is paid in.",
    "Market.type": "SPOT or SWAP; dated futures and options are not listed.",
    "Market.active": "Whether the exchange takes orders for it at present.",
    "Market.amountStep": "An amount must be a multiple of it. Null where it is not known.",
    "Market.priceStep": "A price must be a multiple of it. Null where it is not known.",
    "Market.minAmount": "The least amount of an order. Null means no limit.",
    "Market.minNotional": "The least amount times price of an order, in quote. Null: no limit.",
    "Market.contractSize": (
        "How much base currency one contract is. Null where amounts are in base currency."
    ),
    "Market.makerFeePercent": (
        "What a trade costs who waited for it, in percent of its cost. Null where the exchange does"
        " not tell beforehand."
    ),
    "Market.takerFeePercent": "The same for who took what stood there.",
    "MarketConnection": "A page of markets.",
    "MarketEdge": "A market and its place in the list.",
}
