"""What one tick has for the orders that wait: a book for all, a volume that they share."""

from decimal import Decimal

from app.domain import money
from app.domain.order_books import Level
from app.domain.orders import OrderSide
from app.domain.paper import PaperOrder
from app.exchanges.paper.matching import Outcome
from app.exchanges.paper.prices import time_of
from app.exchanges.paper.venue import Venue


class TickOffers:
    """One tick, to be met by every order that it concerns, in their order."""

    def __init__(self, venue: Venue, tick: int) -> None:
        self._venue = venue
        self._tick = tick
        self._levels: dict[tuple[str, OrderSide], tuple[Level, ...]] = {}
        self._untraded: dict[str, Decimal] = {}

    def meet(self, order: PaperOrder, free: Decimal) -> Outcome | None:
        """What becomes of an order with so much free quote; None where nothing is left for it."""
        matching = self._venue.matching(order.symbol)
        at = time_of(self._tick)
        if order.awaits_trigger:
            return matching.trigger(order, self._levels_against(order), free, at)
        amount = self._share(order)
        return matching.trade_through(order, amount, at) if amount else None

    def _levels_against(self, order: PaperOrder) -> tuple[Level, ...]:
        key = order.symbol, order.side
        if key not in self._levels:
            found = self._venue.levels_against(order.side, order.symbol, self._tick)
            self._levels[key] = tuple(found)
        return self._levels[key]

    def _share(self, order: PaperOrder) -> Decimal:
        left = self._untraded.get(order.symbol)
        if left is None:
            left = self._venue.traded(order.symbol, self._tick)
        amount = min(left, order.remaining)
        self._untraded[order.symbol] = money.subtract(left, amount)
        return amount
