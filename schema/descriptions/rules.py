"""Descriptions of the trading window, risk limits, halting and the dead-man switch."""

TEXTS = {
    "Query.tradingWindow": "When entries are allowed, and how many.",
    "Query.risk": "Limits and trading state, and how an account stands against them.",
    "Query.risk(account)": (
        'The name of an account. Left out: the only one, else the one named "default",'
        " else BAD_USER_INPUT naming the accounts."
    ),
    "Subscription.tradingWindowUpdates": (
        "First the window as it stands, then anew when it opens or closes, with each trade that is"
        " counted or given back, and when it is configured."
    ),
    "Subscription.riskUpdates": (
        "First risk as it stands, then anew when limits, states, open orders or figures change,"
        " five a second at most."
    ),
    "Subscription.riskUpdates(account)": (
        'The name of an account. Left out: the only one, else the one named "default",'
        " else BAD_USER_INPUT naming the accounts."
    ),
    "Mutation.configureTradingWindow": (
        "A field that is left out stays as it is; null lifts a limit and sets anything else back."
    ),
    "Mutation.configureTradingWindow(input)": "What is to be different.",
    "Mutation.configureRisk": "A field that is left out stays as it is; null lifts the limit.",
    "Mutation.configureRisk(input)": "What is to be different.",
    "Mutation.haltTrading": (
        "The kill switch: refuses every new order from this moment on, stays so across restarts,"
        " cancels and closes side by side, and answers within 10 seconds; what is not done by"
        " then goes on by itself. It can be repeated."
    ),
    "Mutation.haltTrading(reason)": "Why, in 1 to 200 characters: stateReason tells it.",
    "Mutation.haltTrading(cancelOpenOrders)": "Cancel the open orders of API and BOT.",
    "Mutation.haltTrading(cancelExternal)": "Those that were placed elsewhere as well.",
    "Mutation.haltTrading(closePositions)": (
        "Close at the market what orders of this product have traded. Positions below the market's"
        " minimum stay."
    ),
    "Mutation.haltTrading(closeExternal)": "With closePositions: also what came from outside.",
    "Mutation.reduceTrading": (
        "Only reductions and cancels from now on. Where trading is HALTED nothing changes."
    ),
    "Mutation.reduceTrading(reason)": "Why, in 1 to 200 characters: stateReason tells it.",
    "Mutation.resumeTrading": (
        "ACTIVE again. RISK_LIMIT while a loss still breaks its limit; INVALID_STATE where all"
        " accounts were restricted by somebody who may use all of them, and the asker may not."
    ),
    "Mutation.armDeadManSwitch": (
        "Unless it is armed again within this time, the open orders are canceled and trading is"
        " halted, whether the server was running or not."
    ),
    "Mutation.armDeadManSwitch(timeoutSeconds)": "1 to 86400, which is a day.",
    "Mutation.disarmDeadManSwitch": "It does not fire; where it is not armed, nothing changes.",
    "Weekday": "A day of the week.",
    "Weekday.MONDAY": "Monday.",
    "Weekday.TUESDAY": "Tuesday.",
    "Weekday.WEDNESDAY": "Wednesday.",
    "Weekday.THURSDAY": "Thursday.",
    "Weekday.FRIDAY": "Friday.",
    "Weekday.SATURDAY": "Saturday.",
    "Weekday.SUNDAY": "Sunday.",
    "TradingWindow": (
        "When entries are allowed, and how many, on all accounts together. Cancels and reductions"
        " always pass. A trade is an order that is not a reduction, counted when the gate accepts"
        " it and given back when it is rejected or never placed, not when it is canceled or"
        " expires. A reduction stands opposite to the position and, with other open reductions,"
        " not above its amount; every spot SELL is one. Amending upwards asks the hours again, and"
        " is not another trade."
    ),
    "TradingWindow.id": "There is one. Query.node does not take it.",
    "TradingWindow.enabled": "Where false, it holds nothing back.",
    "TradingWindow.appliesTo": "API, BOT or both. Trades of the others are not counted.",
    "TradingWindow.timezone": (
        "IANA name. What a clock there reads decides: a session keeps its local hours across"
        " daylight saving changes, an hour that comes twice is open twice, one that is skipped is"
        " not traded."
    ),
    "TradingWindow.sessions": "When it is open. None means around the clock.",
    "TradingWindow.blackouts": "Times at which it is closed whatever the sessions say.",
    "TradingWindow.maxTradesPerDay": "From dayStartsAt to the next. Null means no limit.",
    "TradingWindow.maxTradesPerHour": "In the last 60 minutes. Null means no limit.",
    "TradingWindow.cooldownSeconds": "The least time between two trades.",
    "TradingWindow.dayStartsAt": "Local time at which a trading day begins, HH:MM.",
    "TradingWindow.isOpen": "Whether sessions and blackouts allow an entry now.",
    "TradingWindow.canTrade": "Whether limits and cooldown do so too.",
    "TradingWindow.reason": "Why canTrade is false.",
    "TradingWindow.tradingDay": "The date on which the present trading day began.",
    "TradingWindow.tradesToday": "How many trades were counted in it.",
    "TradingWindow.remainingTrades": (
        "The smaller of the two limits' rests. Null where there is no limit."
    ),
    "TradingWindow.nextOpenAt": "When it opens next, after it has been closed; null if never.",
    "TradingWindow.nextCloseAt": "When it closes next, after it has been open; null if never.",
    "TradingSession": "Hours on some days of the week, in the window's timezone.",
    "TradingSession.days": "The days on which it opens.",
    "TradingSession.opensAt": "Local time, HH:MM.",
    "TradingSession.closesAt": (
        "Local time, HH:MM. A close at or before the open means the next day."
    ),
    "Blackout": "A time without entries.",
    "Blackout.from": "It begins here.",
    "Blackout.until": "It ends here.",
    "Blackout.reason": "Why; refusals repeat it.",
    "TradingWindowInput": "What is to be different about the window.",
    "TradingWindowInput.enabled": "Whether it holds at all.",
    "TradingWindowInput.appliesTo": "API, BOT or both.",
    "TradingWindowInput.timezone": "IANA name, such as Europe/Berlin.",
    "TradingWindowInput.sessions": "All of them: they replace the present ones.",
    "TradingWindowInput.blackouts": "All of them: they replace the present ones.",
    "TradingWindowInput.maxTradesPerDay": "0 or more; null lifts the limit.",
    "TradingWindowInput.maxTradesPerHour": "0 or more; null lifts the limit.",
    "TradingWindowInput.cooldownSeconds": "0 to 604800, which is a week.",
    "TradingWindowInput.dayStartsAt": "Local time, HH:MM.",
    "TradingSessionInput": "Hours on some days. No two sessions may be open at once.",
    "TradingSessionInput.days": "At least one, each once.",
    "TradingSessionInput.opensAt": "Local time, HH:MM.",
    "TradingSessionInput.closesAt": (
        "Local time, HH:MM. A close at or before the open means the next day."
    ),
    "BlackoutInput": "A time without entries.",
    "BlackoutInput.from": "It begins here.",
    "BlackoutInput.until": "It ends here, later than it begins and before 2200.",
    "BlackoutInput.reason": "Why, in 1 to 200 characters.",
    "TradingWindowResult": "The window, or why it was not changed.",
    "TradingWindowSuccess": "The window as it stands now.",
    "TradingWindowSuccess.tradingWindow": "The window as it stands now.",
    "TradingState": "What may be traded.",
    "TradingState.ACTIVE": "Everything that passes the limits.",
    "TradingState.REDUCING": "Only reductions, and cancels.",
    "TradingState.HALTED": (
        "Only cancels, and the closing orders of haltTrading and stopBot themselves."
    ),
    "Risk": (
        "How one account stands. Limits and trading state are one for the installation; counts and"
        " sums hold for each account by itself, money in the account's quote currency. A limit"
        " that trips on one account sets that account REDUCING."
    ),
    "Risk.id": "That of its account. Query.node does not take it.",
    "Risk.account": "The account.",
    "Risk.currency": "What money is counted in: the quote that is most usual on its markets.",
    "Risk.limits": "What no entry may go beyond. Reductions pass.",
    "Risk.tradingState": "The severer one of what holds for all accounts and for this one.",
    "Risk.stateReason": "Who or what left ACTIVE, and why.",
    "Risk.stateSince": "Since when it has been so.",
    "Risk.deadManSwitch": "Whether it is armed, and when it fires.",
    "Risk.halt": (
        "What the last halt cancels and closes and how far it has come, until trading is resumed;"
        " riskUpdates follows it. Null without one."
    ),
    "HaltProgress": "A halt goes on by itself, across restarts too, until nothing is left to do.",
    "HaltProgress.beganAt": "When trading was halted.",
    "HaltProgress.endedAt": "When nothing was left to do. Null while it goes on.",
    "HaltProgress.canceled": "How many orders were canceled.",
    "HaltProgress.closed": "How many orders that close positions were filled.",
    "HaltProgress.underWay": "How many orders the exchange has not confirmed as canceled yet.",
    "HaltProgress.failures": "What was left open, closed otherwise or proved impossible.",
    "HaltFailure": "An order or a position that a halt could not cancel or close.",
    "HaltFailure.subject": "The order's clientOrderId, or the position as ACCOUNT SYMBOL TYPE.",
    "HaltFailure.message": "Why.",
    "Risk.openOrders": "How many orders are not final.",
    "Risk.openNotional": "Remaining times price of the open orders that do not reduce.",
    "Risk.realizedPnlToday": "Net of fees, since the trading day began.",
    "Risk.drawdownPercent": "From the highest equity since records began.",
    "DeadManSwitch": (
        "Cancels the open orders and halts, unless it is armed again in time: for a client that"
        " may die."
    ),
    "DeadManSwitch.armed": "Whether it is going to fire.",
    "DeadManSwitch.firesAt": "When, unless it is armed again.",
    "RiskLimits": "Null means no limit. Loss limits are positive numbers.",
    "*.maxOrderNotional": "What one order may come to: amount times its price.",
    "*.maxPositionNotional": (
        "What may be held of one symbol, with what open orders would add, at the last price."
    ),
    "*.maxOpenNotional": "What open orders that do not reduce may come to together.",
    "*.maxOpenOrders": "How many orders may be open. The settings of an account may be tighter.",
    "*.maxOrdersPerMinute": "Of API and BOT together, reductions counted, though they pass.",
    "*.maxDailyLoss": (
        "What may be lost since the trading day began, open positions included. Reaching it sets"
        " the account REDUCING."
    ),
    "*.maxDrawdownPercent": (
        "From the highest equity since records began, deposits and withdrawals taken out. Reaching"
        " it sets the account REDUCING."
    ),
    "*.priceCollarPercent": (
        "How far a limit price may stand from the last trade on the costly side: a buy above, a"
        " sell below."
    ),
    "*.allowedSymbols": "What may be entered. Empty allows none.",
    "RiskLimitsInput": "A field that is left out stays as it is; null lifts the limit.",
    "RiskResult": "Risk as it stands now, or why it was not changed.",
    "RiskSuccess": "It is so now.",
    "RiskSuccess.risk": 'Of the account named "default", else of the first by name.',
    "HaltPayload": "What haltTrading has come to, order by order.",
    "HaltPayload.risk": 'Of the account named "default", else of the first by name.',
    "HaltPayload.canceled": "Orders that were open and are canceled.",
    "HaltPayload.closing": "Orders that close positions.",
    "HaltPayload.underWay": (
        "Open orders whose cancellation the exchange has not confirmed yet; each is also in failed."
    ),
    "HaltPayload.isDone": (
        "Whether nothing is left to do. Where false, it goes on by itself: see Risk.halt and"
        " riskUpdates."
    ),
    "HaltPayload.failed": (
        "Orders that were left open and why, and those that were closed otherwise meanwhile."
    ),
}
