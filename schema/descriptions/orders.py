"""Descriptions of orders, fills and updates."""

TEXTS = {
    "Order": (
        "One order and all that is known of it, written down here before it is sent. An order that"
        " is not final is compared with the exchange again and again."
    ),
    "Order.account": "The account that it was placed on.",
    "Order.clientOrderId": "The client's own id: unique within the account, the key to a repeat.",
    "Order.exchangeOrderId": "The exchange's id. Null until the exchange has answered.",
    "Order.side": "BUY or SELL.",
    "Order.type": "What makes it trade, and at which price.",
    "Order.timeInForce": "How long it waits. Without meaning for MARKET with GTC.",
    "Order.status": "Where in its life it stands.",
    "Order.isOpen": "Not final: SUBMITTING, IN_DOUBT, OPEN or PARTIALLY_FILLED.",
    "Order.amount": "Base currency; contracts where the market has a contractSize.",
    "Order.price": "The limit price, in quote currency. Null for market kinds.",
    "Order.triggerPrice": "The price that sets off a stop or take-profit. Null for other kinds.",
    "Order.filled": "How much of amount has traded. It never shrinks.",
    "Order.remaining": "amount less filled.",
    "Order.averagePrice": "cost / filled, to 18 places. Null where nothing is filled.",
    "Order.cost": (
        "Quote currency spent or received by the fills so far, without fees: their exact sum."
    ),
    "Order.fees": "The fees of the fills so far, one sum for each currency.",
    "Order.reduceOnly": "Whether it may only make a position smaller.",
    "Order.positionType": "What kind of holding it trades: SPOT, MARGIN or SWAP.",
    "Order.leverage": "The leverage that was asked for. Null where none was.",
    "Order.source": "Who placed it.",
    "Order.exchangeType": (
        "What an order of type OTHER is, in the exchange's own words. Null for every other type."
    ),
    "Order.strategy": "The strategy of the bot that placed it. Null for orders of others.",
    "Order.metadata": "Notes of the client: an object, at most 8 KiB as JSON, 8 deep.",
    "Order.refusal": "Why it was rejected or expired.",
    "Order.cancelRequestedAt": "When its cancel was asked for. Null where it never was.",
    "Order.createdAt": "When it was written down here, before it was sent.",
    "Order.updatedAt": "When it last changed.",
    "Order.closedAt": "When it became final. Null while it is open.",
    "Order.revision": "Grows by one with every change.",
    "Order.fills": (
        "Its fills, oldest first. Inside an update they stop at the update's revision."
    ),
    "Order.history": (
        "The life of the order, oldest first, from its first kept event. Inside an update it stops"
        " at the update's revision."
    ),
    "Order.history(after)": (
        "Only what comes after this cursor of an update, be it from here or from orderUpdates."
    ),
    "OrderConnection": "A page of orders.",
    "OrderConnection.totalCount": "How many orders match, on all pages together.",
    "OrderConnection.asOf": (
        "Where in the stream of updates this list was read: subscribe with after: asOf and nothing"
        " is missed or repeated."
    ),
    "OrderEdge": "An order and its place in the list.",
    "OrderSide": "Which way an order trades.",
    "OrderSide.BUY": "Buys base currency.",
    "OrderSide.SELL": "Sells base currency.",
    "OrderType": "What makes an order trade, and at which price.",
    "OrderType.MARKET": "At once, at the best prices there are. Takes no price; GTC or IOC.",
    "OrderType.LIMIT": "At price or better.",
    "OrderType.STOP_MARKET": "A market order, once the price moves against you to triggerPrice.",
    "OrderType.STOP_LIMIT": "A limit order, once the price moves against you to triggerPrice.",
    "OrderType.TAKE_PROFIT_MARKET": (
        "A market order, once the price moves in your favor to triggerPrice."
    ),
    "OrderType.TAKE_PROFIT_LIMIT": (
        "A limit order, once the price moves in your favor to triggerPrice."
    ),
    "OrderType.OTHER": (
        "Placed elsewhere, and none of these: a trailing stop, or a part of a list of orders. See"
        " exchangeType. It can be canceled here, and not placed or amended."
    ),
    "TimeInForce": "How long an order waits. Any other pairing with a type is INVALID_INPUT.",
    "TimeInForce.GTC": "Until it is filled or canceled. Without meaning for MARKET.",
    "TimeInForce.IOC": "What trades at once trades; the rest is canceled or expires.",
    "TimeInForce.FOK": "All at once or nothing.",
    "TimeInForce.POST_ONLY": (
        "Only as maker; refused where it would trade at once. Limit kinds only."
    ),
    "PositionType": "The kind of holding that an order trades.",
    "PositionType.SPOT": "The currencies themselves.",
    "PositionType.MARGIN": "The currencies themselves, partly with borrowed money.",
    "PositionType.SWAP": 'A perpetual contract, such as "BTC/USDT:USDT".',
    "OrderSource": "Who placed an order.",
    "OrderSource.API": "Placed by a client.",
    "OrderSource.BOT": "Placed by the bot.",
    "OrderSource.EXTERNAL": "Found on the exchange, placed by nobody here.",
    "OrderStatus": "Where in its life an order stands.",
    "OrderStatus.SUBMITTING": "Recorded here, not yet answered by the exchange.",
    "OrderStatus.IN_DOUBT": (
        "The exchange did not answer clearly: it may or may not have the order. Never sent again;"
        " being looked up."
    ),
    "OrderStatus.OPEN": "On the exchange, nothing filled yet.",
    "OrderStatus.PARTIALLY_FILLED": "On the exchange, a part of it filled.",
    "OrderStatus.FILLED": "Final: the whole amount has traded.",
    "OrderStatus.CANCELED": "Final: canceled. A part may have traded before; see filled.",
    "OrderStatus.EXPIRED": (
        "Final: ended by its time in force or by the exchange. A part may have traded before."
    ),
    "OrderStatus.REJECTED": (
        "Final: the exchange answered no, or surely never had it; refusal says why. If the exchange"
        " later reports the order all the same, it is RESOLVED and its fills are booked."
    ),
    "OrderOrder": "How a list of orders is sorted. Equal times are told apart by id.",
    "OrderOrder.CREATED_AT_ASC": "Oldest first.",
    "OrderOrder.CREATED_AT_DESC": "Newest first.",
    "OrderOrder.UPDATED_AT_ASC": "Longest unchanged first.",
    "OrderOrder.UPDATED_AT_DESC": "Last changed first.",
    "Fee": "What a trade cost, in one currency.",
    "Fee.currency": "The currency that the fee was taken in.",
    "Fee.amount": "How much was taken. A rebate is negative.",
    "Fill": "One trade of an order: a fact of the exchange, recorded once.",
    "Fill.exchangeTradeId": (
        "The exchange's id of the trade: unique within the account. Null for a fill that was worked"
        " out from totals, until the real ones replace it."
    ),
    "Fill.synthesized": "Worked out from the order's totals, because the trades are not known yet.",
    "Fill.order": "The order that traded.",
    "Fill.account": "The account that traded.",
    "Fill.side": "The order's side.",
    "Fill.price": "The price, in quote currency.",
    "Fill.amount": "Base currency; contracts where the market has a contractSize.",
    "Fill.cost": "Quote currency spent or received, without the fee.",
    "Fill.fee": "The fee of this trade. Null where it is not known.",
    "Fill.isMaker": (
        "True where the order had rested in the book, false where it took. Null where it is not"
        " known."
    ),
    "Fill.at": "When it traded, by the exchange's clock.",
    "FillConnection": "A page of fills.",
    "FillEdge": "A fill and its place in the list.",
    "OrderUpdate": "One change of one order, committed together with it.",
    "OrderUpdate.cursor": (
        "The place in the stream of updates, the same in orderUpdates and in history. Pass the last"
        " one as after to go on from there."
    ),
    "OrderUpdate.kind": "What happened.",
    "OrderUpdate.at": "When it was committed here.",
    "OrderUpdate.previousStatus": "The status before. Null for the first update of an order.",
    "OrderUpdate.order": "The order as it was right after this change.",
    "OrderUpdate.fill": "The fill that it tells of. Null for other kinds.",
    "OrderUpdate.reason": "Why, in words for a person, where there is something to say.",
    "OrderUpdateConnection": "A page of updates.",
    "OrderUpdateEdge": "An update and its place in the stream.",
    "OrderUpdateEdge.cursor": "The update's own cursor: good here and in orderUpdates.",
    "OrderUpdateKind": (
        "What happened to an order: one update per fact, in the order SUBMITTED, ACCEPTED, FILL…"
    ),
    "OrderUpdateKind.SUBMITTED": "Recorded here, before it was sent.",
    "OrderUpdateKind.ACCEPTED": "The exchange has it.",
    "OrderUpdateKind.IN_DOUBT": "The exchange did not answer clearly; it is being looked up.",
    "OrderUpdateKind.RESOLVED": "The doubt ended.",
    "OrderUpdateKind.FILL": "One trade. The last one carries status FILLED.",
    "OrderUpdateKind.CORRECTED": (
        "A synthesized fill was replaced by real ones, or the exchange told another fee for a"
        " trade: then `fill` is the same fill with the new fee."
    ),
    "OrderUpdateKind.AMENDED": "Its amount or prices were changed in place.",
    "OrderUpdateKind.CANCEL_REQUESTED": "Its cancel was asked for.",
    "OrderUpdateKind.CANCELED": "It was canceled.",
    "OrderUpdateKind.EXPIRED": "Its time in force, or the exchange, ended it.",
    "OrderUpdateKind.REJECTED": "The exchange answered no, or surely never had it.",
    "OrderUpdateKind.IMPORTED": "Found on the exchange, placed by nobody here.",
    "OrderUpdateKind.METADATA": "The client's notes were replaced.",
}
