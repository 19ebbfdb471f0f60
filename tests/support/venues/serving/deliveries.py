"""How an account's stream delivers its events: once, twice, late in another order, or never."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

Page = dict[str, Any]


class Delivery(StrEnum):
    """How reports are delivered to subscribers."""

    ONCE = "ONCE"
    TWICE = "TWICE"
    HELD = "HELD"
    NEVER = "NEVER"


class Deliveries(ABC):
    """Events for accounts, which are said as `delivery` wants it."""

    def __init__(self) -> None:
        self.delivery = Delivery.ONCE
        self._held: list[tuple[str, Page]] = []

    @abstractmethod
    def say(self, account: str, event: Page) -> None:
        """Send the event on every socket of the account that listens."""

    @abstractmethod
    def listeners(self, account: str) -> int:
        """How many sockets listen to the account's events."""

    def tell(self, account: str, event: Page) -> None:
        """Deliver an event according to self.delivery."""
        match self.delivery:
            case Delivery.ONCE:
                self.say(account, event)
            case Delivery.TWICE:
                self.say(account, event)
                self.say(account, event)
            case Delivery.HELD:
                self._held.append((account, event))
            case Delivery.NEVER:
                pass

    def release(self, arrange: Callable[[list[Page]], Sequence[Page]] = list) -> None:
        """Deliver held events, in the order that arrange returns."""
        held, self._held = self._held, []
        self.delivery = Delivery.ONCE
        for account in dict.fromkeys(account for account, _ in held):
            for event in arrange([event for whose, event in held if whose == account]):
                self.say(account, event)
