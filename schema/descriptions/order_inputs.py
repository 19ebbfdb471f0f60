"""Descriptions of filters, and of the inputs and results of previews and order mutations."""

_LIST = "At most 500."
_EVERY_ACCOUNT = "The name of an account. Left out: every account that the token may see."
_ACCOUNT_OR_DEFAULT = (
    'The name of an account. Left out: the only one, else the one named "default",'
    " else BAD_USER_INPUT naming the accounts."
)

TEXTS = {
    "OrderFilter": "What an order must be like: all that is given must hold.",
    "OrderFilter.account": _EVERY_ACCOUNT,
    "OrderFilter.symbols": f"One of these markets. {_LIST}",
    "OrderFilter.statuses": f"In one of these states. {_LIST}",
    "OrderFilter.open": (
        "True: not final, so SUBMITTING, IN_DOUBT, OPEN or PARTIALLY_FILLED. False: final."
    ),
    "OrderFilter.side": "Trading this way.",
    "OrderFilter.types": f"Of one of these types. {_LIST}",
    "OrderFilter.sources": f"Placed by one of these. {_LIST}",
    "OrderFilter.strategy": "Placed by this strategy of the bot.",
    "OrderFilter.clientOrderIds": f"With one of these clientOrderIds. {_LIST}",
    "OrderFilter.createdAfter": "Created at this moment or later.",
    "OrderFilter.createdBefore": "Created before this moment.",
    "FillFilter": "What a fill must be like: all that is given must hold.",
    "FillFilter.account": _EVERY_ACCOUNT,
    "FillFilter.symbols": f"In one of these markets. {_LIST}",
    "FillFilter.side": "Bought, or sold.",
    "FillFilter.sources": f"Of orders placed by one of these. {_LIST}",
    "FillFilter.strategy": "Of orders that the bot placed for this strategy.",
    "FillFilter.since": "Traded at this moment or later.",
    "FillFilter.until": "Traded before this moment.",
    "PlaceOrderInput": (
        "The order to place. Amounts and prices off the market's step are refused, never rounded."
    ),
    "PlaceOrderInput.account": _ACCOUNT_OR_DEFAULT,
    "PlaceOrderInput.clientOrderId": (
        "1 to 36 of A-Z a-z 0-9 - _ ; made for you where it is left out. Unique within the account:"
        " it makes a repeat safe."
    ),
    "PlaceOrderInput.side": "BUY or SELL.",
    "PlaceOrderInput.type": "What makes it trade, and at which price.",
    "PlaceOrderInput.amount": (
        "Above zero, on the market's amountStep. Base currency; contracts where the market has a"
        " contractSize."
    ),
    "PlaceOrderInput.price": (
        "The limit price, in quote currency, on the market's priceStep. Limit kinds need it, market"
        " kinds take none."
    ),
    "PlaceOrderInput.triggerPrice": (
        "The price that sets off a stop or take-profit: they need it, other kinds take none."
    ),
    "PlaceOrderInput.timeInForce": (
        "MARKET takes GTC (without meaning) or IOC; POST_ONLY only limit kinds; anything else is"
        " INVALID_INPUT."
    ),
    "PlaceOrderInput.reduceOnly": "Whether it may only make a position smaller.",
    "PlaceOrderInput.positionType": (
        "Left out: what the symbol says (SPOT, or SWAP for BTC/USDT:USDT). Contradicting it is"
        " INVALID_INPUT."
    ),
    "PlaceOrderInput.leverage": (
        "For MARGIN and SWAP, where the exchange takes it with the order; on paper 1 to 5. Left"
        " out: that of the open position, else 1."
    ),
    "PlaceOrderInput.metadata": (
        "Notes of the client: an object, at most 8 KiB as JSON, 8 deep. Left out: empty."
    ),
    "AmendOrderInput": "What is to be different; at least one of amount, price and triggerPrice.",
    "AmendOrderInput.id": "The order's global id.",
    "AmendOrderInput.amount": (
        "The new total, at least what is filled: below is INVALID_INPUT, equal closes the order as"
        " CANCELED."
    ),
    "AmendOrderInput.price": "The new limit price; only kinds that have one.",
    "AmendOrderInput.triggerPrice": "The new trigger, as long as the order has not triggered.",
    "OrderPreview": "What placeOrder would come to just now.",
    "OrderPreview.refusal": "Null where it would be placed.",
    "OrderPreview.notional": (
        "Amount times the limit price, else the trigger, else the market's best price; in quote."
    ),
    "OrderPreview.estimatedFee": (
        "At that price, as taker where it would trade at once. Null where the exchange does not"
        " tell its rates beforehand."
    ),
    "OrderPreview.checks": (
        "Every check in the order in which it runs; the ones after the first failure too."
    ),
    "OrderCheck": "One check of the gate.",
    "OrderCheck.name": "What is checked: stable, for programs.",
    "OrderCheck.passed": "False too where it could not be made because of an earlier one.",
    "OrderCheck.limit": "What is allowed. Null where there is no limit or it does not apply.",
    "OrderCheck.actual": "What the order comes to.",
    "OrderCheck.message": "Why it did not pass.",
    "CancelOrderInput": "The order to cancel, by exactly one of id and clientOrderId.",
    "CancelOrderInput.id": "The order's global id.",
    "CancelOrderInput.clientOrderId": "The id that the client gave it.",
    "CancelOrderInput.account": f"Belongs to clientOrderId. {_ACCOUNT_OR_DEFAULT}",
    "CancelAllOrdersInput": "Which open orders to cancel: all that is given must hold.",
    "CancelAllOrdersInput.account": _EVERY_ACCOUNT,
    "CancelAllOrdersInput.symbol": "Only in this market. Left out: in all.",
    "CancelAllOrdersInput.sources": "Only those placed by one of these.",
    "PlaceOrderResult": (
        "The answer comes when the exchange has answered, or the order is IN_DOUBT."
    ),
    "PlaceOrderSuccess": (
        "status IN_DOUBT is a success too: the intent is safe, the outcome follows in orderUpdates."
    ),
    "PlaceOrderSuccess.order": "The order as it stands.",
    "PlaceOrderSuccess.replayed": "True where this request had been carried out before.",
    "OrderResult": "The changed order, or why it was not changed.",
    "OrderSuccess": "It was done, or it was already so.",
    "OrderSuccess.order": "The order as it stands.",
    "Problem": "What could not be done this time, and why; the rest stands.",
    "Problem.subject": "What it is about: a symbol, an asset, an account's name, a clientOrderId.",
    "Problem.code": "For programs.",
    "Problem.message": "For a person.",
    "ReconcilePayload": "What comparing an account with its exchange has brought to light.",
    "ReconcilePayload.account": "The account that was compared.",
    "ReconcilePayload.checked": "How many orders were looked at.",
    "ReconcilePayload.changed": "Those that had gone on without our hearing of it.",
    "ReconcilePayload.imported": "Those that somebody else has placed on the exchange: EXTERNAL.",
    "ReconcilePayload.problems": "What could not be compared.",
    "CancelAllOrdersPayload": "What became of every order that matched.",
    "CancelAllOrdersPayload.canceled": (
        "Canceled, or asked to be: where the exchange has not answered, cancelRequestedAt is set."
    ),
    "CancelAllOrdersPayload.underWay": (
        "Those of canceled that the exchange has not confirmed within 10 seconds: each is tried"
        " until it has, and orderUpdates tells it."
    ),
    "CancelAllOrdersPayload.failed": "Not canceled, each with its reason and its existingOrder.",
}
