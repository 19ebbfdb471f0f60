"""The gate: the checks that an order must pass, the same for placing and for previewing it."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from decimal import Decimal

from app.domain import money
from app.domain.order_kinds import PositionType
from app.domain.orders import estimates
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
from app.domain.orders.market_checks import MarketFacts, needed_funds
from app.domain.orders.order import Order
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import AmendableTerms, with_terms
from app.domain.risk.limits import TradingState, TradingStateRecord, examine_state
from app.errors import Denied, Refusal
from app.ports import Clock
from app.primitives.priorities import Priority, asking_at
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.exchange_facts import ExchangeFacts, Found
from app.services.orders.previews import Preview, check_id_unused, find_previous, preview_of
from app.services.orders.rules import OrderRules
from app.storage.database import Database, Snapshot, Transaction


class OrderGate:
    """Checks orders before they are stored and sent, and raises Denied if one does not pass."""

    def __init__(
        self, database: Database, facts: ExchangeFacts, funds: BalanceCache, rules: OrderRules,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._facts = facts
        self._funds = funds
        self._rules = rules
        self._clock = clock
        # How many halts this process has seen.
        self.halts = 0

    def note_placed(self, account: str) -> None:
        self._rules.placed.note(account)

    def note_halt(self) -> None:
        """Make orders that passed the gate but are not sent yet check the trading state again."""
        self.halts += 1

    async def halted_since(self, halts: int, account: str) -> Refusal | None:
        """The refusal if trading was halted, by any process, since `halts` was read; else None."""
        if halts == self.halts and not self._database.is_shared:
            return None
        async with self._database.snapshot() as view:
            standing = (await view.rules.read()).standing(account)
        if standing.state is not TradingState.HALTED:
            return None
        return examine_state(standing, is_reduction=False).refusal

    async def exchange_facts(
        self, account: str, symbol: str, type: PositionType = PositionType.SPOT
    ) -> MarketFacts | ExchangeUnknown:
        """What the checks need to know from the exchange, or why it cannot be asked."""
        with asking_at(Priority.ORDER):
            return await self._facts.latest(account, symbol, type)

    async def recent_facts(self, request: OrderRequest) -> Found:
        """The same, but some seconds old if that is known: an order must not be refused by it."""
        with asking_at(Priority.ORDER):
            return await self._facts.recent(request.account, request.symbol, request.position_type)

    def holding(
        self, order: Order, exchange: MarketFacts | ExchangeUnknown
    ) -> AbstractContextManager[None]:
        """While the order is sent inside, the checks of others know of what it takes."""
        market = exchange.markets.get(order.symbol) if isinstance(exchange, MarketFacts) else None
        if market is None or isinstance(exchange, ExchangeUnknown):
            return nullcontext()
        needed = needed_funds(order, market, exchange)
        return nullcontext() if needed is None else self._funds.holding(order.account, *needed)

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
        """Raise Denied unless the order passes; returns the facts that it was checked against."""
        if is_closing:
            # Closing orders only reduce, and must pass during a halt: a halt sends them itself.
            passing = TradingStateRecord(since=self._clock.now())
            rules = RuleFacts(standing=passing, is_reduction=True)
        else:
            rules = await self._rules.rule_facts(view, request, exchange)
        exchange = await _with_reductions(view, request, exchange)
        deny(first_refusal(examine(request, GateFacts(exchange=exchange, rules=rules))))
        return rules

    async def check_increase(
        self, tx: Transaction, order: Order, wanted: AmendableTerms, exchange: MarketFacts
    ) -> None:
        """Check an amendment that increases an order by the rules for a new order.

        If the increase makes the order an entry, it counts as one from then on.
        """
        left = money.subtract(wanted.amount, order.filled)
        request = with_terms(as_request(order, wanted), amount=left)
        rules = await self._rules.rule_facts(tx, request, exchange, itself=order)
        deny(first_refusal(examine_increase(rules)), existing_order=order)
        if not rules.is_reduction and not await tx.entries.is_known(order.id):
            await tx.entries.add(entry_of(order, exchange))

    async def preview(self, request: OrderRequest) -> Preview:
        exchange = await self._facts.latest(request.account, request.symbol, request.position_type)
        async with self._database.snapshot() as view:
            checks = [*examine_form(request)]
            previous = await find_previous(view, request)
            checks.append(check_id_unused(previous))
            rules = await self._rules.rule_facts(view, request, exchange)
            exchange = await _with_reductions(view, request, exchange)
        checks.extend(examine(request, GateFacts(exchange=exchange, rules=rules)))
        return preview_of(request, exchange, checks, previous)


async def _with_reductions(
    view: Snapshot, request: OrderRequest, exchange: MarketFacts | ExchangeUnknown
) -> MarketFacts | ExchangeUnknown:
    """For a margin reduction, add what other open orders are going to reduce already."""
    is_on_margin = request.position_type is PositionType.MARGIN
    if not is_on_margin or not request.reduce_only or isinstance(exchange, ExchangeUnknown):
        return exchange
    return replace(exchange, reductions=await _reductions(view, request))


async def _reductions(view: Snapshot, request: OrderRequest) -> Decimal:
    """The amount that open reduce-only orders of the same side have left to trade."""
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
    """The record of an order that adds to risk: it counts against the window and the limits."""
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
