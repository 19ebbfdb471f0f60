"""The gate in front of the exchange: one way for what is placed and for what is only previewed."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Connectivity
from app.domain.checks import CheckResult
from app.domain.fills import Fee
from app.domain.order_kinds import PositionType
from app.domain.orders import estimates, refusals
from app.domain.orders.amendments import as_request, most_remaining
from app.domain.orders.checks import (
    ExchangeUnknown,
    GateFacts,
    RuleFacts,
    examine,
    examine_increase,
    first_refusal,
)
from app.domain.orders.entries import Entry
from app.domain.orders.filters import OrderFilter
from app.domain.orders.forms import examine_form
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import AmendableTerms, with_terms
from app.domain.portfolio.exposures import Exposure
from app.domain.risk.limits import TradingState, TradingStateRecord, examine_state
from app.errors import Denied, ExchangeError, ExchangeUnavailable, Refusal
from app.ports import Clock
from app.services.accounts import AccountEntry, AccountService
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.quote_rates import QuoteRates
from app.services.orders.rules import OrderRules
from app.storage.database import Database, Snapshot, Transaction

_ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What placing an order would come to."""

    refusal: Refusal | None
    existing_order: Order | None
    checks: tuple[CheckResult, ...]
    notional: Decimal | None
    estimated_fee: Fee | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _PreviousOrder:
    """What this client's id has placed before, and whether it was asked for in the same words."""

    order: Order
    is_same: bool


