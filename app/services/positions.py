"""What is held and what it is worth."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass

from app.bus import Bus
from app.domain import money
from app.domain.events import LogPosition
from app.domain.orders import PositionType
from app.domain.positions import Position, PositionKey
from app.domain.problems import Problem
from app.domain.reconciliations import unanswered
from app.domain.valuations import (
    Held,
    Mark,
    Valued,
    held_against,
    mark_of,
    old_price,
    unpriced,
    unvalued_fees,
    valued,
)
from app.errors import ExchangeError
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.market_data import MarketDataService
from app.services.prices import Prices, fetch_prices
from app.services.views import View, ViewService
from app.services.watching import watched


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionFilter:
    """None is everything."""

    accounts: frozenset[str] | None = None
    symbols: frozenset[str] | None = None
    type: PositionType | None = None

    def admits(self, key: PositionKey) -> bool:
        return (
            (self.accounts is None or key.account in self.accounts)
            and (self.symbols is None or key.symbol in self.symbols)
            and (self.type is None or key.type is self.type)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionList:
    """What is open, what could not be told of it, and where in the log it was read."""

    nodes: tuple[Valued, ...]
    problems: tuple[Problem, ...]
    as_of: LogPosition


class PositionService:
    """Puts fills, balances and prices together."""

    def __init__(
        self, accounts: AccountService, market_data: MarketDataService, views: ViewService,
        bus: Bus, clock: Clock,
    ) -> None:  # fmt: skip
        self._accounts = accounts
        self._market_data = market_data
        self._views = views
        self._bus = bus
        self._clock = clock

    def watch(
        self, accounts: frozenset[str], wanted: PositionFilter
    ) -> AsyncGenerator[PositionList, None]:
        """The list as it is now, and anew whenever a fill or a price has changed it."""

        async def read() -> PositionList:
            async with self._views.open(accounts) as view:
                return await self.read(view, wanted)

        return watched(
            read, self._bus, self._clock, key=lambda found: (found.nodes, found.problems)
        )

    async def read(self, view: View, wanted: PositionFilter) -> PositionList:
        """Account by account, side by side: none holds up another for long."""
        known = await view.positions()
        names = sorted(view.accounts & (wanted.accounts or view.accounts))
        found = await asyncio.gather(*(self._of(name, known, wanted) for name in names))
        return PositionList(
            nodes=tuple(one for nodes, _ in found for one in nodes),
            problems=tuple(problem for _, problems in found for problem in problems),
            as_of=await view.as_of(),
        )

    async def find(self, view: View, key: PositionKey) -> Valued | None:
        """One position, open or closed; None where the account never had it."""
        wanted = PositionFilter(
            accounts=frozenset({key.account}), symbols=frozenset({key.symbol}), type=key.type
        )
        nodes = (await self.read(view, wanted)).nodes
        if nodes:
            return nodes[0]
        known = (one for one in await view.positions() if one.key == key)
        closed = next(known, None)
        return None if closed is None else valued(closed, money.ZERO, None)

    async def _of(
        self, name: str, known: Sequence[Position], wanted: PositionFilter
    ) -> tuple[list[Valued], list[Problem]]:
        account = self._accounts.get(name)
        held = await self._held(account, [one for one in known if one.key.account == name])
        open_ones = [
            one for one in held.positions if held.amount_of(one) and wanted.admits(one.key)
        ]
        symbols = dict.fromkeys(one.key.symbol for one in open_ones)
        prices = await fetch_prices(self._market_data, account, symbols)
        nodes = [
            valued(one, held.outside.get(one.key, money.ZERO), _mark(one, prices))
            for one in open_ones
        ]
        told = [one for one in held.problems if wanted.symbols is None or one.subject in symbols]
        return nodes, [*told, *_problems(nodes, prices)]

    async def _held(self, account: AccountEntry, ours: Sequence[Position]) -> Held:
        """Where the exchange cannot be asked, what the fills tell is all there is."""
        try:
            async with self._clock.timeout(account.answer_seconds):
                markets, balances = await asyncio.gather(
                    account.gateway.markets(), account.gateway.balances()
                )
        except (ExchangeError, TimeoutError):
            return Held(positions=tuple(ours), problems=(unanswered(account.name),))
        return held_against(ours, balances, markets, account.name, self._clock.now())


def _mark(position: Position, prices: Prices) -> Mark | None:
    return mark_of(prices.tickers.get(position.key.symbol))


def _problems(nodes: Sequence[Valued], prices: Prices) -> Iterator[Problem]:
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
