"""The gate's checks of a new order, in the order in which they run."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.domain.checks import CheckResult
from app.domain.markets.symbols import unknown_symbol
from app.domain.orders import refusals
from app.domain.orders.forms import listed
from app.domain.orders.margin_checks import check_leverage
from app.domain.orders.market_checks import MARKET_CHECKS, MarketFacts, examine_market
from app.domain.orders.requests import OrderRequest
from app.domain.risk.limits import (
    LIMIT_CHECKS,
    EntryFacts,
    RiskLimits,
    TradingStateRecord,
    examine_limits,
    examine_state,
)
from app.domain.risk.trading_windows import TradeCounts, TradingWindow, WindowState, examine_window
from app.errors import Refusal, RefusalCode

_UNREACHED = "not checked: the exchange cannot be reached"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExchangeUnknown:
    """Why the exchange's facts are not known, in words for a person."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleFacts:
    """What our own rules say about an order: trading state, limits, trading window."""

    standing: TradingStateRecord
    limits: RiskLimits = field(default_factory=RiskLimits)
    is_reduction: bool = False
    # None if the trading window does not apply to the order.
    window: WindowState | None = None
    # None for a reduction, which passes everything but a halt.
    entry: EntryFacts | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFacts:
    """Everything that the gate checks an order against."""

    exchange: MarketFacts | ExchangeUnknown
    rules: RuleFacts


def examine(request: OrderRequest, facts: GateFacts) -> Iterator[CheckResult]:
    """Every check after those of the form; a check that cannot be made says why."""
    exchange, rules = facts.exchange, facts.rules
    yield examine_state(rules.standing, is_reduction=rules.is_reduction)
    yield CheckResult(
        name="exchange",
        refusal=refusals.unavailable(exchange.why)
        if isinstance(exchange, ExchangeUnknown)
        else None,
    )
    if isinstance(exchange, ExchangeUnknown):
        yield from _unknown(_OF_EXCHANGE, _UNREACHED)
        yield from _examine_window(rules)
        yield from _unknown((*LIMIT_CHECKS, *MARKET_CHECKS), _UNREACHED)
    else:
        yield from _examine_exchange(request, exchange)
        yield from _examine_window(rules)
        yield from _examine_limits(rules)
        yield from _examine_market(request, exchange)


def examine_increase(rules: RuleFacts) -> Iterator[CheckResult]:
    """The checks that an amendment which increases an order must pass again."""
    yield examine_state(rules.standing, is_reduction=rules.is_reduction)
    yield from _examine_window(rules)
    yield from _examine_limits(rules)


def first_refusal(checks: Iterable[CheckResult]) -> Refusal | None:
    return next((checked.refusal for checked in checks if checked.refusal is not None), None)


def _examine_exchange(request: OrderRequest, facts: MarketFacts) -> Iterator[CheckResult]:
    for name, check in _OF_EXCHANGE.items():
        yield check(name, request, facts)


def _examine_market(request: OrderRequest, facts: MarketFacts) -> Iterator[CheckResult]:
    market = facts.markets.get(request.symbol)
    if market is None:
        yield from _unknown(MARKET_CHECKS, "not checked: the symbol is not known")
        return
    yield from examine_market(request, market, facts)


def _examine_window(rules: RuleFacts) -> Iterator[CheckResult]:
    """The window's checks; if none applies to the order, those of an unlimited window."""
    unlimited = WindowState(window=TradingWindow(), trades=TradeCounts(), at=rules.standing.since)
    return examine_window(rules.window or unlimited)


def _examine_limits(rules: RuleFacts) -> Iterator[CheckResult]:
    if rules.entry is None:
        return (CheckResult(name=name) for name in LIMIT_CHECKS)
    return examine_limits(rules.limits, rules.entry)


def _unknown(names: Iterable[str], why: str) -> Iterator[CheckResult]:
    return (CheckResult(name=name, unknown=why) for name in names)


def _check_type(name: str, request: OrderRequest, facts: MarketFacts) -> CheckResult:
    return _offered(name, "type", str(request.type), facts.capabilities.order_types)


def _check_time_in_force(name: str, request: OrderRequest, facts: MarketFacts) -> CheckResult:
    offered = facts.capabilities.time_in_force
    return _offered(name, "timeInForce", str(request.time_in_force), offered)


def _check_position_type(name: str, request: OrderRequest, facts: MarketFacts) -> CheckResult:
    offered = facts.capabilities.position_types
    return _offered(name, "positionType", str(request.position_type), offered)


def _check_leverage(name: str, request: OrderRequest, facts: MarketFacts) -> CheckResult:
    return check_leverage(name, request, facts.capabilities.max_leverage)


def _check_symbol(name: str, request: OrderRequest, facts: MarketFacts) -> CheckResult:
    market = facts.markets.get(request.symbol)
    refusal = None
    if market is None:
        refusal = unknown_symbol(request.symbol, facts.markets)
    elif not market.active:
        refusal = Refusal(
            code=RefusalCode.REJECTED_BY_EXCHANGE,
            message=f"the exchange has suspended trading in {market.symbol}; try again later",
            field=("symbol",),
            retryable=True,
        )
    return CheckResult(name=name, refusal=refusal)


_OF_EXCHANGE: Mapping[str, Callable[[str, OrderRequest, MarketFacts], CheckResult]] = {
    "typeOffered": _check_type,
    "timeInForceOffered": _check_time_in_force,
    "positionTypeOffered": _check_position_type,
    "leverageOffered": _check_leverage,
    "symbol": _check_symbol,
}


def _offered(name: str, field: str, wanted: str, offered: Iterable[str]) -> CheckResult:
    limit = listed(offered)
    refusal = None
    if wanted not in set(offered):
        refusal = Refusal(
            code=RefusalCode.UNSUPPORTED,
            message=f"this account does not take {wanted} orders; it takes {limit}",
            field=(field,),
        )
    return CheckResult(name=name, limit=limit, actual=wanted, refusal=refusal)
