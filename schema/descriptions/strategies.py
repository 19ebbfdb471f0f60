"""Descriptions of the strategies that the bot can run."""

TEXTS = {
    "Query.strategies": (
        "The strategies that can be assigned to the bot, by name: the built-in ones and those of"
        " the folder in the settings. A file that is broken is not here; the log says why."
    ),
    "StrategyInfo": "A strategy that can be assigned.",
    "StrategyInfo.name": "What an assignment names it by.",
    "StrategyInfo.description": "What it does, in words.",
    "StrategyInfo.parameters": "What it can be set by, as JSON Schema, with the defaults.",
}
