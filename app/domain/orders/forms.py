"""The checks of a new order's form, which need nothing from the exchange."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from app.domain import money
from app.domain.checks import CheckResult, invalid
from app.domain.order_kinds import (
    OrderSide,
    OrderType,
    PositionType,
    TimeInForce,
    implied_position_type,
)
from app.domain.orders.requests import (
    MAX_METADATA_BYTES,
    MAX_METADATA_DEPTH,
    OrderRequest,
    check_client_order_id,
    check_metadata,
)
from app.domain.orders.terms import AmendableTerms, HasTerms
from app.errors import Refusal

_POSITIVE = "above 0"


def examine_form(request: OrderRequest) -> Iterator[CheckResult]:
    """Every check of the form, in the order in which they run."""
    yield CheckResult(
        name="clientOrderId",
        limit="1 to 36 of A-Z a-z 0-9 - _",
        refusal=check_client_order_id(request.client_order_id),
    )
    yield CheckResult(
        name="metadata",
        limit=f"an object of {MAX_METADATA_BYTES} bytes, {MAX_METADATA_DEPTH} deep",
        refusal=check_metadata(request.metadata),
    )
    yield from examine_shape(request)


def examine_shape(order: HasTerms) -> Iterator[CheckResult]:
    """Every check of an order's terms by themselves."""
    yield from examine_terms(order.type, order.terms.amendable)
    for check in _CHECKS:
        yield check(order)


def examine_terms(type: OrderType, terms: AmendableTerms) -> Iterator[CheckResult]:
    """Whether the order has the numbers that its type needs, and no others."""
    yield _number("amount", terms.amount)
    yield _needed(type, "price", terms.price, is_needed=type.has_price)
    yield _needed(type, "triggerPrice", terms.trigger_price, is_needed=type.has_trigger)


def _check_time_in_force(order: HasTerms) -> CheckResult:
    allowed = tuple(TimeInForce)
    if not order.type.has_price:
        allowed = (TimeInForce.GTC, TimeInForce.IOC)
    refusal = None
    if order.time_in_force not in allowed:
        words = f"a {order.type} order takes {listed(allowed)}, not {order.time_in_force}"
        refusal = invalid("timeInForce", words)
    return CheckResult(
        name="timeInForce", limit=listed(allowed), actual=order.time_in_force, refusal=refusal
    )


def _check_position_type(order: HasTerms) -> CheckResult:
    implied = implied_position_type(order.symbol)
    is_swap = implied is PositionType.SWAP
    refusal = None
    if is_swap != (order.position_type is PositionType.SWAP):
        refusal = invalid("positionType", f"the symbol says {implied}; leave positionType out")
    return CheckResult(name="positionType", actual=order.position_type, refusal=refusal)


def _check_leverage(order: HasTerms) -> CheckResult:
    checked = _number("leverage", order.leverage)
    is_one = order.leverage in {None, Decimal(1)}
    if checked.refusal is None and not is_one and _is_spot(order):
        words = "a SPOT order takes no leverage: leave it out"
        return CheckResult(
            name="leverage", actual=checked.actual, refusal=invalid("leverage", words)
        )
    return checked


def _check_reduce_only(order: HasTerms) -> CheckResult:
    refusal = None
    if order.reduce_only and _is_spot(order) and order.side is OrderSide.BUY:
        words = "a spot BUY never reduces a position: leave reduceOnly out, or SELL"
        refusal = invalid("reduceOnly", words)
    return CheckResult(name="reduceOnly", refusal=refusal)


_CHECKS: tuple[Callable[[HasTerms], CheckResult], ...] = (
    _check_leverage,
    _check_time_in_force,
    _check_position_type,
    _check_reduce_only,
)


def listed(values: Iterable[str]) -> str:
    """The values as a phrase: GTC, IOC or FOK."""
    *others, last = (str(value) for value in values)
    return f"{', '.join(others)} or {last}" if others else last


def _needed(type: OrderType, name: str, value: Decimal | None, *, is_needed: bool) -> CheckResult:
    if is_needed and value is None:
        return CheckResult(name=name, refusal=invalid(name, f"a {type} order needs a {name}"))
    if value is not None and not is_needed:
        words = f"a {type} order takes no {name}: leave it out"
        return CheckResult(name=name, actual=money.plain(value), refusal=invalid(name, words))
    return _number(name, value)


def _number(name: str, value: Decimal | None) -> CheckResult:
    if value is None:
        return CheckResult(name=name)
    refusal: Refusal | None = None
    if value <= money.ZERO:
        refusal = invalid(name, f"{name} must be {_POSITIVE}; it is {money.plain(value)}")
    return CheckResult(name=name, limit=_POSITIVE, actual=money.plain(value), refusal=refusal)


def _is_spot(order: HasTerms) -> bool:
    return order.position_type is PositionType.SPOT
