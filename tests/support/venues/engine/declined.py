"""Why the engine takes no order; each exchange has its own words and codes for it."""

from enum import StrEnum


class Why(StrEnum):
    DUPLICATE_ID = "DUPLICATE_ID"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    TOO_SMALL = "TOO_SMALL"
    WOULD_TAKE = "WOULD_TAKE"
    WOULD_TRIGGER = "WOULD_TRIGGER"


class Declined(Exception):
    """The engine does not take the order, and nothing has changed."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why
