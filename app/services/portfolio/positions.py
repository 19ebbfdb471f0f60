"""Positions: what accounts hold in each market and what it is worth."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from app.domain import money
from app.domain.markets.markets import Market
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
from app.services.accounts import AccountService
from app.services.markets.price_lookup import PriceAnswers
from app.services.portfolio.valuation import (
    ValuationRequest,
    holdings_in,
    prices_in,
    reconciled,
)
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

    def __init__(self, accounts: AccountService, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    def asked_for(
        self, names: frozenset[str], wanted: PositionFilter
    ) -> Sequence[ValuationRequest]:
        """What must be asked of the exchanges before the view to read from is opened."""
        asked = sorted(wanted.names_among(names))
        return [ValuationRequest(account=self._accounts.get(name)) for name in asked]

    async def read(self, view: View, wanted: PositionFilter) -> PositionList:
        known = await view.positions()
        names = sorted(wanted.names_among(view.accounts))
        found = [self._of(view, name, known, wanted) for name in names]
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

    def _of(
        self, view: View, name: str, known: Sequence[Position], wanted: PositionFilter
    ) -> tuple[list[ValuedPosition], list[Problem]]:
        ours = [position for position in known if position.key.account == name]
        held, markets = self._reconciled(view, name, ours)
        open_positions = [
            position
            for position in held.positions
            if held.amount_of(position) and wanted.admits(position.key)
        ]
        symbols = {position.key.symbol for position in open_positions}
        prices = prices_in(view, name)
        nodes = [
            held.valued(position, _mark(position, prices), markets.get(position.key.symbol))
            for position in open_positions
        ]
        problems = [
            problem
            for problem in held.problems
            if wanted.symbols is None or problem.subject in symbols
        ]
        return nodes, [*problems, *_problems(nodes, prices)]

    def _reconciled(
        self, view: View, account: str, ours: Sequence[Position]
    ) -> tuple[ReconciledHoldings, Mapping[str, Market]]:
        """Positions checked against the balances; if the exchange is silent, those of the fills."""
        try:
            holdings = holdings_in(view, account)
        except ExchangeError:
            silent = ReconciledHoldings(positions=tuple(ours), problems=(unanswered(account),))
            return silent, {}
        held = reconciled(holdings, ours, account, self._clock.now())
        return held, holdings.markets


def _mark(position: Position, prices: PriceAnswers) -> Mark | None:
    return mark_of(prices.tickers.get(position.key.symbol))


def _problems(nodes: Sequence[ValuedPosition], prices: PriceAnswers) -> Iterator[Problem]:
    symbols = dict.fromkeys(node.key.symbol for node in nodes)
    missing = {symbol: why for symbol in symbols if (why := prices.why_missing(symbol))}
    for symbol, why in missing.items():
        yield unpriced(symbol, why)
    for node in nodes:
        symbol = node.key.symbol
        if node.mark is None and symbol not in missing:
            yield unpriced(symbol, "nobody has traded or offers anything")
        if node.mark is not None and node.mark.is_stale:
            yield old_price(symbol, node.mark)
        if node.position.unvalued_fees:
            yield unvalued_fees(node.position)
