"""Descriptions of positions and their valuation."""

TEXTS = {
    "Position": (
        "What an account holds in one market, as its fills add up and its balances bear out. Its id"
        " is that of account, symbol and type, and survives closing and reopening."
    ),
    "Position.account": "The account that holds it.",
    "Position.symbol": "The market, by ccxt's unified symbol.",
    "Position.type": "SPOT, MARGIN or SWAP, as its orders were placed.",
    "Position.side": "Whether it earns when the price rises or when it falls.",
    "Position.amount": "Always positive, zero once closed; side tells the direction.",
    "Position.entryPrice": (
        "Average price without fees, from an exact cost basis. Null where the holding came from"
        " outside and its price is not known."
    ),
    "Position.markPrice": "The last price of the market. Null where there is none.",
    "Position.markPriceAt": "When that price was; problems names one that is old.",
    "Position.notional": "Amount times the mark, in quote.",
    "Position.unrealizedPnl": "Notional at the mark less the cost basis.",
    "Position.unrealizedPnlPercent": "The same in percent of the cost basis.",
    "Position.realizedPnl": (
        "Net of every fee so far, entry fees included, each valued in quote at its fill."
    ),
    "Position.leverage": "How many times its own money it moves. Null for SPOT.",
    "Position.margin": "What is kept as security for it. Null for SPOT.",
    "Position.dust": (
        "Whether it is below the market's step or minimum, so that no order can close it: what fees"
        " taken in the coin leave, for example."
    ),
    "Position.liquidationPrice": (
        "The mark at which the exchange would close it, if all else stays as it is. Null for SPOT,"
        " and where there is none."
    ),
    "Position.metadata": "Whatever the client has noted about it.",
    "Position.openedAt": "When the present round began. Null while it is closed.",
    "Position.updatedAt": "When the last fill came.",
    "Position.orders": "The orders behind it, newest first.",
    "PositionSide": "The direction of a position.",
    "PositionSide.LONG": "It earns when the price rises.",
    "PositionSide.SHORT": "It earns when the price falls.",
    "PositionList": "The open positions, read at one instant.",
    "PositionList.nodes": "By account and symbol.",
    "PositionList.problems": (
        "What could not be valued or read this time, and why; the rest of the list stands."
    ),
    "PositionList.asOf": "Where in the log it was read: orderUpdates goes on from here.",
    "PositionFilter": "Which positions are meant. What is left out admits all.",
    "PositionFilter.account": "Those of this account.",
    "PositionFilter.symbols": "Those in these markets.",
    "PositionFilter.type": "Those of this type.",
    "PositionResult": "What became of a change of a position.",
    "PositionSuccess": "It was done, or it was already so.",
    "PositionSuccess.position": "The position as it stands.",
    "ClosePositionInput": "Which position is closed, and how much of it.",
    "ClosePositionInput.id": "The position.",
    "ClosePositionInput.amount": (
        "Left out: all that was traded here, as far as the market's step lets it be traded."
    ),
    "ClosePositionInput.closeExternal": "Also what came from outside, such as a deposit.",
    "ClosePositionInput.clientOrderId": (
        "As for placeOrder: the same one again gives back the order of the first time."
    ),
    "Mutation.closePosition": (
        "Closes a position by a market order with reduceOnly, on spot too: it can only reduce it."
    ),
    "Mutation.closePosition(input)": "Which position, and how much of it.",
    "Mutation.setPositionMetadata": "Replaces the whole object.",
    "Mutation.setPositionMetadata(id)": "The position.",
    "Mutation.setPositionMetadata(metadata)": "At most 8 KiB as JSON, 8 deep.",
    "Subscription.positionUpdates": (
        "The open positions as they are, then anew whenever a fill or a price has changed them, at"
        " most 5 times a second: the newest replaces what was not yet sent."
    ),
    "Subscription.positionUpdates(filter)": "Left out: all of them.",
    "Query.positions": "What is held, and what it is worth at the last prices.",
    "Query.positions(filter)": "Left out: all of them.",
}
