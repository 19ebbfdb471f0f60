"""The portfolio of an account: balances, allocation, equity curve and trading performance."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal

import strawberry

from app.domain.portfolio import performance, portfolios
from app.services.portfolio import portfolios as services
from app.services.portfolio.valuation import ValuationRequest
from schema import ids
from schema.context import Info
from schema.input_bounds import text
from schema.scalars import Cursor
from schema.types.accounts import Account
from schema.types.problems import Problem

POINTS = 200


@strawberry.type
class Balance:
    asset: str
    free: Decimal
    used: Decimal
    total: Decimal
    value: Decimal | None

    @classmethod
    def of(cls, worth: portfolios.AssetValue) -> "Balance":
        return cls(
            asset=worth.asset,
            free=worth.free,
            used=worth.used,
            total=worth.total,
            value=worth.value,
        )


@strawberry.type
class Allocation:
    asset: str
    value: Decimal
    percent: Decimal

    @classmethod
    def of(cls, part: portfolios.Allocation) -> "Allocation":
        return cls(asset=part.asset, value=part.value, percent=part.percent)


@strawberry.type
class EquityPoint:
    at: datetime
    equity: Decimal


@strawberry.type
class Performance:
    trades: int
    wins: int
    losses: int
    win_rate_percent: Decimal | None
    profit_factor: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    max_drawdown_percent: Decimal
    sharpe: Decimal | None
    fees: Decimal

    @classmethod
    def of(cls, found: performance.Performance) -> "Performance":
        return cls(
            trades=found.trades,
            wins=found.wins,
            losses=found.losses,
            win_rate_percent=found.win_rate_percent,
            profit_factor=found.profit_factor,
            average_win=found.average_win,
            average_loss=found.average_loss,
            max_drawdown_percent=found.max_drawdown_percent,
            sharpe=found.sharpe,
            fees=found.fees,
        )


@strawberry.type
class Portfolio:
    id: strawberry.ID
    as_of: Cursor
    currency: str
    equity: Decimal
    cash: Decimal
    unrealized_pnl: Decimal
    realized_pnl: Decimal
    realized_pnl_today: Decimal
    drawdown_percent: Decimal
    dust: Decimal
    balances: list[Balance]
    allocation: list[Allocation]
    problems: list[Problem]
    found: strawberry.Private[services.Portfolio]

    @classmethod
    def of(cls, found: services.Portfolio) -> "Portfolio":
        return cls(
            id=ids.encode_symbol(ids.Kind.PORTFOLIO, found.account, found.currency),
            as_of=Cursor(found.as_of.encode()),
            currency=found.currency,
            equity=found.equity,
            cash=found.cash,
            unrealized_pnl=found.unrealized,
            realized_pnl=found.realized,
            realized_pnl_today=found.realized_today,
            drawdown_percent=found.drawdown_percent,
            dust=found.dust,
            balances=[Balance.of(worth) for worth in found.worths],
            allocation=[Allocation.of(part) for part in portfolios.allocations(found.worths)],
            problems=[Problem.of(problem) for problem in found.problems],
            found=found,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.found.account, info.context)

    @strawberry.field
    async def equity_curve(
        self,
        info: Info,
        since: datetime | None = None,
        until: datetime | None = None,
        points: int | None = POINTS,
    ) -> list[EquityPoint]:
        wanted = services.CurveRequest(
            since=since, until=until, points=POINTS if points is None else points
        )
        async with info.context.view(info) as view:
            curve = await info.context.services.portfolios.curve(view, self.found, wanted)
        return [EquityPoint(at=point.at, equity=point.equity) for point in curve]

    @strawberry.field
    async def performance(self, info: Info, since: datetime | None = None) -> Performance:
        service = info.context.services.portfolios
        async with info.context.view(info) as view:
            return Performance.of(await service.performance(view, self.found, since))


async def read_portfolio(info: Info, account: str | None, currency: str | None) -> Portfolio:
    context = info.context
    entry = context.account(account)
    wanted = _checked(currency)
    request = ValuationRequest(account=entry, currency=wanted)
    async with context.view(info, [request]) as view:
        return Portfolio.of(await context.services.portfolios.read(view, entry, wanted))


async def watch_portfolio(
    info: Info, account: str | None, currency: str | None
) -> AsyncIterator[Portfolio]:
    """Follow a portfolio; if it cannot be valued, this raises before the first update."""
    context = info.context
    entry, wanted = context.account(account), _checked(currency)
    return _portfolios(await context.services.portfolio_feed.follow(entry, wanted))


async def _portfolios(
    states: AsyncGenerator[services.Portfolio, None],
) -> AsyncGenerator[Portfolio, None]:
    async with aclosing(states):
        async for state in states:
            yield Portfolio.of(state)


def _checked(currency: str | None) -> str | None:
    return None if currency is None else text(currency, field=("currency",))
