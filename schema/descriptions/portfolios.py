"""Descriptions of the portfolio: balances, equity and performance."""

_ACCOUNT = (
    'The name of an account. Left out: the only one, else the one named "default",'
    " else BAD_USER_INPUT naming the accounts."
)
_CURRENCY = (
    "Whatever the account's spot markets lead to, over three of them at most: the shortest way,"
    " then the most usual one. Left out: the most usual one that its markets are quoted in. Any"
    " other is BAD_USER_INPUT, which names some that can be."
)

TEXTS = {
    "Query.portfolio": (
        "What an account is worth, at the last prices. EXCHANGE_UNAVAILABLE where its exchange does"
        " not say what is held."
    ),
    "Query.portfolio(account)": _ACCOUNT,
    "Query.portfolio(currency)": _CURRENCY,
    "Subscription.portfolioUpdates": (
        "First the present state, then each change, of orders or of prices, five a second at most:"
        " the newest takes the place of what was not sent yet. Prices come from the exchange's"
        " streams; those without one are asked for every second, less often where there are more"
        " than 20. An exchange that does not answer is a problem of the last state."
    ),
    "Subscription.portfolioUpdates(account)": _ACCOUNT,
    "Subscription.portfolioUpdates(currency)": _CURRENCY,
    "Portfolio": (
        "An account as a whole, valued in one currency. What cannot be valued is left out of every"
        " sum and named in problems. Deposits and withdrawals move equity and its curve; they are"
        " taken out of the drawdowns and of sharpe."
    ),
    "Portfolio.id": "That of account and currency. Query.node does not take it.",
    "Portfolio.account": "The account.",
    "Portfolio.asOf": "Where in the log it was read: orderUpdates goes on from here.",
    "Portfolio.currency": "What everything is valued in.",
    "Portfolio.equity": (
        "Every balance at the last price, and what open swaps have gained or lost."
    ),
    "Portfolio.cash": "Total of the portfolio currency itself.",
    "Portfolio.unrealizedPnl": (
        "Of all open positions whose price and cost are known, at today's rates."
    ),
    "Portfolio.realizedPnl": (
        "The sum over all positions, open and closed, net of every fee; what was earned in another"
        " quote counts at today's rate."
    ),
    "Portfolio.realizedPnlToday": "The part of it since 00:00 UTC.",
    "Portfolio.dust": "The value of positions that are dust; equity includes it.",
    "Portfolio.drawdownPercent": (
        "How far equity stands below the highest that was ever recorded, from 0 to 100, deposits"
        " and withdrawals taken out. While something that matters has no fresh price it is that of"
        " the last record, and problems says so."
    ),
    "Portfolio.balances": "What there is of each asset, the most valuable first.",
    "Portfolio.allocation": (
        "The part of each asset in all that has a value, the largest first: 100 together."
    ),
    "Portfolio.equityCurve": (
        "Recorded every minute and at each fill, only where all that matters had a fresh price;"
        " oldest first. After an hour the outline of each minute is kept, after a week that of each"
        " hour. It is recorded in the account's own currency and told in another at today's rate,"
        " which problems names."
    ),
    "Portfolio.equityCurve(since)": "From this moment on. Left out: from the first record.",
    "Portfolio.equityCurve(until)": "Up to this moment, which excludes it. Left out: up to now.",
    "Portfolio.equityCurve(points)": (
        "1 to 2000 at most. Where there are more, each stretch of time keeps its lowest and its"
        " highest, and the curve its first and its last."
    ),
    "Portfolio.performance": "How well the account has traded.",
    "Portfolio.performance(since)": (
        "Only trades that ended, fees that were paid and equity that was recorded since then. Left"
        " out: all of it."
    ),
    "Portfolio.problems": (
        "What could not be valued, is valued at an old price or came from outside, and why; the"
        " rest stands."
    ),
    "Balance": "What an account has of one asset.",
    "Balance.asset": "Its code, such as BTC.",
    "Balance.free": "What can be traded with.",
    "Balance.used": "What open orders hold back.",
    "Balance.total": "Both together.",
    "Balance.value": "In the portfolio currency. Null where it has none, which problems names.",
    "Allocation": "An asset's part of the whole.",
    "Allocation.asset": "Its code, such as BTC.",
    "Allocation.value": "In the portfolio currency.",
    "Allocation.percent": "From 0 to 100.",
    "EquityPoint": "What the account was worth at one moment.",
    "EquityPoint.at": "When.",
    "EquityPoint.equity": "In the portfolio currency.",
    "Performance": (
        "A trade is a position from flat to flat, or to the other side. Percentages and averages"
        " are null at 0 trades."
    ),
    "Performance.trades": (
        "Closed ones, and those of which only dust is left, until the market is bought again."
    ),
    "Performance.wins": "Those that brought more than nothing, after all fees.",
    "Performance.losses": (
        "Those that brought less than nothing; what brought exactly nothing is neither."
    ),
    "Performance.winRatePercent": "The part of wins in all trades.",
    "Performance.profitFactor": "What was won by what was lost. Null without losses.",
    "Performance.averageWin": "Null without wins.",
    "Performance.averageLoss": "Below zero. Null without losses.",
    "Performance.maxDrawdownPercent": "The deepest fall of recorded equity from a peak before it.",
    "Performance.sharpe": (
        "Of daily equity returns in UTC, root of 365, no risk-free rate, to 4 places; null under 30"
        " days, and where equity never moved."
    ),
    "Performance.fees": "All fees, each valued in quote at its fill.",
}
