"""Writes JSON with decimals as numbers, all their digits kept, as Kraken's streams do."""

from decimal import Decimal
from typing import Any

import orjson


def written(page: Any) -> str:
    return orjson.dumps(page, default=_number).decode()


def _number(value: object) -> orjson.Fragment:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    return orjson.Fragment(f"{value:f}".encode())
