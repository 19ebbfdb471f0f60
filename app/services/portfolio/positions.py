"""Positions: what accounts hold in each market and what it is worth."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from app.domain import money
from app.domain.order_kinds import PositionType
from app.domain.orders.events import LogPosition
from app.domain.orders.reconciliations import unanswered
from app.domain.portfolio.positions import Position, PositionKey
from app.domain.portfolio.valuations import (
    Mark,
    ReconciledHoldings,
    ValuedPosition,
    mark_of,
    old_price,
    unpriced,
    unvalued_fees,
    valued,
)
from app.domain.problems import Problem
from app.errors import ExchangeError
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.markets.market_data import MarketDataService
from app.services.markets.price_lookup import PriceAnswers, fetch_prices
from app.services.portfolio.valuation import Valuer, reconciled
from app.services.reads import View


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionFilter:
    """Which positions are asked for; None does not filter."""

    accounts: frozenset[str] | None = None
    symbols: frozenset[str] | None = None
    type: PositionType | None = None

    def admits(self, key: PositionKey) -> bool:
        return (
            (self.accounts is None or key.account in self.accounts)
            and (self.symbols is None or key.symbol in self.symbols)
            and (self.type is None or key.type is self.type)
        )

    def names_among(self, accounts: frozenset[str]) -> frozenset[str]:
        """The accounts that the filter admits."""
        return accounts if self.accounts is None else accounts & self.accounts


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionList:
    """Open positions, what is not known about them, and where in the log they were read.

    Two lists are equal if a reader sees no difference.
    """

    nodes: tuple[ValuedPosition, ...]
    problems: tuple[Problem, ...]
    as_of: LogPosition = field(compare=False)


class PositionService:
    """Computes positions from fills, balances and prices."""

    def __init__(
        self, accounts: AccountService, valuer: Valuer, market_data: MarketDataService,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._valuer = valuer
        self._market_data = market_data
        self._clock = clock

    async def read(self, view: View, wanted: PositionFilter) -> PositionList:
        """Read the accounts in parallel, so that a slow exchange delays no other for long."""
        known = await view.positions()
        names = sorted(wanted.names_among(view.accounts))
        found = await asyncio.gather(*(self._of(view, name, known, wanted) for name in names))
        return PositionList(
            nodes=tuple(node for nodes, _ in found for node in nodes),
            problems=tuple(problem for _, problems in found for problem in problems),
            as_of=await view.as_of(),
        )

    async def find(self, view: View, key: PositionKey) -> ValuedPosition | None:
        """One position, open or closed; None if the account never had it."""
        wanted = PositionFilter(
            accounts=frozenset({key.account}), symbols=frozenset({key.symbol}), type=key.type
        )
        nodes = (await self.read(view, wanted)).nodes
        if nodes:
            return nodes[0]
        known = (position for position in await view.positions() if position.key == key)
        closed = next(known, None)
        return None if closed is None else valued(closed, money.ZERO, None)

    async def _of(
        self, view: View, name: str, known: Sequence[Position], wanted: PositionFilter
    ) -> tuple[list[ValuedPosition], list[Problem]]:
        account = self._accounts.get(name)
        ours = [position for position in known if position.key.account == name]
        held = await self._reconciled(view, account, ours)
        open_positions = [
            position
            for position in held.positions
            if held.amount_of(position) and wanted.admits(position.key)
        ]
        symbols = dict.fromkeys(position.key.symbol for position in open_positions)
        prices = await fetch_prices(self._market_data, account, symbols, view.answers)
        nodes = [held.valued(position, _mark(position, prices)) for position in open_positions]
        problems = [
            problem
            for problem in held.problems
            if wanted.symbols is None or problem.subject in symbols
        ]
        return nodes, [*problems, *_problems(nodes, prices)]

    async def _reconciled(
        self, view: View, account: AccountEntry, ours: Sequence[Position]
    ) -> ReconciledHoldings:
        """Positions checked against the balances; if the exchange is silent, those of the fills."""
        try:
            holdings = await self._valuer.holdings(view, account)
        except ExchangeError:
            return ReconciledHoldings(positions=tuple(ours), problems=(unanswered(account.name),))
        return reconciled(holdings, ours, account.name, self._clock.now())


def _mark(position: Position, prices: PriceAnswers) -> Mark | None:
    return mark_of(prices.tickers.get(position.key.symbol))


def _problems(nodes: Sequence[ValuedPosition], prices: PriceAnswers) -> Iterator[Problem]:
    for symbol, why in prices.missing.items():
        yield unpriced(symbol, why)
    for node in nodes:
        symbol = node.key.symbol
        if node.mark is None and symbol not in prices.missing:
            yield unpriced(symbol, "nobody has traded or offers anything")
        if node.mark is not None and node.mark.is_stale:
            yield old_price(symbol, node.mark)
        if node.position.unvalued_fees:
            yield unvalued_fees(node.position)
