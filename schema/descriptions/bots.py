"""Descriptions of the bot, its strategies' signals, and its decisions."""

_ALLOCATION = "The quote money that it may hold at most."
_PARAMETERS = "As the JSON Schema of its strategy says."

TEXTS = {
    "Query.bot": "The bot as it stands. There is one.",
    "Subscription.botUpdates": "First the bot as it stands, then anew with every change.",
    "Subscription.botDecisions": "Each decision from now on, in the order in which they are made.",
    "Mutation.startBot": (
        "Without assignments: the stored ones; none stored is INVALID_INPUT. Changing them needs"
        " STOPPED, PAUSED or FAILED. What is already so is a success that changes nothing. Answers"
        " once it runs, or after two seconds as it stands."
    ),
    "Mutation.startBot(input)": "What it is to do; left out, what it did before.",
    "Mutation.pauseBot": (
        "Runs no cycle and leaves orders as they are; a cycle in flight is finished first."
    ),
    "Mutation.resumeBot": "Goes on after a pause.",
    "Mutation.stopBot": (
        "A cycle in flight is finished, or ended after ten seconds. What could not be done besides"
        " is told in lastError."
    ),
    "Mutation.stopBot(input)": "What is to be done besides.",
    "BotState": "What the bot is doing.",
    "BotState.STOPPED": "Nothing.",
    "BotState.STARTING": "It waits for its account to be compared with the exchange.",
    "BotState.RUNNING": "Cycle after cycle.",
    "BotState.PAUSED": "It waits to be resumed.",
    "BotState.STOPPING": "It does what is to be done before it stops.",
    "BotState.FAILED": "Ten cycles in a row came to nothing; lastError says why. startBot ends it.",
    "Signal": "What a strategy says.",
    "Signal.BUY": "Buy, as far as the allocation goes.",
    "Signal.SELL": "Sell of what the strategy holds.",
    "Signal.CLOSE": "Sell all that the strategy holds.",
    "Signal.HOLD": "Leave it as it is.",
    "DecisionOutcome": "What came of a decision.",
    "DecisionOutcome.HOLD": "Nothing was to be done, or could be; the reason says why.",
    "DecisionOutcome.ORDERED": "An order was written down and sent.",
    "DecisionOutcome.REFUSED_BY_RISK": "A risk limit or the trading state did not let it through.",
    "DecisionOutcome.REFUSED_BY_WINDOW": "The trading window did not let it through.",
    "DecisionOutcome.FAILED": "The strategy failed, or the order was refused otherwise.",
    "Bot": (
        "Trades by itself: when a candle closes, the strategy of its assignment is asked about it."
    ),
    "Bot.state": "What it is doing.",
    "Bot.desiredState": (
        "What was last asked for (RUNNING, PAUSED or STOPPED); a restart of the process returns to"
        " it. FAILED lasts until startBot."
    ),
    "Bot.account": (
        "Where it trades. Before the first start: the default account, else the first by name."
    ),
    "Bot.assignments": "What it is to do.",
    "Bot.cycleSeconds": (
        "The slowest pace: how long after one look at all assignments the next one begins. Where"
        " the exchange streams candles, a cycle also begins when a candle of an assignment closes."
    ),
    "Bot.startedAt": "When it was started last.",
    "Bot.stoppedAt": "When it stopped since.",
    "Bot.cycles": "How many there were, ever.",
    "Bot.lastCycleAt": "When the last one began.",
    "Bot.lastCycleMilliseconds": "How long the last one took.",
    "Bot.consecutiveFailures": "How many cycles in a row came to nothing; ten of them end it.",
    "Bot.lastError": "What went wrong last, in words.",
    "Bot.recentDecisions": "The newest first.",
    "Bot.recentDecisions(first)": "1 to 500.",
    "StrategyAssignment": (
        "One strategy on one symbol; allocation is the quote money that it may hold at most."
    ),
    "StrategyAssignment.strategy": "The name of a strategy.",
    "StrategyAssignment.symbol": "A spot market of the account.",
    "StrategyAssignment.timeframe": "How long a candle lasts.",
    "StrategyAssignment.parameters": _PARAMETERS,
    "StrategyAssignment.allocation": _ALLOCATION,
    "StrategyAssignmentInput": "No strategy is assigned to one symbol twice.",
    "StrategyAssignmentInput.strategy": "The name of a strategy: see strategies.",
    "StrategyAssignmentInput.symbol": "A spot market of the account.",
    "StrategyAssignmentInput.timeframe": "How long a candle lasts, such as 1m or 1h.",
    "StrategyAssignmentInput.parameters": _PARAMETERS,
    "StrategyAssignmentInput.allocation": _ALLOCATION,
    "BotDecision": "What a strategy said about one closed candle, and what came of it.",
    "BotDecision.at": (
        "When it was made: as its candle closes where the exchange streams candles, else at the"
        " pace of cycleSeconds."
    ),
    "BotDecision.cycle": "In which cycle.",
    "BotDecision.strategy": "Whose it is.",
    "BotDecision.symbol": "What it is about.",
    "BotDecision.timeframe": "Of which candles.",
    "BotDecision.candleAt": "When the candle began on whose close it was made.",
    "BotDecision.price": "The close of that candle. Null of decisions of old.",
    "BotDecision.held": (
        "How much of the base currency the strategy held then. Null of decisions of old."
    ),
    "BotDecision.signal": "What the strategy said.",
    "BotDecision.outcome": "What came of it.",
    "BotDecision.reason": "Why, in words of the strategy and of whoever refused it.",
    "BotDecision.order": "The order that it came to.",
    "StartBotInput": "What the bot is to do. What is left out stays as it was.",
    "StartBotInput.account": "Where it is to trade.",
    "StartBotInput.assignments": "All of them: they replace the present ones. 1 to 50.",
    "StartBotInput.cycleSeconds": "1 to 86400.",
    "StopBotInput": "What is to be done besides.",
    "StopBotInput.cancelOpenOrders": "Cancel the open orders that it has placed.",
    "StopBotInput.closePositions": "Sell at the market what its strategies hold.",
    "BotResult": "The bot, or why it does not do as asked.",
    "BotSuccess": "The bot as it stands now.",
    "BotSuccess.bot": "The bot as it stands now.",
}
