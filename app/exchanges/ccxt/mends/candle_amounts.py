"""Reads the amount of a streamed candle in base currency, where ccxt reads its worth in quote."""

from collections.abc import Callable, Mapping
from typing import Any

# Where ccxt looks for the amount.
_TAKEN = "v"

Parse = Callable[..., Any]


def counting_base(parse: Parse, amount_field: str) -> Parse:
    def parsed(candle: Any, *others: Any) -> Any:
        if isinstance(candle, Mapping) and amount_field in candle:
            return parse({**candle, _TAKEN: candle[amount_field]}, *others)
        return parse(candle, *others)

    return parsed
