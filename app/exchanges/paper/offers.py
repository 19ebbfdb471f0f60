"""What one tick has for the orders that wait: a book for all, a volume that they share."""

from decimal import Decimal
from typing import Protocol

from app.domain import money
from app.domain.order_books import Level
from app.domain.orders import OrderSide
from app.domain.paper import PaperOrder
from app.exchanges.paper.matching import Matching, Outcome, Purse
from app.exchanges.paper.prices import time_of
from app.exchanges.paper.venue import Venue
from app.exchanges.paper.waiting import WaitingOrders


class Offers(Protocol):
    """What there is at one moment for the orders that wait."""

    def due(self, waiting: WaitingOrders) -> list[PaperOrder]:
        """Those whom it concerns, in the order in which they came."""
        ...

    def meet(self, order: PaperOrder, free: Decimal) -> Outcome | None:
        """What becomes of an order with so much free quote; None where nothing is left for it."""
        ...


class TickOffers:
    """One tick, to be met by every order that it concerns, in their order."""

    def __init__(self, venue: Venue, tick: int) -> None:
        self._venue = venue
        self._tick = tick
        self._matching = Matching(rates=venue.rates)
        self._levels: dict[tuple[str, OrderSide], tuple[Level, ...]] = {}
        self._untraded: dict[str, Decimal] = {}

    def due(self, waiting: WaitingOrders) -> list[PaperOrder]:
        return waiting.due(lambda symbol: self._venue.last(symbol, self._tick))

    def meet(self, order: PaperOrder, free: Decimal) -> Outcome | None:
        at = time_of(self._tick)
        if order.awaits_trigger:
            step = self._venue.listing(order.symbol).amount_step
            purse = Purse(free=free, amount_step=step)
            return self._matching.trigger(order, self._levels_against(order), purse, at)
        amount = self._share(order)
        return self._matching.trade_through(order, amount, at) if amount else None

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
