"""SpendingBuys: reads orders of an exchange whose market buys spend an amount of money."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# An id of ours, by which we know that a limit may stand for a market order.
_OURS = re.compile("[a-z][0-9a-z]{17}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SpendingBuys:
    """The fields of a raw order with what was bought, and with what was spent on it."""

    bought: str
    spent: str

    def read(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A ccxt order row: of a market buy with true amounts, which ccxt would have to divide.

        Buys of ours that take at once or end may be market orders whose limit is not theirs: their
        terms, which nobody can change, are not read.
        """
        raw = row.get("info")
        if row.get("side") != "buy" or not isinstance(raw, Mapping):
            return row
        if row.get("type") == "market":
            bought, spent = raw.get(self.bought), raw.get(self.spent)
            return {**row, "amount": bought, "filled": bought, "cost": spent, "remaining": None}
        is_ours = _OURS.fullmatch(str(row.get("clientOrderId"))) is not None
        is_unsure = is_ours and row.get("timeInForce") == "IOC"
        return {**row, "type": None, "orderType": None} if is_unsure else row
