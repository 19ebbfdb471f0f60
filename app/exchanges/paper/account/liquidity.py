"""Liquidity, what open orders can trade against, and TickLiquidity, that of one simulated tick."""

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
    """An order's funds to trade: free quote currency, and the most it may trade if it reduces."""

    free: Decimal
    most: Decimal | None = None


class Liquidity(Protocol):
    """What the open orders can trade against at one moment."""

    @property
    def at(self) -> datetime: ...

    def due(self, resting: RestingOrders) -> list[PaperOrder]:
        """The orders that these prices reach, in the order in which they queued."""
        ...

    def match(self, order: PaperOrder, funds: Funds) -> Outcome | None:
        """The outcome for a due order; None if no liquidity is left for it."""
        ...

    def mark(self, symbol: str) -> Decimal | None:
        """The last price; None if it is not known."""
        ...

    def levels(self, side: OrderSide, symbol: str) -> Sequence[BookLevel]:
        """The levels that an order of this side can take, best first; empty if not known."""
        ...

    def is_older_than(self, position: PaperPosition) -> bool:
        """Whether these prices are older than the position's latest change."""
        ...


class TickLiquidity:
    """One tick's order book, the same for every order, and its volume, which they share."""

    def __init__(self, simulated: SimulatedMarkets, tick: int) -> None:
        self.at = time_of(tick)
        self._simulated = simulated
        self._tick = tick
        self._matching = Matching(rates=simulated.rates)
        self._levels: dict[tuple[str, OrderSide], tuple[BookLevel, ...]] = {}
        self._untraded: dict[str, Decimal] = {}

    def due(self, resting: RestingOrders) -> list[PaperOrder]:
        return resting.due(self.mark)

    def match(self, order: PaperOrder, funds: Funds) -> Outcome | None:
        if order.awaits_trigger:
            step = self._simulated.listing(order.symbol).amount_step
            spending = SpendingLimit(free=funds.free, amount_step=step)
            levels = tuple(cut(self.levels(order.side, order.symbol), funds.most))
            return self._matching.trigger(order, levels, spending, self.at) if levels else None
        amount = self._share(order, funds.most)
        return self._matching.trade_through(order, amount, self.at) if amount else None

    def mark(self, symbol: str) -> Decimal:
        return self._simulated.last(symbol, self._tick)

    def levels(self, side: OrderSide, symbol: str) -> Sequence[BookLevel]:
        key = symbol, side
        if key not in self._levels:
            self._levels[key] = tuple(self._simulated.levels_against(side, symbol, self._tick))
        return self._levels[key]

    def is_older_than(self, position: PaperPosition) -> bool:
        """Never: ticks are replayed in order."""
        return False

    def _share(self, order: PaperOrder, most: Decimal | None) -> Decimal:
        left = self._untraded.get(order.symbol)
        if left is None:
            left = self._simulated.traded(order.symbol, self._tick)
        amount = min(left, order.remaining if most is None else min(most, order.remaining))
        self._untraded[order.symbol] = money.subtract(left, amount)
        return amount
