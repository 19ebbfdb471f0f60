"""Descriptions of what all parts of the schema share: scalars, pages and refusals."""

TEXTS = {
    "Decimal": (
        "Money, exact. A JSON string in plain notation: no exponent, no trailing zeros, no -0."
        " In: a string (optional minus, ASCII digits, one point) or an integer literal; at most 38"
        " digits, 18 of them after the point. A float is refused. Percent is 0 to 100 everywhere."
    ),
    "Date": "A day, as 2026-01-31.",
    "DateTime": (
        "A moment, in UTC: out as ISO 8601 with milliseconds and Z; in with Z or an offset. A naive"
        " time is refused. What is finer than a millisecond is rounded up to the next one."
    ),
    "Cursor": (
        "A place in one list or in the stream of updates. Opaque: pass it back as it came."
        " One of another list, or of another database, is CURSOR_INVALID;"
        " one from before the kept log is CURSOR_EXPIRED."
    ),
    "JSON": "Any JSON value. Metadata takes an object, at most 8 KiB as JSON, 8 deep.",
    "Node": "Anything that has a global id. Query.node reads it again.",
    "*.id": (
        "Opaque, stable for ever, and of one kind everywhere. A well-formed id of nothing is null"
        " in queries and NOT_FOUND in mutations; a malformed one, or one of another kind,"
        " is BAD_USER_INPUT."
    ),
    "*.symbol": 'The market, in ccxt\'s unified form: "BTC/USDT", "BTC/USDT:USDT".',
    "*(first)": "How many, from the start: 1 to 500, 50 where it is left out.",
    "*(after)": "Only what comes after this cursor of the same list.",
    "*(last)": "How many, from the end: 1 to 500. Give first or last, not both.",
    "*(before)": "Only what comes before this cursor of the same list.",
    "*(id)": "The global id.",
    "*.edges": "The objects of this page, each with its cursor.",
    "*.nodes": "The objects of this page, without cursors.",
    "*.pageInfo": "Where this page begins and ends, and whether there is more on either side.",
    "*.node": "The object at this place.",
    "*.cursor": "The place in this list, for after and before.",
    "PageInfo": "Where a page begins and ends. Pages hold 1 to 500 objects, 50 by default.",
    "PageInfo.hasNextPage": "Whether the list goes on behind this page.",
    "PageInfo.hasPreviousPage": "Whether the list has more in front of this page.",
    "PageInfo.startCursor": "The cursor of the first object here. Null where the page is empty.",
    "PageInfo.endCursor": "The cursor of the last object here. Null where the page is empty.",
    "Refusal": (
        "What the API will not do, and what to do about it. Everything expected comes back this"
        " way; a GraphQL error is for what the client got wrong in the request itself, for auth,"
        " and for faults."
    ),
    "Refusal.code": "The reason, for programs.",
    "Refusal.message": (
        "The reason, in words for a person. PRECISION and MIN_NOTIONAL name the nearest valid"
        " value."
    ),
    "Refusal.field": "The input field that it speaks of, as a path. Null where it is of no field.",
    "Refusal.retryable": (
        "True where it may succeed later: the very same request, or under a new clientOrderId"
        " where existingOrder is set."
    ),
    "Refusal.existingOrder": "The order that it concerns, where there is one.",
    "RefusalCode": "Why something that a trader must expect was not done.",
    "RefusalCode.INVALID_INPUT": (
        "The input makes no sense for trading: a negative or zero amount, a missing or superfluous"
        " price, the form of a clientOrderId, the size of metadata. field tells which."
    ),
    "RefusalCode.UNKNOWN_ACCOUNT": "There is no such account, or the token may not see it.",
    "RefusalCode.UNKNOWN_SYMBOL": "The account's exchange has no such market.",
    "RefusalCode.UNKNOWN_STRATEGY": "There is no such strategy.",
    "RefusalCode.NOT_FOUND": "The id is well formed, and nothing has it.",
    "RefusalCode.UNSUPPORTED": "The exchange, or this version of the API, does not do that.",
    "RefusalCode.PRECISION": (
        "An amount or price is off the market's step. It is never rounded silently."
    ),
    "RefusalCode.MIN_NOTIONAL": "The order is below the market's least amount or least cost.",
    "RefusalCode.INSUFFICIENT_FUNDS": "The free balance does not cover the order.",
    "RefusalCode.IDEMPOTENCY_CONFLICT": (
        "The clientOrderId was used before, with other input. existingOrder has it."
    ),
    "RefusalCode.ALREADY_CLOSED": "The order is final: there is nothing left to change.",
    "RefusalCode.INVALID_STATE": "Not possible in the present state.",
    "RefusalCode.TRADING_HALTED": "Trading is reduced or halted, here or for the account.",
    "RefusalCode.RISK_LIMIT": "A risk limit would be broken, or too many orders are open.",
    "RefusalCode.WINDOW_CLOSED": (
        "The trading window is closed, or its number of trades is used up."
    ),
    "RefusalCode.REJECTED_BY_EXCHANGE": "The exchange answered no; message has its words.",
    "RefusalCode.EXCHANGE_UNAVAILABLE": (
        "The exchange cannot be reached, and was surely not asked."
    ),
    "RefusalCode.RATE_LIMITED": "The exchange's own budget of requests is used up.",
}
