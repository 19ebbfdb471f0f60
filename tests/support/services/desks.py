"""A fake exchange whose prices and balances a test sets, and the portfolio services built on it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import count
from typing import cast

from app.bus import Bus
from app.domain.accounts import AccountMode, Balance, Capabilities, Connection, Connectivity
from app.domain.fills import Fee
from app.domain.markets.markets import Market, Ticker
from app.domain.order_kinds import OrderSide, PositionType
from app.domain.orders.changes import submitted
from app.domain.orders.order import Order
from app.domain.portfolio.equity_curves import EquityKey, EquityPoint
from app.domain.portfolio.exposures import Exposure
from app.errors import ExchangeUnavailable
from app.ports import ExchangeGateway
from app.services.accounts import AccountEntry, AccountService
from app.services.live.live_queries import LiveQueries
from app.services.markets.market_data import MarketDataService
from app.services.markets.stream_registry import StreamRegistry
from app.services.orders import position_bookkeeping
from app.services.orders.update_log import OrderLog
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.equity_recorder import EquityRecorder
from app.services.portfolio.holdings import HoldingsCache
from app.services.portfolio.portfolio_feed import PortfolioFeed
from app.services.portfolio.portfolios import Portfolio, PortfolioService
from app.services.portfolio.position_feed import PositionFeed
from app.services.portfolio.positions import PositionFilter, PositionList, PositionService
from app.services.portfolio.valuation import ValuationRequest, Valuer
from app.services.reads import View, ViewService
from app.storage.database import Database
from tests.support.clock import ManualClock
from tests.support.makers import make_fill, make_order
from tests.support.market_sources import CAPABILITIES

ACCOUNT = "main"
ANSWER_SECONDS = 10.0
HOME = EquityKey(account=ACCOUNT, currency="USDT")


@dataclass(kw_only=True, slots=True)
class Desk:
    """A gateway that answers with the prices and balances set by the test, and counts requests."""

    clock: ManualClock
    prices: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    # Markets whose price is reported as stale, and markets without a price.
    stale: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    is_away: bool = False
    is_mute: bool = False
    balances_asked: int = 0
    exposures_asked: int = 0
    # The positions that the exchange itself keeps; None if it has no positions at all.
    kept: list[Exposure] | None = None
    prices_asked: int = 0
    _asked: int = 0
    # Run while balances are being fetched, the last one first.
    meanwhile: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    # The streams that are open.
    streams: dict[str, asyncio.Queue[Ticker]] = field(default_factory=dict)
    _markets: dict[str, Market] = field(default_factory=dict)

    async def markets(self) -> Mapping[str, Market]:
        """The same mapping until the set of markets changes, as real gateways return it."""
        if set(self._markets) != set(self.prices):
            self._markets = {symbol: _market(symbol) for symbol in self.prices}
        return self._markets

    async def balances(self) -> Mapping[str, Balance]:
        self.balances_asked += 1
        if self.meanwhile:
            await self.meanwhile.pop()()
        if self.is_mute:
            await asyncio.Event().wait()
        if self.is_away:
            raise ExchangeUnavailable("nobody is there")
        return {
            asset: Balance(asset=asset, free=Decimal(amount), used=Decimal(0))
            for asset, amount in self.held.items()
        }

    @property
    def capabilities(self) -> Capabilities:
        return replace(CAPABILITIES, positions=self.kept is not None)

    async def exposures(self) -> Sequence[Exposure]:
        self.exposures_asked += 1
        return list(self.kept or ())

    @property
    def market_set(self) -> str:
        """A new name for each call, so that nothing is cached: prices change without the clock."""
        self._asked += 1
        return f"desk {self._asked}"

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        self.prices_asked += 1
        return {symbol: self._ticker(symbol) for symbol in symbols if symbol not in self.silent}

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self.tickers(symbols)

    def _ticker(self, symbol: str) -> Ticker:
        return Ticker(
            symbol=symbol,
            bid=None,
            ask=None,
            last=Decimal(self.prices[symbol]),
            percentage=None,
            quote_volume=None,
            at=self.clock.now(),
            is_stale=symbol in self.stale,
        )


class StreamedDesk(Desk):
    """A desk that also streams tickers: move sets a price and sends it."""

    connection = Connection(connectivity=Connectivity.CONNECTED)

    @property
    def market_set(self) -> str:
        return "streamed desk"

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        self.streams.setdefault(symbol, asyncio.Queue())
        return self._stream(symbol)

    def move(self, symbol: str, price: str) -> None:
        self.prices[symbol] = price
        self.streams[symbol].put_nowait(self._ticker(symbol))

    async def _stream(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        try:
            while True:
                yield await self.streams[symbol].get()
        finally:
            del self.streams[symbol]


def _market(symbol: str) -> Market:
    base, _, quote = symbol.partition("/")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        type=PositionType.SPOT,
        active=True,
        amount_step=Decimal("0.0001"),
        price_step=None,
        min_amount=Decimal("0.0001"),
        min_notional=None,
    )


class RealTimeouts:
    """A ManualClock whose timeouts run in real time, as they wait for real answers."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    def elapsed(self) -> float:
        return self._clock.elapsed()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)


