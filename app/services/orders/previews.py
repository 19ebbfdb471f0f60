"""What placing an order would come to: its checks, the order of a repeated request, its cost."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.domain.checks import CheckResult
from app.domain.fills import Fee
from app.domain.orders import estimates, refusals
from app.domain.orders.checks import ExchangeUnknown, first_refusal
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.requests import OrderRequest
from app.errors import Refusal
from app.storage.database import Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """The outcome of placing an order, as far as it can be known before."""

    refusal: Refusal | None
    existing_order: Order | None
    checks: tuple[CheckResult, ...]
    notional: Decimal | None
    estimated_fee: Fee | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviousOrder:
    """The order that has this client order id, and whether its request had the same input."""

    order: Order
    is_replay: bool


async def find_previous(view: Snapshot, request: OrderRequest) -> PreviousOrder | None:
    order = await view.orders.find_by_client_id(request.account, request.client_order_id)
    if order is None:
        return None
    is_replay = await view.orders.fingerprint(order.id) == request.fingerprint
    return PreviousOrder(order=order, is_replay=is_replay)


def check_id_unused(previous: PreviousOrder | None) -> CheckResult:
    is_conflict = previous is not None and not previous.is_replay
    return CheckResult(
        name="clientOrderIdUnused",
        refusal=refusals.conflict() if is_conflict else None,
    )


def preview_of(
    request: OrderRequest,
    exchange: MarketFacts | ExchangeUnknown,
    checks: Iterable[CheckResult],
    previous: PreviousOrder | None,
) -> Preview:
    checks = tuple(checks)
    refusal = first_refusal(checks)
    if previous is not None and previous.is_replay:
        # A replay gets the answer of the first time, even if a check would refuse it now.
        is_rejected = previous.order.status is OrderStatus.REJECTED
        refusal = previous.order.refusal if is_rejected else None
    known = exchange if isinstance(exchange, MarketFacts) else None
    ticker = None if known is None else known.ticker
    market = None if known is None else known.markets.get(request.symbol)
    price = estimates.expected_price(request, ticker)
    return Preview(
        refusal=refusal,
        existing_order=None if previous is None else previous.order,
        checks=checks,
        notional=None if price is None else estimates.notional(request, price),
        estimated_fee=None if market is None else estimates.fee(request, market, ticker),
    )
