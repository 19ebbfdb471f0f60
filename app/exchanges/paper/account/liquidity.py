"""What one tick has for the orders that wait: a book for all, a volume that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.domain import money
from app.domain.markets.order_books import BookLevel
from app.domain.order_kinds import OrderSide
from app.domain.paper_ledger import PaperOrder, PaperPosition
from app.exchanges.paper.account.margins import cut
from app.exchanges.paper.account.matching import Matching, Outcome, SpendingLimit
from app.exchanges.paper.account.resting_orders import RestingOrders
from app.exchanges.paper.prices.price_path import time_of
from app.exchanges.paper.prices.simulated_markets import SimulatedMarkets


@dataclass(frozen=True, kw_only=True, slots=True)
class Funds:
    """With what an order meets a price: free quote, and a bound where it may only reduce."""

    free: Decimal
    most: Decimal | None = None


class Liquidity(Protocol):
    """What there is at one moment for the orders that wait."""

    @property
    def at(self) -> datetime: ...

    def due(self, waiting: RestingOrders) -> list[PaperOrder]:
        """Those whom it concerns, in the order in which they came."""
        ...

    def meet(self, order: PaperOrder, means: Funds) -> Outcome | None:
        """What becomes of an order; None where nothing is left for it."""
        ...

    def mark(self, symbol: str) -> Decimal | None:
        """The last price, where it is known."""
        ...

    def levels(self, side: OrderSide, symbol: str) -> Sequence[BookLevel]:
        """What an order of this side can take, best first; nothing where that was not seen."""
        ...

    def is_older_than(self, position: PaperPosition) -> bool:
        """Whether these prices were seen before the position was what it is."""
        ...


class TickLiquidity:
    """One tick, to be met by every order that it concerns, in their order."""

    def __init__(self, simulated: SimulatedMarkets, tick: int) -> None:
        self.at = time_of(tick)
        self._simulated = simulated
        self._tick = tick
        self._matching = Matching(rates=simulated.rates)
        self._levels: dict[tuple[str, OrderSide], tuple[BookLevel, ...]] = {}
        self._untraded: dict[str, Decimal] = {}

    def due(self, waiting: RestingOrders) -> list[PaperOrder]:
        return waiting.due(self.mark)

    def meet(self, order: PaperOrder, means: Funds) -> Outcome | None:
        if order.awaits_trigger:
            step = self._simulated.listing(order.symbol).amount_step
            spending = SpendingLimit(free=means.free, amount_step=step)
            levels = tuple(cut(self.levels(order.side, order.symbol), means.most))
            return self._matching.trigger(order, levels, spending, self.at) if levels else None
        amount = self._share(order, means.most)
        return self._matching.trade_through(order, amount, self.at) if amount else None

    def mark(self, symbol: str) -> Decimal:
        return self._simulated.last(symbol, self._tick)

    def levels(self, side: OrderSide, symbol: str) -> Sequence[BookLevel]:
        key = symbol, side
        if key not in self._levels:
            self._levels[key] = tuple(self._simulated.levels_against(side, symbol, self._tick))
        return self._levels[key]

    def is_older_than(self, position: PaperPosition) -> bool:
        """Ticks are met one after the other."""
        return False

    def _share(self, order: PaperOrder, most: Decimal | None) -> Decimal:
        left = self._untraded.get(order.symbol)
        if left is None:
            left = self._simulated.traded(order.symbol, self._tick)
        amount = min(left, order.remaining if most is None else min(most, order.remaining))
        self._untraded[order.symbol] = money.subtract(left, amount)
        return amount