class PortfolioRig:
    """The portfolio services, their database and one account at a Desk."""

    def __init__(
        self, database: Database, bus: Bus, clock: ManualClock, kind: type[Desk] = Desk
    ) -> None:
        self.clock = clock
        self.desk = kind(clock=clock, prices={"BTC/USDT": "50000"}, held={"USDT": "10000"})
        self.account = AccountEntry(
            name=ACCOUNT,
            exchange="desk",
            mode=AccountMode.PAPER,
            max_open_orders=None,
            answer_seconds=ANSWER_SECONDS,
            gateway=cast("ExchangeGateway", self.desk),
        )
        self._database = database
        self._views = ViewService(database, clock)
        self._log = OrderLog(database, bus, clock)
        self._numbers = count(1)
        real_timeouts = RealTimeouts(clock)
        self.feeds = StreamRegistry([self.account.gateway], real_timeouts)
        market_data = MarketDataService(self.feeds, real_timeouts)
        valuer = Valuer(clock)
        self.portfolios = PortfolioService(valuer, clock)
        accounts = AccountService(database, clock, [self.account])
        self.positions = PositionService(accounts, clock)
        self._new_holdings = partial(
            HoldingsCache, database, bus, market_data, valuer, real_timeouts
        )
        self._consistent_views = ConsistentViews(self._views, self._new_holdings())
        live = LiveQueries(bus, self.feeds, clock)
        self.feed = PortfolioFeed(self.portfolios, self._consistent_views, live)
        self.position_feed = PositionFeed(self.positions, accounts, self._consistent_views, live)
        self._new_recorder = partial(
            EquityRecorder,
            database=database,
            bus=bus,
            views=self._views,
            consistent_views=self._consistent_views,
            valuer=valuer,
            clock=clock,
        )

    async def open(self) -> "PortfolioRig":
        async with self._database.transaction() as tx:
            await tx.accounts.insert(ACCOUNT, "desk", AccountMode.PAPER, self.clock.now())
        await self._log.open()
        return self

    def recorder(self) -> EquityRecorder:
        return self._new_recorder(account=self.account)

    @asynccontextmanager
    async def view(self, currency: str | None = None) -> AsyncIterator[View]:
        """A view for which the desk is asked anew."""
        request = ValuationRequest(account=self.account, currency=currency)
        consistent_views = ConsistentViews(self._views, self._new_holdings())
        async with consistent_views.open(frozenset({ACCOUNT}), [request]) as view:
            yield view

    async def read(self, currency: str | None = None) -> Portfolio:
        async with self.view(currency) as view:
            return await self.portfolios.read(view, self.account, currency)

    async def read_positions(self) -> PositionList:
        async with self.view() as view:
            return await self.positions.read(view, PositionFilter())

    async def curve(self) -> Sequence[EquityPoint]:
        async with self._views.open(frozenset({ACCOUNT})) as view:
            return await view.equity(HOME, None, None)

    async def write(self, *points: EquityPoint) -> None:
        """Write equity points as if they had been recorded."""
        async with self._database.transaction() as tx:
            for point in points:
                await tx.equity.add(HOME, point)

    async def trade(
        self, amount: str, price: str, *, symbol: str = "BTC/USDT", at: datetime | None = None
    ) -> None:
        """Record a fill (a sale if negative) with a fee of 1 quote, and change the balances."""
        (base, quote), cost = symbol.split("/"), Decimal(amount) * Decimal(price)
        side = OrderSide.SELL if amount.startswith("-") else OrderSide.BUY
        order = self._order(symbol=symbol, side=side)
        fill = make_fill(
            order,
            id=order.id,
            exchange_trade_id=order.id,
            price=Decimal(price),
            amount=abs(Decimal(amount)),
            cost=abs(cost),
            fee=Fee(currency=quote, amount=Decimal(1)),
            at=at or self.clock.now(),
        )
        self._pay(base, Decimal(amount))
        self._pay(quote, -cost - 1)
        async with self._database.transaction() as tx:
            await tx.orders.insert(order, "{}")
            await tx.fills.insert([fill])
            step = replace(submitted(order), added=(fill,))
            tx.events.append(step.event)
            await position_bookkeeping.book(tx, order, [step])

    async def place_open_order(self) -> None:
        """Record an order that is not filled."""
        order = self._order()
        async with self._database.transaction() as tx:
            await tx.orders.insert(order, "{}")
            tx.events.append(submitted(order).event)

    def _order(self, **changes: object) -> Order:
        number = next(self._numbers)
        return make_order(
            id=f"{number:026d}",
            account=ACCOUNT,
            client_order_id=f"mine-{number}",
            wire_id=f"wire{number}",
            **changes,
        )

    def _pay(self, asset: str, amount: Decimal) -> None:
        self.desk.held[asset] = str(Decimal(self.desk.held.get(asset, "0")) + amount)