class OrderGate:
    """Lets an order through or says why not."""

    def __init__(
        self, database: Database, accounts: AccountService, funds: BalanceCache, rules: OrderRules,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._funds = funds
        self._accounts = accounts
        self._rules = rules
        self._rates = QuoteRates()
        self._clock = clock
        # How often this process has seen trading halted.
        self.halts = 0

    def note_halt(self) -> None:
        """What was let in before and is not sent yet must look again."""
        self.halts += 1

    async def halted_since(self, halts: int, account: str) -> Refusal | None:
        """What a halt says that came after something was let in, from whichever process."""
        if halts == self.halts and not self._database.is_shared:
            return None
        async with self._database.snapshot() as view:
            standing = (await view.rules.read()).standing(account)
        if standing.state is not TradingState.HALTED:
            return None
        return examine_state(standing, is_reduction=False).refusal

    async def facts(
        self, account: str, symbol: str, type: PositionType = PositionType.SPOT
    ) -> MarketFacts | ExchangeUnknown:
        """What must be known of the exchange, or why it cannot be asked."""
        entry = self._accounts.get(account)
        gateway, connection = entry.gateway, entry.gateway.connection
        if connection.connectivity is Connectivity.DISCONNECTED:
            return ExchangeUnknown(why=connection.detail or refusals.CUT_OFF)
        if not self._accounts.is_in_step(account):
            detail = f" ({connection.detail})" if connection.detail else ""
            return ExchangeUnknown(why=f"{refusals.NOT_IN_STEP}{detail}")
        try:
            async with self._clock.timeout(entry.answer_seconds):
                markets = await gateway.markets()
                quote = markets[symbol].quote if symbol in markets else None
                ways = [] if quote is None else self._rates.symbols(account, markets, quote)
                tickers, balances, exposure = await asyncio.gather(
                    gateway.tickers([symbol, *ways]),
                    self._funds.of(entry),
                    _exposure(entry, symbol, type),
                )
                by = self._rates.yardstick(account, markets, tickers)
                return MarketFacts(
                    capabilities=gateway.capabilities,
                    markets=markets,
                    ticker=tickers.get(symbol),
                    balances=balances,
                    rate=None if by is None or quote is None else by.value(quote, _ONE),
                    exposure=exposure,
                )
        except ExchangeUnavailable as error:
            return ExchangeUnknown(why=str(error))
        except (ExchangeError, TimeoutError):
            return ExchangeUnknown(why=refusals.SILENT)

    def check_form(self, request: OrderRequest) -> None:
        deny(first_refusal(examine_form(request)))

    async def check(
        self,
        view: Snapshot,
        request: OrderRequest,
        exchange: MarketFacts | ExchangeUnknown,
        *,
        is_closing: bool = False,
    ) -> RuleFacts:
        """What it was held against, where it passes."""
        if is_closing:
            # Only reductions close, and a halt is what they are for.
            passing = TradingStateRecord(since=self._clock.now())
            rules = RuleFacts(standing=passing, is_reduction=True)
        else:
            rules = await self._rules.facts(view, request, exchange)
        exchange = await _with_reductions(view, request, exchange)
        deny(first_refusal(examine(request, GateFacts(exchange=exchange, rules=rules))))
        return rules

    async def check_increase(
        self, tx: Transaction, order: Order, wanted: AmendableTerms, exchange: MarketFacts
    ) -> None:
        """An order that is amended upwards is held against the rules as a new one is.

        Where it is an entry by that, it stays one.
        """
        left = money.subtract(wanted.amount, order.filled)
        request = with_terms(as_request(order, wanted), amount=left)
        rules = await self._rules.facts(tx, request, exchange, itself=order)
        deny(first_refusal(examine_increase(rules)), existing_order=order)
        if not rules.is_reduction and not await tx.entries.is_known(order.id):
            await tx.entries.add(entry_of(order, exchange))

    async def preview(self, request: OrderRequest) -> Preview:
        exchange = await self.facts(request.account, request.symbol, request.position_type)
        async with self._database.snapshot() as view:
            checks = [*examine_form(request)]
            earlier = await _find_earlier(view, request)
            checks.append(_check_unused(earlier))
            rules = await self._rules.facts(view, request, exchange)
            exchange = await _with_reductions(view, request, exchange)
        checks.extend(examine(request, GateFacts(exchange=exchange, rules=rules)))
        return _preview(request, exchange, checks, earlier)


async def _exposure(account: AccountEntry, symbol: str, type: PositionType) -> Exposure | None:
    """The open position that an order of this type would change."""
    if type is not PositionType.MARGIN or type not in account.gateway.capabilities.position_types:
        return None
    found = await account.gateway.exposures()
    return next((one for one in found if (one.symbol, one.type) == (symbol, type)), None)


async def _with_reductions(
    view: Snapshot, request: OrderRequest, exchange: MarketFacts | ExchangeUnknown
) -> MarketFacts | ExchangeUnknown:
    """On margin, what may be reduced is what others do not reduce already."""
    is_on_margin = request.position_type is PositionType.MARGIN
    if not is_on_margin or not request.reduce_only or isinstance(exchange, ExchangeUnknown):
        return exchange
    return replace(exchange, reductions=await _reductions(view, request))


async def _reductions(view: Snapshot, request: OrderRequest) -> Decimal:
    """What open orders of the same side are to reduce already."""
    wanted = OrderFilter(
        accounts=frozenset({request.account}),
        symbols=frozenset({request.symbol}),
        position_type=request.position_type,
        open=True,
    )
    amendments = await view.amendments.waiting(request.account)
    return money.total(
        most_remaining(order, amendments)
        for order in await view.orders.matching(wanted)
        if order.reduce_only and order.side is request.side
    )


def deny(refusal: Refusal | None, *, existing_order: Order | None = None) -> None:
    if refusal is not None:
        raise Denied(refusal, existing_order=existing_order)


def entry_of(order: Order, exchange: MarketFacts | ExchangeUnknown) -> Entry:
    """What is kept of an order that adds to risk."""
    known = exchange if isinstance(exchange, MarketFacts) else None
    best = None if known is None else known.ticker
    return Entry(
        order_id=order.id,
        account=order.account,
        source=order.source,
        at=order.created_at,
        expected_price=estimates.best_price(order.side, best),
        rate=None if known is None else known.rate,
    )


async def _find_earlier(view: Snapshot, request: OrderRequest) -> _PreviousOrder | None:
    known = await view.orders.find_by_client_id(request.account, request.client_order_id)
    if known is None:
        return None
    is_same = await view.orders.fingerprint(known.id) == request.fingerprint
    return _PreviousOrder(order=known, is_same=is_same)


def _check_unused(earlier: _PreviousOrder | None) -> CheckResult:
    is_other = earlier is not None and not earlier.is_same
    return CheckResult(
        name="clientOrderIdUnused",
        refusal=refusals.conflict() if is_other else None,
    )


def _preview(
    request: OrderRequest,
    exchange: MarketFacts | ExchangeUnknown,
    checks: Iterable[CheckResult],
    earlier: _PreviousOrder | None,
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
    price = estimates.expected_price(request, ticker)
    return Preview(
        refusal=refusal,
        existing_order=None if earlier is None else earlier.order,
        checks=checks,
        notional=None if price is None else estimates.notional(request, price),
        estimated_fee=None if market is None else estimates.fee(request, market, ticker),
    )
