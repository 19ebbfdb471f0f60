"""RiskLimits and TradingState, and the checks of an order against them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domain import money
from app.domain.checks import CheckResult, invalid
from app.domain.order_kinds import OrderSide
from app.errors import Refusal, RefusalCode


class TradingState(StrEnum):
    """What may be traded: everything, only reductions, or nothing."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"

    @property
    def severity(self) -> int:
        return list(TradingState).index(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class TradingStateRecord:
    """A trading state with its reason and since when it applies."""

    state: TradingState = TradingState.ACTIVE
    reason: str | None = None
    since: datetime


def severest(standings: list[TradingStateRecord]) -> TradingStateRecord:
    """The severest state; the oldest of equal ones, except for ACTIVE, where it is the newest."""
    worst = max(record.state.severity for record in standings)
    those = [record for record in standings if record.state.severity == worst]
    since = max if worst == TradingState.ACTIVE.severity else min
    return since(those, key=lambda record: record.since)


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskLimits:
    """The limits; None means no limit. Money is in the account's home currency."""

    max_order_notional: Decimal | None = None
    max_position_notional: Decimal | None = None
    max_open_notional: Decimal | None = None
    max_open_orders: int | None = None
    max_orders_per_minute: int | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown_percent: Decimal | None = None
    price_collar_percent: Decimal | None = None
    # None allows all symbols, empty allows none.
    allowed_symbols: tuple[str, ...] | None = None

    @property
    def counts_money(self) -> bool:
        return any(
            limit is not None
            for limit in (
                self.max_order_notional,
                self.max_position_notional,
                self.max_open_notional,
            )
        )

    @property
    def watches_losses(self) -> bool:
        return self.max_daily_loss is not None or self.max_drawdown_percent is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Losses:
    """An account's daily loss and drawdown; a gain is a negative loss."""

    daily: Decimal
    drawdown_percent: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFacts:
    """An order that adds to risk, and what it adds to. The sums exclude the order itself."""

    symbol: str
    side: OrderSide
    price: Decimal | None
    # In the account's home currency; None if no price is known.
    notional: Decimal | None
    last: Decimal | None = None
    open_orders: int = 0
    orders_this_minute: int = 0
    # Of all open orders that add to risk; None if one cannot be valued.
    open_notional: Decimal | None = money.ZERO
    # The position in the symbol, plus what open orders would add on this side.
    position_notional: Decimal | None = money.ZERO
    losses: Losses | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    limits: RiskLimits
    facts: EntryFacts


def examine_state(standing: TradingStateRecord, *, is_reduction: bool) -> CheckResult:
    """HALTED stops every order, REDUCING all but reductions."""
    passes = standing.state is TradingState.ACTIVE or (
        standing.state is TradingState.REDUCING and is_reduction
    )
    if passes:
        return CheckResult(name=STATE_CHECK, actual=str(standing.state))
    allowed = (
        "only reductions and cancels pass"
        if standing.state is TradingState.REDUCING
        else "only cancels pass"
    )
    why = f": {standing.reason}" if standing.reason else ""
    refusal = Refusal(
        code=RefusalCode.TRADING_HALTED,
        message=f"trading is {standing.state} since {standing.since:%Y-%m-%d %H:%M:%S} UTC{why};"
        f" {allowed}, until resumeTrading",
        retryable=True,
    )
    return CheckResult(name=STATE_CHECK, actual=str(standing.state), refusal=refusal)


def examine_limits(limits: RiskLimits, facts: EntryFacts) -> Iterator[CheckResult]:
    """Every limit's check, in the order in which they run."""
    asked = _Asked(limits=limits, facts=facts)
    return (check(name, asked) for name, check in LIMIT_CHECKS.items())


def broken(limits: RiskLimits, losses: Losses) -> str | None:
    """The loss limit that was reached, in words; None if none was."""
    for checked in (
        _loss("maxDailyLoss", limits.max_daily_loss, losses.daily),
        _loss("maxDrawdownPercent", limits.max_drawdown_percent, losses.drawdown_percent),
    ):
        if checked.refusal is not None:
            return checked.refusal.message
    return None


def check_limits(limits: RiskLimits) -> Refusal | None:
    """Why these limits may not be set, or None."""
    for limit in fields(limits):
        value, name = getattr(limits, limit.name), _camel(limit.name)
        if isinstance(value, int | Decimal) and value < 0:
            return invalid(name, f"{name} takes 0 or more, or null for no limit")
        if limit.name.endswith("percent") and value is not None and value > money.HUNDRED:
            return invalid(name, f"{name} takes 0 to 100")
    for name in ("max_daily_loss", "max_drawdown_percent"):
        if getattr(limits, name) == 0:
            return invalid(_camel(name), f"{_camel(name)} of 0 is reached at once; take more")
    return None


def _check_symbol(name: str, asked: _Asked) -> CheckResult:
    allowed, symbol = asked.limits.allowed_symbols, asked.facts.symbol
    if allowed is None:
        return CheckResult(name=name)
    limit, refusal = ", ".join(allowed) or "none", None
    if symbol not in allowed:
        refusal = _broken(f"{symbol} is not among the symbols that may be traded: {limit}")
        refusal = replace(refusal, field=("symbol",))
    return CheckResult(name=name, limit=limit, actual=symbol, refusal=refusal)


def _check_order_notional(name: str, asked: _Asked) -> CheckResult:
    return _sum(name, asked.limits.max_order_notional, asked.facts.notional, money.ZERO)


def _check_position_notional(name: str, asked: _Asked) -> CheckResult:
    facts = asked.facts
    return _sum(name, asked.limits.max_position_notional, facts.notional, facts.position_notional)


def _check_open_notional(name: str, asked: _Asked) -> CheckResult:
    facts = asked.facts
    return _sum(name, asked.limits.max_open_notional, facts.notional, facts.open_notional)


def _check_open_orders(name: str, asked: _Asked) -> CheckResult:
    return _count(name, asked.limits.max_open_orders, asked.facts.open_orders, "open orders")


def _check_pace(name: str, asked: _Asked) -> CheckResult:
    limit, count = asked.limits.max_orders_per_minute, asked.facts.orders_this_minute
    return _count(name, limit, count, "orders in the last minute")


def _check_collar(name: str, asked: _Asked) -> CheckResult:
    percent, facts = asked.limits.price_collar_percent, asked.facts
    if percent is None or facts.price is None:
        return CheckResult(name=name)
    if facts.last is None:
        return CheckResult(name=name, refusal=_broken(f"{name}: the last price is not known"))
    is_buy = facts.side is OrderSide.BUY
    part = money.add(money.HUNDRED, percent) if is_buy else money.subtract(money.HUNDRED, percent)
    edge = money.divide(money.multiply(facts.last, part), money.HUNDRED)
    refusal = None
    if facts.price > edge if is_buy else facts.price < edge:
        refusal = _broken(
            f"{name}: {money.plain(facts.price)} is more than {money.plain(percent)} %"
            f" {'above' if is_buy else 'below'} the last price, which is {money.plain(facts.last)}"
        )
        refusal = replace(refusal, field=("price",))
    return CheckResult(
        name=name, limit=money.plain(edge), actual=money.plain(facts.price), refusal=refusal
    )


def _check_daily_loss(name: str, asked: _Asked) -> CheckResult:
    losses = asked.facts.losses
    return _loss(name, asked.limits.max_daily_loss, None if losses is None else losses.daily)


def _check_drawdown(name: str, asked: _Asked) -> CheckResult:
    losses = asked.facts.losses
    percent = None if losses is None else losses.drawdown_percent
    return _loss(name, asked.limits.max_drawdown_percent, percent)


STATE_CHECK = "tradingState"
LIMIT_CHECKS: Mapping[str, Callable[[str, _Asked], CheckResult]] = {
    "allowedSymbols": _check_symbol,
    "maxOrdersPerMinute": _check_pace,
    "maxOpenOrders": _check_open_orders,
    "maxOrderNotional": _check_order_notional,
    "maxPositionNotional": _check_position_notional,
    "maxOpenNotional": _check_open_notional,
    "priceCollarPercent": _check_collar,
    "maxDailyLoss": _check_daily_loss,
    "maxDrawdownPercent": _check_drawdown,
}


def _sum(
    name: str, limit: Decimal | None, added: Decimal | None, there: Decimal | None
) -> CheckResult:
    """A money limit; an order that cannot be valued does not pass it."""
    if limit is None:
        return CheckResult(name=name)
    if added is None or there is None:
        words = f"{name}: there is no price at which this could be valued just now"
        return CheckResult(name=name, limit=money.plain(limit), refusal=_broken(words))
    actual, refusal = money.add(there, added), None
    if actual > limit:
        words = f"{name} is {money.plain(limit)}, and with this order it is {money.plain(actual)}"
        refusal = _broken(words)
    return CheckResult(
        name=name, limit=money.plain(limit), actual=money.plain(actual), refusal=refusal
    )


def _count(name: str, limit: int | None, count: int, what: str) -> CheckResult:
    if limit is None:
        return CheckResult(name=name)
    refusal = None
    if count >= limit:
        refusal = _broken(f"{name} is {limit}, and there are {count} {what}")
    return CheckResult(name=name, limit=str(limit), actual=str(count), refusal=refusal)


def _loss(name: str, limit: Decimal | None, loss: Decimal | None) -> CheckResult:
    """A loss limit; an unknown loss passes: the loss guard halts by itself once it is known."""
    if limit is None:
        return CheckResult(name=name)
    if loss is None:
        return CheckResult(name=name, limit=money.plain(limit))
    refusal = None
    if loss >= limit:
        refusal = _broken(f"{name} is {money.plain(limit)}, and {money.plain(loss)} is reached")
    return CheckResult(
        name=name, limit=money.plain(limit), actual=money.plain(loss), refusal=refusal
    )


def _broken(message: str) -> Refusal:
    return Refusal(code=RefusalCode.RISK_LIMIT, message=message, retryable=True)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
