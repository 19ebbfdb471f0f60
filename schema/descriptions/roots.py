"""Descriptions of Query, Mutation and Subscription, and of most of their fields."""

_ACCOUNT_OR_DEFAULT = (
    'The name of an account. Left out: the only one, else the one named "default",'
    " else BAD_USER_INPUT naming the accounts."
)
_SYMBOL = 'In ccxt\'s unified form: "BTC/USDT", "BTC/USDT:USDT".'
_TIMEFRAME = (
    "How long each candle lasts: 1m, 5m, 15m, 1h, 4h, 1d, and what else the exchange has. Another"
    " one is BAD_USER_INPUT naming those that there are."
)
_DEPTH = "How many levels of each side at most: 1 to 100."
_NEWEST = "First how it is, then each change; the newest takes the place of what was not yet sent."

TEXTS = {
    "Query": (
        "What can be read; scope READ, where nothing else is said. The root fields of one query"
        " read one snapshot of the database, opened at the first of them."
    ),
    "Query.viewer": "Who is asking, what the token may do, and what stands behind the API.",
    "Query.accounts": "The accounts that the token may see.",
    "Query.node": (
        "Any object by its global id. Null where nothing has it; an ApiToken takes scope ADMIN."
    ),
    "Query.order": ("One order, by exactly one of id and clientOrderId. Null where there is none."),
    "Query.order(id)": "The order's global id.",
    "Query.order(clientOrderId)": "The id that the client gave it: unique within its account.",
    "Query.order(account)": f"Belongs to clientOrderId. {_ACCOUNT_OR_DEFAULT}",
    "Query.orders": "Orders, page by page, forwards or backwards.",
    "Query.orders(filter)": "Only orders that match. Left out: all that the token may see.",
    "Query.orders(orderBy)": "The order of the list. Its cursors are good in this order alone.",
    "Query.fills": "Fills of all orders, newest first.",
    "Query.fills(filter)": "Only fills that match. Left out: all that the token may see.",
    "Query.previewOrder": (
        "Runs every check that placeOrder runs, and places nothing. What passes now may not a"
        " moment later: placeOrder checks again."
    ),
    "Query.previewOrder(input)": "The order as it would be placed.",
    "Query.auditLog": (
        "Who changed what, newest first: one entry for every root field of every mutation"
        " (placeOrders one per order), refused ones too. What the token's budget refuses before"
        " anything of it is run has none: the metrics count it. ADMIN."
    ),
    "Query.tokens": "All tokens, newest first, revoked ones too, without their secrets. ADMIN.",
    "Query.markets": "The markets of one account, by symbol.",
    "Query.markets(account)": _ACCOUNT_OR_DEFAULT,
    "Query.markets(search)": "Only symbols that contain this text, in any case.",
    "Query.ticker": "The latest prices of one market.",
    "Query.ticker(symbol)": _SYMBOL,
    "Query.ticker(account)": _ACCOUNT_OR_DEFAULT,
    "Query.tickers": "The latest prices of several markets, from one snapshot of the cache.",
    "Query.tickers(symbols)": "At most 500. Left out: every market of the account.",
    "Query.tickers(account)": _ACCOUNT_OR_DEFAULT,
    "Query.candles": (
        "The candles of a market, the oldest first, from since on; the latest where it is left out."
        " The last one may still be running."
    ),
    "Query.candles(symbol)": _SYMBOL,
    "Query.candles(timeframe)": _TIMEFRAME,
    "Query.candles(since)": "Only candles that begin then or later. Not in the future.",
    "Query.candles(limit)": "At most so many: 1 to 1000.",
    "Query.candles(account)": _ACCOUNT_OR_DEFAULT,
    "Query.orderBook": "What others offer in a market now.",
    "Query.orderBook(symbol)": _SYMBOL,
    "Query.orderBook(depth)": _DEPTH,
    "Query.orderBook(account)": _ACCOUNT_OR_DEFAULT,
    "Mutation": (
        "What can be changed. What a trader must expect comes back as data, a Refusal."
        " The root fields of one mutation run one after the other."
    ),
    "Mutation.placeOrder": (
        "Safe to repeat: the same clientOrderId with the same input gives back the order that it"
        " placed the first time. TRADE."
    ),
    "Mutation.placeOrder(input)": "The order to place.",
    "Mutation.placeOrders": (
        "1 to 100, answered in the order of the inputs, each as by itself. Those of one market of"
        " an account are sent in order, one after the other; those of different markets side by"
        " side, 16 at a time. TRADE."
    ),
    "Mutation.placeOrders(inputs)": "The orders to place.",
    "Mutation.amendOrder": (
        "amount is the new total. Only where the exchange changes the order in place, else"
        " UNSUPPORTED: never cancel-and-create. TRADE."
    ),
    "Mutation.amendOrder(input)": "What is to be different; what is left out stays as it is.",
    "Mutation.cancelOrder": (
        "Canceling what is CANCELED or EXPIRED is a success; FILLED or REJECTED is ALREADY_CLOSED;"
        " on SUBMITTING or IN_DOUBT the wish is kept and carried out as soon as the order is found."
        " TRADE."
    ),
    "Mutation.cancelOrder(input)": "The order to cancel.",
    "Mutation.cancelAllOrders": (
        "Cancels every open order that matches, and reports order by order. TRADE."
    ),
    "Mutation.cancelAllOrders(input)": (
        "Which orders. Left out: those of every account that were placed through the API or by the"
        " bot."
    ),
    "Mutation.setOrderMetadata": "Replaces the whole object. TRADE.",
    "Mutation.setOrderMetadata(metadata)": "An object, at most 8 KiB as JSON, 8 deep.",
    "Mutation.reconcile": "Asks the exchange now instead of waiting for the next round. TRADE.",
    "Mutation.reconcile(account)": _ACCOUNT_OR_DEFAULT,
    "Mutation.createToken": "Makes a token; its secret is shown once. ADMIN.",
    "Mutation.createToken(input)": "What the token may do, and until when.",
    "Mutation.revokeToken": (
        "Ends a token at once, its open sockets too. The last ADMIN token cannot be revoked:"
        " INVALID_STATE. ADMIN."
    ),
    "Subscription": "What can be watched, over graphql-transport-ws. Scope READ.",
    "Subscription.orderUpdates": (
        "Every change of every matching order, in commit order, each exactly once. Pass the last"
        " cursor you saw (or a list's asOf) to go on after a disconnect or a restart of the server:"
        " nothing is missed, nothing repeated. A cursor older than the kept log is CURSOR_EXPIRED."
        " A client that reads slowly is served from the log at its own pace; it never costs the"
        " others anything."
    ),
    "Subscription.orderUpdates(filter)": (
        "Only updates of orders that matched before or after the change. Left out: all that the"
        " token may see."
    ),
    "Subscription.orderUpdates(after)": (
        "The cursor of the last update that you have, or a list's asOf. Left out: what is committed"
        " after the subscription arrived, so also all that is asked for behind it on the socket."
    ),
    "Subscription.tickerUpdates": (
        f"The prices of markets. {_NEWEST} A source that falls silent is told as stale."
    ),
    "Subscription.tickerUpdates(symbols)": "1 to 500 markets.",
    "Subscription.tickerUpdates(account)": _ACCOUNT_OR_DEFAULT,
    "Subscription.candleUpdates": (
        f"The candle that is running. {_NEWEST} Each is told once more when it is closed."
    ),
    "Subscription.candleUpdates(symbol)": _SYMBOL,
    "Subscription.candleUpdates(timeframe)": _TIMEFRAME,
    "Subscription.candleUpdates(account)": _ACCOUNT_OR_DEFAULT,
    "Subscription.orderBookUpdates": f"What others offer in a market. {_NEWEST}",
    "Subscription.orderBookUpdates(symbol)": _SYMBOL,
    "Subscription.orderBookUpdates(depth)": _DEPTH,
    "Subscription.orderBookUpdates(account)": _ACCOUNT_OR_DEFAULT,
}
