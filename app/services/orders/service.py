"""Placing, amending, canceling and changing orders."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
from app.errors import Denied, Duplicate
from app.ports import Clock
from app.services.access.audit import covers, current_attempt
from app.services.accounts import AccountService
from app.services.metrics import Metrics, PlacementTimer
from app.services.orders.amendments import AmendmentService
from app.services.orders.cancels import cancel_each
from app.services.orders.dispatch import OrderDispatcher
from app.services.orders.gate import OrderGate, Preview, deny, entry_of
from app.services.orders.ledger import IdMakers, News, OrderLedger
from app.storage.database import Database, Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """An order that was placed, now or before."""

    order: Order
    replayed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """What is special about placing an order."""

    # It closes a position for a halt or for the bot's stop, and no rule holds it.
    is_closing: bool = False
    # What is written down together with it.
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
        self._amendments = amendments
        self._clock = clock
        self._ids = ids
        self._metrics = metrics or Metrics()

    def new_client_order_id(self) -> str:
        """For a client that names none."""
        return self._ids.new().lower()

    async def place(
        self,
        request: OrderRequest,
        *,
        placement: Placement = ORDINARY,
    ) -> Placed:
        """Write the order down, send it once, and answer when the exchange has."""
        with self._metrics.placing(request.account) as placing:
            return await self._place(request, placement, placing)

    async def _place(
        self,
        request: OrderRequest,
        placement: Placement,
        placing: PlacementTimer,
    ) -> Placed:
        self._gate.check_form(request)
        exchange = await self._gate.facts(request.account, request.symbol, request.position_type)
        halts = self._gate.halts
        placed = await self._write_intent(_Intent(request, exchange, placement))
        if placed.replayed:
            placing.replayed()
            return await self._replay(placed.order, request)
        if not placement.is_closing:
            await self._insist_on_trading(halts, placed.order)
        placing.sent()
        order = await self._dispatcher.submit(placed.order)
        placing.answered(order.status)
        return _answer(Placed(order=await self._cancel_if_wished(order), replayed=False))

    async def preview(self, request: OrderRequest) -> Preview:
        """Everything that placing it would look at; changes nothing."""
        return await self._gate.preview(request)

    async def amend(self, order_id: str, amendment: Amendment) -> Order:
        """Change an order in place or not at all; what is so already is not asked for again."""
        return await self._amendments.amend(order_id, amendment)

    async def cancel(self, order_id: str) -> Order:
        """Keep the wish, then carry it out as far as the exchange lets us."""
        order = await self._ledger.change(order_id, self._wish_cancel)
        order = await self._cancel_if_wished(order)
        if order.status in {OrderStatus.FILLED, OrderStatus.REJECTED}:
            raise refusals.already_closed(order)
        return order

    async def cancel_all(self, wanted: OrderFilter) -> tuple[list[Order], list[Denied]]:
        """Cancel what is open, and account for each."""
        await self._write_down(wanted)
        async with self._database.snapshot() as view:
            found = await view.orders.matching(wanted)
        return await cancel_each(found, lambda order: self.cancel(order.id))

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
        """Take in news of an order, and carry out what was wished while nobody knew it."""
        order = await self._ledger.apply(account, report, news=news)
        return None if order is None else await self._cancel_if_wished(order)

    async def look_up(self, order: Order) -> Order | None:
        """What the exchange says of an order; None where it answered that it has none."""
        report = await self._dispatcher.find(order)
        return None if report is None else await self.apply(order.account, report)

    async def carry_out_cancel(self, order: Order) -> Order:
        return await self._dispatcher.cancel(order)

    async def _write_down(self, wanted: OrderFilter) -> None:
        """Write the audit entry before the first cancel: parallel changes cannot share it."""
        if current_attempt() is None:
            return
        [*names] = wanted.accounts or ()
        covers(AuditSubject.account(names[0]) if len(names) == 1 else None)
        async with self._database.transaction() as tx:
            await tx.attempted(None)

    def _wish_cancel(self, order: Order) -> list[Change]:
        if order.status in {OrderStatus.FILLED, OrderStatus.REJECTED}:
            raise refusals.already_closed(order)
        if not order.is_open or order.cancel_requested_at is not None:
            return []
        return [changes.cancel_requested(order, self._clock.now())]

    async def _cancel_if_wished(self, order: Order) -> Order:
        is_wished = order.cancel_requested_at is not None
        if is_wished and order.is_open and order.status.is_answered:
            return await self._dispatcher.cancel(order)
        return order

    async def until_closed(self, order: Order) -> Order:
        """The order once it is closed, or as it stands when the time is up."""
        return await self._until(order, lambda one: not one.is_open)

    async def _insist_on_trading(self, halts: int, order: Order) -> None:
        """Trading was halted since it was let in, perhaps: then it is never sent."""
        refusal = await self._gate.halted_since(halts, order.account)
        if refusal is not None:
            rejected = await self._ledger.reject(order.id, refusal)
            raise Denied(refusal, existing_order=rejected)

    async def _write_intent(self, intent: "_Intent") -> Placed:
        """The gate and the intent in one step; a request that came twice finds the first."""
        try:
            return await self._write_intent_once(intent)
        except Duplicate:
            # Another process was faster by less than a transaction.
            return await self._write_intent_once(intent)

    async def _write_intent_once(self, intent: "_Intent") -> Placed:
        request, exchange, placement = intent.request, intent.exchange, intent.placement
        async with self._database.transaction() as tx:
            await tx.accounts.lock(request.account)
            known = await tx.orders.find_by_client_id(request.account, request.client_order_id)
            if known is not None:
                return Placed(order=known, replayed=True)
            rules = await self._gate.check(tx, request, exchange, is_closing=placement.is_closing)
            order = self._new_order(request)
            await tx.orders.insert(order, request.fingerprint)
            if not rules.is_reduction:
                await tx.entries.add(entry_of(order, exchange))
            tx.events.append(changes.submitted(order).event)
            await tx.attempted(AuditSubject.order(order.id))
            if placement.alongside is not None:
                await placement.alongside(tx, order)
            return Placed(order=order, replayed=False)

    def _new_order(self, request: OrderRequest) -> Order:
        now = self._clock.now()
        return Order(
            id=self._ids.new(),
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
        return _answer(Placed(order=await self._settled(order), replayed=True))

    async def _settled(self, order: Order) -> Order:
        """The order once the exchange has answered, or as it stands when the time is up."""
        return await self._until(order, lambda one: one.status is not OrderStatus.SUBMITTING)

    async def _until(self, order: Order, is_so: Callable[[Order], bool]) -> Order:
        with self._bus.listen(Topic.EVENTS) as trigger:
            try:
                async with self._clock.timeout(self._patience_seconds(order)):
                    while not is_so(order):
                        order = await self._reread(order)
                        if not is_so(order):
                            await trigger.wait_at_most(self._database.poll_seconds)
            except TimeoutError:
                return order
        return order

    def _patience_seconds(self, order: Order) -> float:
        return self._accounts.get(order.account).answer_seconds

    async def _reread(self, order: Order) -> Order:
        async with self._database.snapshot() as view:
            return await view.orders.find(order.id) or order


class _Intent(NamedTuple):
    request: OrderRequest
    exchange: MarketFacts | ExchangeUnknown
    placement: Placement


def _answer(placed: Placed) -> Placed:
    """A rejected order is a refusal, the same for whoever asks again."""
    order = placed.order
    if order.status is OrderStatus.REJECTED and order.refusal is not None:
        raise Denied(order.refusal, existing_order=order)
    return placed
