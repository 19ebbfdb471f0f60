"""The gate in front of every new order: its checks, in the order in which they run."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.domain import order_refusals
from app.domain.checks import Checked
from app.domain.market_checks import MARKET_CHECKS, MarketFacts, examine_market
from app.domain.markets import Market
from app.domain.order_forms import listed
from app.domain.order_requests import OrderRequest
from app.domain.orders import PositionType
from app.errors import Refusal, RefusalCode


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """Why nothing can be known of the exchange, in words for a person."""

    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GateFacts:
    """All that the gate looks at."""

    exchange: MarketFacts | Absent
    open_orders: int = 0
    max_open_orders: int | None = None


def examine(request: OrderRequest, facts: GateFacts) -> Iterator[Checked]:
    """Every check behind that of the form; those that cannot be made say why."""
    exchange = facts.exchange
    yield Checked(
        name="exchange",
        refusal=order_refusals.unavailable(exchange.why) if isinstance(exchange, Absent) else None,
    )
    if isinstance(exchange, Absent):
        names = (*_OF_EXCHANGE, *MARKET_CHECKS)
        yield from _unknown(names, "not checked: the exchange cannot be reached")
    else:
        yield from _examine_exchange(request, exchange)
    yield _check_open_orders(facts)


def first_refusal(checks: Iterable[Checked]) -> Refusal | None:
    return next((checked.refusal for checked in checks if checked.refusal is not None), None)


def _examine_exchange(request: OrderRequest, facts: MarketFacts) -> Iterator[Checked]:
    for name, check in _OF_EXCHANGE.items():
        yield check(name, request, facts)
    market = facts.markets.get(request.symbol)
    if market is None:
        yield from _unknown(MARKET_CHECKS, "not checked: the symbol is not known")
        return
    yield from examine_market(request, market, facts)


def _unknown(names: Iterable[str], why: str) -> Iterator[Checked]:
    return (Checked(name=name, unknown=why) for name in names)


def _check_type(name: str, request: OrderRequest, facts: MarketFacts) -> Checked:
    return _offered(name, "type", str(request.type), facts.capabilities.order_types)


def _check_time_in_force(name: str, request: OrderRequest, facts: MarketFacts) -> Checked:
    offered = facts.capabilities.time_in_force
    return _offered(name, "timeInForce", str(request.time_in_force), offered)


def _check_position_type(name: str, request: OrderRequest, _facts: MarketFacts) -> Checked:
    return _offered(name, "positionType", str(request.position_type), (PositionType.SPOT,))


def _check_symbol(name: str, request: OrderRequest, facts: MarketFacts) -> Checked:
    market = facts.markets.get(request.symbol)
    refusal = None
    if market is None:
        refusal = Refusal(
            code=RefusalCode.UNKNOWN_SYMBOL,
            message=f"the account has no market of this symbol{_examples(facts.markets)}",
            field=("symbol",),
        )
    elif not market.active:
        refusal = Refusal(
            code=RefusalCode.REJECTED_BY_EXCHANGE,
            message=f"the exchange has suspended trading in {market.symbol}; try again later",
            field=("symbol",),
            retryable=True,
        )
    return Checked(name=name, refusal=refusal)


def _check_open_orders(facts: GateFacts) -> Checked:
    count, most = facts.open_orders, facts.max_open_orders
    if most is None:
        return Checked(name="maxOpenOrders")
    refusal = None
    if count >= most:
        refusal = Refusal(
            code=RefusalCode.RISK_LIMIT,
            message=f"the account may have {most} open orders and has {count}",
            retryable=True,
        )
    return Checked(name="maxOpenOrders", limit=str(most), actual=str(count), refusal=refusal)


_OF_EXCHANGE: Mapping[str, Callable[[str, OrderRequest, MarketFacts], Checked]] = {
    "typeOffered": _check_type,
    "timeInForceOffered": _check_time_in_force,
    "positionTypeOffered": _check_position_type,
    "symbol": _check_symbol,
}


def _offered(name: str, field: str, wanted: str, offered: Iterable[str]) -> Checked:
    limit = listed(offered)
    refusal = None
    if wanted not in set(offered):
        refusal = Refusal(
            code=RefusalCode.UNSUPPORTED,
            message=f"this account does not take {wanted} orders; it takes {limit}",
            field=(field,),
        )
    return Checked(name=name, limit=limit, actual=wanted, refusal=refusal)


def _examples(markets: Mapping[str, Market]) -> str:
    return f"; it has {', '.join(sorted(markets)[:8])}" if markets else ""
