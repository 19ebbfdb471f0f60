"""What an account is worth, how that has moved, and how well it has traded."""

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
from app.domain.portfolio.positions import assets_of, fee_value
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
    """What there is, at one instant; equal to another where a reader sees no difference."""

    account: str
    currency: str
    equity: Decimal
    cash: Decimal
    unrealized: Decimal
    realized: Decimal
    realized_today: Decimal
    drawdown_percent: Decimal
    worths: Sequence[domain.AssetValue]
    problems: Sequence[Problem]
    as_of: LogPosition = field(compare=False)
    appraisal: Valuation = field(compare=False)

    @property
    def records(self) -> EquityKey:
        return EquityKey(account=self.account, currency=self.appraisal.stock.home)


@dataclass(frozen=True, kw_only=True, slots=True)
class CurveRequest:
    """Which part of the curve, and with how many points at most."""

    since: datetime | None
    until: datetime | None
    points: int


class PortfolioService:
    """Puts balances, positions, prices and records together."""

    def __init__(self, valuer: Valuer, clock: Clock) -> None:
        self._valuer = valuer
        self._clock = clock
        self._openings = RealizedToday()

    async def read(self, view: View, account: AccountEntry, currency: str | None) -> Portfolio:
        """ExchangeError where the exchange does not say what is held."""
        holdings = await self._valuer.holdings(view, account)
        found = await self._valuer.appraise(view, account, holdings, currency)
        stock, by = found.stock, found.by
        began = (await view.rules()).window.day(self._clock.now()).began
        before = await self._openings.realized(view, stock.positions, began)
        standing = await _standing(view, found, self._clock.now())
        worths = domain.worths(stock.balances.values(), by)
        return Portfolio(
            account=account.name,
            currency=by.currency,
            equity=domain.equity(stock, by),
            cash=money.total(one.total for one in worths if one.asset == by.currency),
            unrealized=domain.unrealized(stock, by),
            realized=domain.realized(stock, by),
            realized_today=domain.realized(stock, by, before),
            drawdown_percent=standing.drawdown_percent,
            worths=worths,
            problems=[*_problems(found), *standing.problems],
            as_of=await view.as_of(),
            appraisal=found,
        )

    async def curve(
        self, view: View, portfolio: Portfolio, wanted: CurveRequest
    ) -> Sequence[EquityPoint]:
        """The oldest first; in another currency than that of the records, at today's rate."""
        self._check_since(wanted.since)
        if wanted.since and wanted.until and wanted.until <= wanted.since:
            raise _bad("until", "until must be later than since")
        if not 1 <= wanted.points <= MAX_POINTS:
            raise _bad("points", f"points must be 1 to {MAX_POINTS}")
        points = await view.equity(portfolio.records, wanted.since, wanted.until)
        rate = portfolio.appraisal.by.rate(portfolio.records.currency)
        if rate is None:
            return []
        return [
            EquityPoint(at=point.at, equity=rate.convert(point.equity))
            for point in sampled(points, wanted.points)
        ]

    async def performance(
        self, view: View, portfolio: Portfolio, since: datetime | None
    ) -> Performance:
        """Of the trades that ended since then; without a time, of all that are known."""
        self._check_since(since)
        by = portfolio.appraisal.by
        results = await view.results(portfolio.account, since)
        values = [by.value(assets_of(one.symbol)[1], one.pnl) for one in results]
        return performance_of(
            [value for value in values if value is not None],
            await view.equity(portfolio.records, since, None),
            await _fees(view, portfolio, since),
        )

    def _check_since(self, since: datetime | None) -> None:
        if since is not None and since > self._clock.now():
            raise _bad("since", "since lies in the future")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Standing:
    """How far the account has fallen, and what keeps that from being told for this moment."""

    drawdown_percent: Decimal
    problems: tuple[Problem, ...] = ()


async def _standing(view: View, found: Valuation, now: datetime) -> _Standing:
    """Where something that matters has no price, the last record counts, and not what is left."""
    key = EquityKey(account=found.account, currency=found.stock.home)
    peak, last = await view.equity_peak(key), await view.last_equity(key)
    if found.is_complete:
        return _Standing(drawdown_percent=fall_percent(peak, await point_of(view, found, now)))
    if peak is None or last is None:
        return _Standing(drawdown_percent=money.ZERO, problems=(domain.unrecorded(None),))
    return _Standing(
        drawdown_percent=fall_percent(peak, last),
        problems=(domain.unrecorded(last.at),),
    )


def _problems(found: Valuation) -> Iterable[Problem]:
    yield from domain.problems_of(found.stock, found.by, found.missing)
    yield from found.from_outside
    if found.by.currency != found.stock.home:
        yield domain.kept_elsewhere(found.by.currency, found.stock.home)


async def _fees(view: View, portfolio: Portfolio, since: datetime | None) -> Decimal:
    stock, by = portfolio.appraisal.stock, portfolio.appraisal.by
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
