"""The gate in front of the exchange: one way for what is placed and for what is only previewed."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from app.domain import order_estimates, order_refusals
from app.domain.accounts import Connectivity
from app.domain.checks import Checked
from app.domain.filters import OrderFilter
from app.domain.market_checks import MarketFacts
from app.domain.order_checks import Absent, GateFacts, examine, first_refusal
from app.domain.order_forms import examine_form
from app.domain.order_requests import OrderRequest
from app.domain.orders import Fee, Order, OrderStatus
from app.errors import Denied, ExchangeError, ExchangeUnavailable, Refusal
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.recent_money import RecentMoney
from app.storage.database import Database, Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What placing an order would come to."""

    refusal: Refusal | None
    existing_order: Order | None
    checks: tuple[Checked, ...]
    notional: Decimal | None
    estimated_fee: Fee | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Earlier:
    """What this client's id has placed before, and whether it was asked for in the same words."""

    order: Order
    is_same: bool


class OrderGate:
    """Lets an order through or says why not."""

    def __init__(
        self, database: Database, accounts: AccountService, money: RecentMoney, clock: Clock
    ) -> None:
        self._database = database
        self._money = money
        self._accounts = accounts
        self._clock = clock

    async def facts(self, account: str, symbol: str) -> MarketFacts | Absent:
        """What must be known of the exchange, or why it cannot be asked."""
        entry = self._accounts.get(account)
        gateway, connection = entry.gateway, entry.gateway.connection
        if connection.connectivity is Connectivity.DISCONNECTED:
            return Absent(why=connection.detail or order_refusals.CUT_OFF)
        if not self._accounts.is_in_step(account):
            detail = f" ({connection.detail})" if connection.detail else ""
            return Absent(why=f"{order_refusals.NOT_IN_STEP}{detail}")
        try:
            async with self._clock.timeout(entry.answer_seconds):
                tickers, balances = await asyncio.gather(
                    gateway.tickers([symbol]), self._money.of(entry)
                )
                return MarketFacts(
                    capabilities=gateway.capabilities,
                    markets=await gateway.markets(),
                    ticker=tickers.get(symbol),
                    balances=balances,
                )
        except ExchangeUnavailable as error:
            return Absent(why=str(error))
        except (ExchangeError, TimeoutError):
            return Absent(why=order_refusals.SILENT)

    def check_form(self, request: OrderRequest) -> None:
        deny(first_refusal(examine_form(request)))

    async def check(
        self, view: Snapshot, request: OrderRequest, exchange: MarketFacts | Absent
    ) -> None:
        deny(first_refusal(await self._examine(view, request, exchange)))

    async def preview(self, request: OrderRequest) -> Preview:
        exchange = await self.facts(request.account, request.symbol)
        async with self._database.snapshot() as view:
            checks = [*examine_form(request)]
            earlier = await _find_earlier(view, request)
            checks.append(_check_unused(earlier))
            checks.extend(await self._examine(view, request, exchange))
        return _preview(request, exchange, checks, earlier)

    async def _examine(
        self, view: Snapshot, request: OrderRequest, exchange: MarketFacts | Absent
    ) -> Iterator[Checked]:
        limit = self._accounts.get(request.account).max_open_orders
        count = 0
        if limit is not None:
            open_here = OrderFilter(accounts=frozenset({request.account}), open=True)
            count = await view.orders.count(open_here)
        facts = GateFacts(
            exchange=exchange,
            open_orders=count,
            max_open_orders=limit,
        )
        return examine(request, facts)


def deny(refusal: Refusal | None, *, existing_order: Order | None = None) -> None:
    if refusal is not None:
        raise Denied(refusal, existing_order=existing_order)


async def _find_earlier(view: Snapshot, request: OrderRequest) -> _Earlier | None:
    known = await view.orders.find_by_client_id(request.account, request.client_order_id)
    if known is None:
        return None
    is_same = await view.orders.fingerprint(known.id) == request.fingerprint
    return _Earlier(order=known, is_same=is_same)


def _check_unused(earlier: _Earlier | None) -> Checked:
    is_other = earlier is not None and not earlier.is_same
    return Checked(
        name="clientOrderIdUnused",
        refusal=order_refusals.conflict() if is_other else None,
    )


def _preview(
    request: OrderRequest,
    exchange: MarketFacts | Absent,
    checks: Iterable[Checked],
    earlier: _Earlier | None,
) -> Preview:
    checks = tuple(checks)
    refusal = first_refusal(checks)
    if earlier is not None and earlier.is_same:
        # A repeat is answered as the first time, whatever the checks would say by now.
        is_rejected = earlier.order.status is OrderStatus.REJECTED
        refusal = earlier.order.refusal if is_rejected else None
    known = exchange if isinstance(exchange, MarketFacts) else None
    ticker = None if known is None else known.ticker
    market = None if known is None else known.markets.get(request.symbol)
    price = order_estimates.expected_price(request, ticker)
    return Preview(
        refusal=refusal,
        existing_order=None if earlier is None else earlier.order,
        checks=checks,
        notional=None if price is None else order_estimates.notional(request, price),
        estimated_fee=None if market is None else order_estimates.fee(request, market, ticker),
    )
