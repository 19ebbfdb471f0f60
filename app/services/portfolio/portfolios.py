"""The portfolio of an account: its value now, its equity curve and its performance."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.fills import Fill
from app.domain.orders.events import LogPosition
from app.domain.orders.filters import FillFilter
from app.domain.pages import MAX_SIZE, Key, PageRequest
from app.domain.portfolio import portfolios as domain
from app.domain.portfolio.equity_curves import EquityKey, EquityPoint, fall_percent, sampled
from app.domain.portfolio.performance import Performance, performance_of
from app.domain.portfolio.positions import RoundTripResult, assets_of, fee_value
from app.domain.problems import Problem
from app.errors import BadInput, RefusalCode
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.portfolio.equity_points import point_of
from app.services.portfolio.realized_today import RealizedToday
from app.services.portfolio.valuation import Valuation, Valuer
from app.services.reads import View

MAX_POINTS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Portfolio:
    """An account's value at one instant; two are equal if a reader sees no difference."""

    account: str
    currency: str
    equity: Decimal
    cash: Decimal
    unrealized: Decimal
    realized: Decimal
    realized_today: Decimal
    drawdown_percent: Decimal
    dust: Decimal
    worths: Sequence[domain.AssetValue]
    problems: Sequence[Problem]
    as_of: LogPosition = field(compare=False)
    valuation: Valuation = field(compare=False)

    @property
    def records(self) -> EquityKey:
        return EquityKey(account=self.account, currency=self.valuation.stock.home)


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveRequest:
    """The part of the equity curve to read, and the most points to return."""

    since: datetime | None
    until: datetime | None
    points: int


class PortfolioService:
    """Computes portfolios, curves and performance from balances, positions, prices and records."""

    def __init__(self, valuer: Valuer, clock: Clock) -> None:
        self._valuer = valuer
        self._clock = clock
        self._realized_today = RealizedToday()

    async def read(self, view: View, account: AccountEntry, currency: str | None) -> Portfolio:
        """Raises ExchangeError if the exchange has not answered what the account holds."""
        valuation = await self._valuer.value(view, account, currency)
        stock, by = valuation.stock, valuation.by
        began = (await view.rules()).window.day(self._clock.now()).began
        before = await self._realized_today.realized(view, stock.positions, began)
        drawdown = await _drawdown(view, valuation, self._clock.now())
        worths = domain.worths(stock.balances.values(), by)
        return Portfolio(
            account=account.name,
            currency=by.currency,
            equity=domain.equity(stock, by),
            cash=money.total(worth.total for worth in worths if worth.asset == by.currency),
            unrealized=domain.unrealized(stock, by),
            realized=domain.realized(stock, by),
            realized_today=domain.realized(stock, by, before),
            drawdown_percent=drawdown.drawdown_percent,
            dust=domain.dust(stock, by),
            worths=worths,
            problems=[*_problems(valuation), *drawdown.problems],
            as_of=await view.as_of(),
            valuation=valuation,
        )

    async def curve(
        self, view: View, portfolio: Portfolio, wanted: CurveRequest
    ) -> Sequence[EquityPoint]:
        """The points of the curve, oldest first; in another currency they use today's rate."""
        self._check_since(wanted.since)
        if wanted.since and wanted.until and wanted.until <= wanted.since:
            raise _bad("until", "until must be later than since")
        if not 1 <= wanted.points <= MAX_POINTS:
            raise _bad("points", f"points must be 1 to {MAX_POINTS}")
        points = await view.equity(portfolio.records, wanted.since, wanted.until)
        rate = portfolio.valuation.by.rate(portfolio.records.currency)
        if rate is None:
            return []
        return [
            EquityPoint(at=point.at, equity=rate.convert(point.equity))
            for point in await asyncio.to_thread(sampled, points, wanted.points)
        ]

    async def performance(
        self, view: View, portfolio: Portfolio, since: datetime | None
    ) -> Performance:
        """Performance of the trades that ended since then, or of all trades if no time is given."""
        self._check_since(since)
        closed = await view.results(portfolio.account, since)
        results = [*closed, *domain.ended_in_dust(portfolio.valuation.stock, since)]
        points = await view.equity(portfolio.records, since, None)
        fees = await _fees(view, portfolio, since)
        # On a thread, because years of trades take longer than the event loop may be held.
        return await asyncio.to_thread(_performance, portfolio, results, points, fees)

    def _check_since(self, since: datetime | None) -> None:
        if since is not None and since > self._clock.now():
            raise _bad("since", "since lies in the future")


def _performance(
    portfolio: Portfolio,
    results: Sequence[RoundTripResult],
    points: Sequence[EquityPoint],
    fees: Decimal,
) -> Performance:
    by = portfolio.valuation.by
    values = (by.value(assets_of(result.symbol)[1], result.pnl) for result in results)
    return performance_of([value for value in values if value is not None], points, fees)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Drawdown:
    """The drawdown, and why it may be older than this moment."""

    drawdown_percent: Decimal
    problems: tuple[Problem, ...] = ()


async def _drawdown(view: View, valuation: Valuation, now: datetime) -> _Drawdown:
    """The drawdown now; if a price is missing, the one of the last record instead."""
    key = EquityKey(account=valuation.account, currency=valuation.stock.home)
    peak, last = await view.equity_peak(key), await view.last_equity(key)
    if valuation.is_complete:
        return _Drawdown(drawdown_percent=fall_percent(peak, await point_of(view, valuation, now)))
    if peak is None or last is None:
        return _Drawdown(drawdown_percent=money.ZERO, problems=(domain.unrecorded(None),))
    return _Drawdown(
        drawdown_percent=fall_percent(peak, last),
        problems=(domain.unrecorded(last.at),),
    )


def _problems(valuation: Valuation) -> Iterable[Problem]:
    yield from domain.problems_of(valuation.stock, valuation.by, valuation.missing)
    yield from valuation.from_outside
    if valuation.by.currency != valuation.stock.home:
        yield domain.kept_elsewhere(valuation.by.currency, valuation.stock.home)


async def _fees(view: View, portfolio: Portfolio, since: datetime | None) -> Decimal:
    stock, by = portfolio.valuation.stock, portfolio.valuation.by
    if since is None:
        return domain.fees(stock, by)
    wanted = FillFilter(accounts=frozenset({portfolio.account}), since=since)
    paid = [
        (assets_of(fill.symbol)[1], fee_value(fill) or money.ZERO)
        async for fill in _fills(view, wanted)
    ]
    return by.total(paid)


async def _fills(view: View, wanted: FillFilter) -> AsyncIterator[Fill]:
    after: Key | None = None
    while True:
        page = await view.fills(wanted, PageRequest(size=MAX_SIZE, after=after))
        for fill in page.items:
            yield fill
        if not page.has_next:
            return
        after = (page.items[-1].at, page.items[-1].id)


def _bad(field: str, words: str) -> BadInput:
    return BadInput(words, field=(field,), reason=RefusalCode.INVALID_INPUT)
