"""Risk limits, trading state, halting and the dead-man switch, with their mutations."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from app.domain.risk import limits as domain
from app.domain.risk.clearings import Clearing, HaltOptions
from app.domain.risk.limits import TradingState
from app.services.portfolio.valuation import ValuationRequest
from app.services.risk.clearing_work import HaltReport
from app.services.risk.scope import HaltScope
from app.services.risk.service import RiskFigures, RiskState, WatchedRisk
from schema import ids
from schema.context import Context, Info, is_selected
from schema.input_bounds import counted, text
from schema.types.accounts import Account
from schema.types.orders import Order, Refusal

strawberry.enum(TradingState)


@strawberry.type
class DeadManSwitch:
    armed: bool
    fires_at: datetime | None


@strawberry.type
class RiskLimits:
    max_order_notional: Decimal | None
    max_position_notional: Decimal | None
    max_open_notional: Decimal | None
    max_open_orders: int | None
    max_orders_per_minute: int | None
    max_daily_loss: Decimal | None
    max_drawdown_percent: Decimal | None
    price_collar_percent: Decimal | None
    allowed_symbols: list[str] | None

    @classmethod
    def of(cls, limits: domain.RiskLimits) -> "RiskLimits":
        allowed = limits.allowed_symbols
        return cls(
            max_order_notional=limits.max_order_notional,
            max_position_notional=limits.max_position_notional,
            max_open_notional=limits.max_open_notional,
            max_open_orders=limits.max_open_orders,
            max_orders_per_minute=limits.max_orders_per_minute,
            max_daily_loss=limits.max_daily_loss,
            max_drawdown_percent=limits.max_drawdown_percent,
            price_collar_percent=limits.price_collar_percent,
            allowed_symbols=None if allowed is None else list(allowed),
        )


@strawberry.type
class HaltFailure:
    subject: str
    message: str


@strawberry.type
class HaltProgress:
    began_at: datetime
    ended_at: datetime | None
    canceled: int
    closed: int
    under_way: int
    failures: list[HaltFailure]

    @classmethod
    def of(cls, clearing: Clearing) -> "HaltProgress":
        return cls(
            began_at=clearing.began_at,
            ended_at=clearing.ended_at,
            canceled=clearing.canceled,
            closed=clearing.closed,
            under_way=clearing.under_way,
            failures=[
                HaltFailure(subject=failure.subject, message=failure.message)
                for failure in clearing.failures
            ],
        )


@strawberry.type
class Risk:
    id: strawberry.ID
    limits: RiskLimits
    trading_state: TradingState
    state_reason: str | None
    state_since: datetime
    dead_man_switch: DeadManSwitch
    halt: HaltProgress | None
    open_orders: int
    open_notional: Decimal
    name: strawberry.Private[str]
    # Sent along with an update of a subscription; a query computes them on demand.
    figures: strawberry.Private[RiskFigures | None]

    @classmethod
    def of(cls, state: RiskState, figures: RiskFigures | None = None) -> "Risk":
        trading = state.standing
        return cls(
            id=ids.encode(ids.Kind.RISK, state.account),
            limits=RiskLimits.of(state.limits),
            trading_state=trading.state,
            state_reason=trading.reason,
            state_since=trading.since,
            dead_man_switch=DeadManSwitch(
                armed=state.fires_at is not None, fires_at=state.fires_at
            ),
            halt=None if state.clearing is None else HaltProgress.of(state.clearing),
            open_orders=state.open_orders,
            open_notional=state.open_notional,
            name=state.account,
            figures=figures,
        )

    @strawberry.field
    def account(self, info: Info) -> Account:
        return Account.named(self.name, info.context)

    @strawberry.field
    async def currency(self, info: Info) -> str:
        return (await self._figures(info)).currency

    @strawberry.field
    async def realized_pnl_today(self, info: Info) -> Decimal:
        return (await self._figures(info)).realized_today

    @strawberry.field
    async def drawdown_percent(self, info: Info) -> Decimal:
        return (await self._figures(info)).drawdown_percent

    async def _figures(self, info: Info) -> RiskFigures:
        """Computed only if asked for: they need the exchange, and halting must work without it."""
        if self.figures is None:
            services = info.context.services
            entry = services.accounts.get(self.name)
            async with info.context.view(info, [ValuationRequest(account=entry)]) as view:
                self.figures = await services.risk.figures(view, entry)
        return self.figures


@strawberry.input
class RiskLimitsInput:
    max_order_notional: Decimal | None = strawberry.UNSET
    max_position_notional: Decimal | None = strawberry.UNSET
    max_open_notional: Decimal | None = strawberry.UNSET
    max_open_orders: int | None = strawberry.UNSET
    max_orders_per_minute: int | None = strawberry.UNSET
    max_daily_loss: Decimal | None = strawberry.UNSET
    max_drawdown_percent: Decimal | None = strawberry.UNSET
    price_collar_percent: Decimal | None = strawberry.UNSET
    allowed_symbols: list[str] | None = strawberry.UNSET

    def changes(self) -> dict[str, Any]:
        """The given fields; null lifts a limit."""
        given = {name: value for name, value in vars(self).items() if value is not strawberry.UNSET}
        symbols = given.get("allowed_symbols")
        if symbols is not None:
            field = ("allowedSymbols",)
            counted(symbols, field=field)
            names = {text(symbol, field=field) for symbol in symbols}
            given["allowed_symbols"] = tuple(sorted(names))
        return given


@strawberry.type
class RiskSuccess:
    risk: Risk


RiskResult = Annotated[RiskSuccess | Refusal, strawberry.union("RiskResult")]


@strawberry.type
class HaltPayload:
    risk: Risk
    canceled: list[Order]
    closing: list[Order]
    failed: list[Refusal]
    under_way: list[Order]
    is_done: bool


async def read_risk(info: Info, account: str | None = None) -> Risk:
    context = info.context
    entry = context.account(account)
    has_figures = is_selected(info, "currency", "realizedPnlToday", "drawdownPercent")
    requests = [ValuationRequest(account=entry)] if has_figures else []
    async with context.view(info, requests) as view:
        return Risk.of(await context.services.risk.read(view, entry.name))


async def watch_risk(info: Info, account: str | None) -> AsyncIterator[Risk]:
    context = info.context
    entry = context.account(account)
    return _risks(await context.services.risk.follow(entry))


async def configure_risk(info: Info, input: RiskLimitsInput) -> RiskSuccess:
    context = info.context
    await context.services.risk.configure(input.changes())
    return await _risk_success(info)


async def halt_trading(info: Info, reason: str, wish: HaltOptions) -> HaltPayload:
    context = info.context
    report = await context.services.halts.halt(_halt_scope(context), reason, wish)
    return await _halt_payload(info, report)


async def reduce_trading(info: Info, reason: str) -> RiskSuccess:
    context = info.context
    await context.services.risk.reduce(reason, _halt_scope(context))
    return await _risk_success(info)


async def resume_trading(info: Info) -> RiskSuccess:
    context = info.context
    await context.services.risk.resume(_halt_scope(context))
    return await _risk_success(info)


async def arm_dead_man_switch(info: Info, timeout_seconds: int) -> RiskSuccess:
    context = info.context
    await context.services.dead_man.arm(_halt_scope(context), timeout_seconds)
    return await _risk_success(info)


async def disarm_dead_man_switch(info: Info) -> RiskSuccess:
    context = info.context
    await context.services.dead_man.disarm(_halt_scope(context))
    return await _risk_success(info)


async def _halt_payload(info: Info, report: HaltReport) -> HaltPayload:
    return HaltPayload(
        risk=(await _risk_success(info)).risk,
        canceled=[Order.of(order) for order in report.canceled],
        closing=[Order.of(order) for order in report.closing],
        failed=[Refusal.of_denied(denied) for denied in report.failed],
        under_way=[Order.of(order) for order in report.under_way],
        is_done=report.is_done,
    )


async def _risk_success(info: Info) -> RiskSuccess:
    """The risk of the default or first account; trading states were set for all alike."""
    context = info.context
    entry = context.services.accounts.first(context.viewer)
    async with context.view(info) as view:
        return RiskSuccess(risk=Risk.of(await context.services.risk.read(view, entry.name)))


def _halt_scope(context: Context) -> HaltScope:
    """The viewer's accounts; a token for all accounts also covers those added later."""
    return HaltScope.of(context.accounts, is_all=context.viewer.account_names is None)


async def _risks(updates: AsyncGenerator[WatchedRisk, None]) -> AsyncGenerator[Risk, None]:
    async with aclosing(updates):
        async for update in updates:
            yield Risk.of(update.state, update.figures)
