"""The order service: placing, previewing, amending and canceling orders."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from app.bus import Bus, Topic
from app.domain.access.audit import AuditSubject
from app.domain.orders import changes, refusals
from app.domain.orders.amendments import Amendment
from app.domain.orders.changes import Change
from app.domain.orders.checks import ExchangeUnknown
from app.domain.orders.filters import OrderFilter
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import OrderReport
from app.domain.orders.requests import OrderRequest, check_metadata
from app.errors import Denied, Duplicate, RefusalCode
from app.ports import Clock
from app.services.access.audit import covers, current_attempt
from app.services.accounts import AccountService
from app.services.metrics import Metrics, PlacementTimer
from app.services.orders.amendments import AmendmentService
from app.services.orders.cancels import cancel_each
from app.services.orders.dispatch import OrderDispatcher
from app.services.orders.exchange_facts import Found
from app.services.orders.gate import OrderGate, deny, entry_of
from app.services.orders.in_flight import OrdersInFlight
from app.services.orders.ledger import IdMakers, News, OrderLedger
from app.services.orders.previews import Preview
from app.storage.database import Database, Transaction

# How many orders of one batch are placed at once.
ORDERS_AT_ONCE = 16
# The refusals that may follow from prices, balances and positions.
_BY_THE_EXCHANGE = frozenset(
    {
        RefusalCode.INSUFFICIENT_FUNDS,
        RefusalCode.INVALID_INPUT,
        RefusalCode.INVALID_STATE,
        RefusalCode.MIN_NOTIONAL,
        RefusalCode.RISK_LIMIT,
    }
)


# How long a request to cancel many orders waits for the exchange.
CANCELED_WITHIN_SECONDS = 8.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """The order of a request, and whether an earlier request had placed it (a replay)."""

    order: Order
    replayed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """How an order is placed."""

    # Closes a position for a halt or for the bot's stop: no rule applies to it.
    is_closing: bool = False
    # Writes something more in the transaction that stores the order.
    alongside: Callable[[Transaction, Order], Awaitable[None]] | None = None


ORDINARY = Placement()
CLOSING = Placement(is_closing=True)


class OrderService:
    """What a trader can do with orders."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        accounts: AccountService,
        gate: OrderGate,
        ledger: OrderLedger,
        dispatcher: OrderDispatcher,
        in_flight: OrdersInFlight,
        amendments: AmendmentService,
        clock: Clock,
        ids: IdMakers,
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._bus = bus
        self._accounts = accounts
        self._gate = gate
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._in_flight = in_flight
        self._amendments = amendments
        self._clock = clock
        self._ids = ids
        self._metrics = metrics or Metrics()

    def new_client_order_id(self) -> str:
        """Make a client order id for a request without one."""
        return self._ids.new().lower()

    async def place(
        self,
        request: OrderRequest,
        *,
        placement: Placement = ORDINARY,
    ) -> Placed:
        """Store the order, send it once, and return when the exchange has answered."""
        with self._metrics.placing(request.account) as placing:
            return await self._place(request, placement, placing)

    async def _place(
        self,
        request: OrderRequest,
        placement: Placement,
        placing: PlacementTimer,
    ) -> Placed:
        self._gate.check_form(request)
        found = await self._gate.recent_facts(request)
        intent = _Intent(self._ids.new(), request, found.facts, placement)
        with self._in_flight.hold(intent.order_id):
            return await self._send(intent, found, placing)

    async def _send(self, intent: "_Intent", found: Found, placing: PlacementTimer) -> Placed:
        request, placement = intent.request, intent.placement
        halts = self._gate.halts
        placed, exchange = await self._pass_gate(intent, found)
        if placed.replayed:
            placing.replayed()
            return await self._replay(placed.order, request)
        if not placement.is_closing:
            await self._insist_on_trading(halts, placed.order)
        placing.sent()
        with self._gate.holding(placed.order, exchange):
            order = await self._dispatcher.submit(placed.order)
        placing.answered(order.status)
        return _accepted(Placed(order=await self._cancel_if_requested(order), replayed=False))

    async def preview(self, request: OrderRequest) -> Preview:
        """Run all the checks of placing; changes nothing."""
        return await self._gate.preview(request)

    async def amend(self, order_id: str, amendment: Amendment) -> Order:
        """Amend an order in place or not at all; nothing is sent if it has these terms already."""
        return await self._amendments.amend(order_id, amendment)

    async def cancel(self, order_id: str) -> Order:
        """Store the cancel request, then ask the exchange; without an answer it is tried again."""
        order = await self._ledger.change(order_id, self._request_cancel)
        order = await self._cancel_if_requested(order)
        if order.status in {OrderStatus.FILLED, OrderStatus.REJECTED}:
            raise refusals.already_closed(order)
        return order

    async def cancel_all(self, wanted: OrderFilter) -> tuple[list[Order], list[Denied]]:
        """Cancel the matching open orders; returns the canceled ones and the refusals.

        Every wish is stored before the first is sent, so that a crash loses none. Those that the
        exchange has not confirmed in time are returned as they are, and go on by themselves.
        """
        await self._write_audit_entry(wanted)
        async with self._database.snapshot() as view:
            orders = await view.orders.matching(wanted)
        wishes, failed = await cancel_each(orders, self._store_wish)
        latest = {order.id: order for order in wishes}

        async def send(order: Order) -> Order:
            latest[order.id] = await self._cancel_if_requested(order)
            return latest[order.id]

        try:
            async with self._clock.timeout(CANCELED_WITHIN_SECONDS):
                await cancel_each(wishes, send)
        except TimeoutError:
            self._bus.publish([Topic.DOUBTS])
        closed = {OrderStatus.FILLED, OrderStatus.REJECTED}
        failed += [refusals.already_closed(o) for o in latest.values() if o.status in closed]
        return [order for order in latest.values() if order.status not in closed], failed

    async def _store_wish(self, order: Order) -> Order:
        return await self._ledger.change(order.id, self._request_cancel)

    async def set_metadata(self, order_id: str, metadata: Mapping[str, Any]) -> Order:
        deny(check_metadata(metadata))

        def decide(order: Order) -> list[Change]:
            if order.metadata == metadata:
                return []
            return [changes.metadata_set(order, metadata, self._clock.now())]

        return await self._ledger.change(order_id, decide)

    async def apply(
        self, account: str, report: OrderReport, news: News | None = None
    ) -> Order | None:
        """Apply a report, then send the cancel if one was requested before the order was known."""
        order = await self._ledger.apply(account, report, news=news)
        return None if order is None else await self._cancel_if_requested(order)

    async def look_up(self, order: Order) -> Order | None:
        """Look the order up and apply the report; None if the exchange has no such order."""
        report = await self._dispatcher.find(order)
        return None if report is None else await self.apply(order.account, report)

    async def send_cancel(self, order: Order) -> Order:
        return await self._dispatcher.cancel(order)

    async def _write_audit_entry(self, wanted: OrderFilter) -> None:
        """Write the audit entry before the first cancel: parallel cancels cannot share it."""
        if current_attempt() is None:
            return
        [*names] = wanted.accounts or ()
        covers(AuditSubject.account(names[0]) if len(names) == 1 else None)
        async with self._database.transaction() as tx:
            await tx.attempted(None)

    def _request_cancel(self, order: Order) -> list[Change]:
        if order.status in {OrderStatus.FILLED, OrderStatus.REJECTED}:
            raise refusals.already_closed(order)
        if not order.is_open or order.cancel_requested_at is not None:
            return []
        return [changes.cancel_requested(order, self._clock.now())]

    async def _cancel_if_requested(self, order: Order) -> Order:
        is_requested = order.cancel_requested_at is not None
        if is_requested and order.is_open and order.status.is_answered:
            return await self._dispatcher.cancel(order)
        return order

    async def until_closed(self, order: Order) -> Order:
        """Wait until the order is closed; returns it as it is when the time is up."""
        return await self._until(order, lambda latest: not latest.is_open)

    async def _insist_on_trading(self, halts: int, order: Order) -> None:
        """Reject the order without sending it if trading was halted since it passed the gate."""
        refusal = await self._gate.halted_since(halts, order.account)
        if refusal is not None:
            rejected = await self._ledger.reject(order.id, refusal)
            raise Denied(refusal, existing_order=rejected)

    async def _pass_gate(
        self, intent: "_Intent", found: Found
    ) -> tuple[Placed, MarketFacts | ExchangeUnknown]:
        """Store the order if it passes; what was known from before must not refuse it."""
        request = intent.request
        try:
            return await self._write_intent(intent), intent.exchange
        except Denied as denied:
            if found.is_latest or denied.refusal.code not in _BY_THE_EXCHANGE:
                raise
        latest = await self._gate.exchange_facts(
            request.account, request.symbol, request.position_type
        )
        return await self._write_intent(intent._replace(exchange=latest)), latest

    async def _write_intent(self, intent: "_Intent") -> Placed:
        """Check and store the order in one transaction; a replay finds the first order."""
        try:
            return await self._write_intent_once(intent)
        except Duplicate:
            # Another process stored the same client order id while this transaction ran.
            return await self._write_intent_once(intent)

    async def _write_intent_once(self, intent: "_Intent") -> Placed:
        request, exchange, placement = intent.request, intent.exchange, intent.placement
        async with self._database.transaction() as tx:
            await tx.accounts.lock(request.account)
            known = await tx.orders.find_by_client_id(request.account, request.client_order_id)
            if known is not None:
                return Placed(order=known, replayed=True)
            rules = await self._gate.check(tx, request, exchange, is_closing=placement.is_closing)
            order = self._new_order(intent)
            await tx.orders.insert(order, request.fingerprint)
            tx.after_commit(partial(self._gate.note_placed, order.account))
            if not rules.is_reduction:
                await tx.entries.add(entry_of(order, exchange))
            tx.events.append(changes.submitted(order).event)
            await tx.attempted(AuditSubject.order(order.id))
            if placement.alongside is not None:
                await placement.alongside(tx, order)
            return Placed(order=order, replayed=False)

    def _new_order(self, intent: "_Intent") -> Order:
        now, request = self._clock.now(), intent.request
        return Order(
            id=intent.order_id,
            account=request.account,
            client_order_id=request.client_order_id,
            wire_id=self._ids.new_wire(),
            symbol=request.symbol,
            terms=request.terms,
            status=OrderStatus.SUBMITTING,
            source=request.source,
            strategy=request.strategy,
            metadata=request.metadata,
            created_at=now,
            updated_at=now,
        )

    async def _replay(self, order: Order, request: OrderRequest) -> Placed:
        async with self._database.snapshot() as view:
            fingerprint = await view.orders.fingerprint(order.id)
        if fingerprint != request.fingerprint:
            raise Denied(refusals.conflict(), existing_order=order)
        return _accepted(Placed(order=await self._until_sent(order), replayed=True))

    async def _until_sent(self, order: Order) -> Order:
        """Wait while the order is being sent; returns it as it is when the time is up."""
        return await self._until(order, lambda latest: latest.status is not OrderStatus.SUBMITTING)

    async def _until(self, order: Order, is_reached: Callable[[Order], bool]) -> Order:
        with self._bus.listen(Topic.EVENTS) as listener:
            try:
                async with self._clock.timeout(self._patience_seconds(order)):
                    while not is_reached(order):
                        order = await self._reread(order)
                        if not is_reached(order):
                            await listener.wait_at_most(self._database.poll_seconds)
            except TimeoutError:
                return order
        return order

    def _patience_seconds(self, order: Order) -> float:
        return self._accounts.get(order.account).answer_seconds

    async def _reread(self, order: Order) -> Order:
        async with self._database.snapshot() as view:
            return await view.orders.find(order.id) or order


class _Intent(NamedTuple):
    order_id: str
    request: OrderRequest
    exchange: MarketFacts | ExchangeUnknown
    placement: Placement


def _accepted(placed: Placed) -> Placed:
    """Raise the refusal of a rejected order; a replay gets the same one."""
    order = placed.order
    if order.status is OrderStatus.REJECTED and order.refusal is not None:
        raise Denied(order.refusal, existing_order=order)
    return placed
