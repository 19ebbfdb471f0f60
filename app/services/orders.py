"""Placing, canceling and changing orders."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from app.bus import Bus, Topic
from app.domain import order_changes, order_refusals
from app.domain.accounts import Connectivity
from app.domain.filters import OrderFilter
from app.domain.order_changes import Step
from app.domain.order_checks import MarketFacts, check_form, check_open_orders, first_refusal
from app.domain.order_reports import OrderIntent, OrderKey, OrderReport
from app.domain.order_requests import OrderRequest, check_metadata
from app.domain.orders import Order, OrderStatus
from app.errors import (
    Denied,
    Duplicate,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
)
from app.ports import Clock, ExchangeGateway
from app.services.accounts import AccountService
from app.services.order_ledger import Ids, OrderLedger
from app.storage.database import Database

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """An order that was placed, now or before."""

    order: Order
    replayed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderTools:
    """What the order service works with."""

    database: Database
    bus: Bus
    accounts: AccountService
    ledger: OrderLedger
    clock: Clock
    ids: Ids


class OrderService:
    """What a trader can do with orders."""

    def __init__(self, tools: OrderTools, *, timeout_seconds: float) -> None:
        self._tools = tools
        self._database = tools.database
        self._ledger = tools.ledger
        self._clock = tools.clock
        self._timeout_seconds = timeout_seconds

    def new_client_order_id(self) -> str:
        """For a client that names none."""
        return self._tools.ids.new().lower()

    async def place(self, request: OrderRequest) -> Placed:
        """Write the order down, send it once, and answer when the exchange has."""
        _deny(check_form(request))
        placed = await self._write_intent(request, await self._facts(request))
        if placed.replayed:
            return await self._replay(placed.order, request)
        order = await self._send(placed.order)
        return _answer(Placed(order=await self._cancel_if_wished(order), replayed=False))

    async def cancel(self, order_id: str) -> Order:
        """Keep the wish, then carry it out as far as the exchange lets us."""
        order = await self._ledger.change(order_id, self._wish_cancel)
        order = await self._cancel_if_wished(order)
        if order.status in {OrderStatus.FILLED, OrderStatus.REJECTED}:
            raise order_refusals.already_closed(order)
        return order

    async def cancel_all(self, wanted: OrderFilter) -> tuple[list[Order], list[Denied]]:
        """Cancel what is open, one after the other, and account for each."""
        async with self._database.snapshot() as view:
            found = await view.orders.matching(wanted)
        canceled: list[Order] = []
        failed: list[Denied] = []
        for order in found:
            try:
                canceled.append(await self.cancel(order.id))
            except Denied as denied:
                failed.append(denied)
        return canceled, failed

    async def set_metadata(self, order_id: str, metadata: Mapping[str, Any]) -> Order:
        _deny(check_metadata(metadata))

        def decide(order: Order) -> list[Step]:
            if order.metadata == metadata:
                return []
            return [order_changes.metadata_set(order, metadata, self._clock.now())]

        return await self._ledger.change(order_id, decide)

    async def apply(self, account: str, report: OrderReport) -> Order | None:
        """Take in news of an order, and carry out what was wished while nobody knew it."""
        order = await self._ledger.apply(account, report)
        return None if order is None else await self._cancel_if_wished(order)

    async def look_up(self, order: Order) -> Order | None:
        """What the exchange says of an order; None where it answered that it has none."""
        async with self._clock.timeout(self._timeout_seconds):
            report = await self._gateway(order).find(_key(order))
        return None if report is None else await self.apply(order.account, report)

    async def carry_out_cancel(self, order: Order) -> Order:
        """Ask the exchange to cancel; without an answer the wish stays and is tried again."""
        gateway = self._gateway(order)
        try:
            async with self._clock.timeout(self._timeout_seconds):
                report = await gateway.cancel(_key(order)) or await gateway.find(_key(order))
        except (ExchangeError, TimeoutError) as error:
            _logger.warning("cancel.unanswered", order=order.id, error=repr(error))
            return order
        return order if report is None else await self._ledger.apply(order.account, report) or order

    def _wish_cancel(self, order: Order) -> list[Step]:
        if order.status in {OrderStatus.FILLED, OrderStatus.REJECTED}:
            raise order_refusals.already_closed(order)
        if not order.is_open or order.cancel_requested_at is not None:
            return []
        return [order_changes.cancel_requested(order, self._clock.now())]

    async def _cancel_if_wished(self, order: Order) -> Order:
        is_wished = order.cancel_requested_at is not None
        if is_wished and order.is_open and order.status.is_answered:
            return await self.carry_out_cancel(order)
        return order

    async def _facts(self, request: OrderRequest) -> MarketFacts | None:
        """What the gate must know of the exchange; None where it cannot be asked."""
        gateway = self._tools.accounts.get(request.account).gateway
        if gateway.connection.connectivity is Connectivity.DISCONNECTED:
            return None
        try:
            async with self._clock.timeout(self._timeout_seconds):
                tickers = await gateway.tickers([request.symbol])
                return MarketFacts(
                    capabilities=gateway.capabilities,
                    markets=await gateway.markets(),
                    ticker=tickers.get(request.symbol),
                    balances=await gateway.balances(),
                )
        except (ExchangeError, TimeoutError):
            return None

    async def _write_intent(self, request: OrderRequest, facts: MarketFacts | None) -> Placed:
        """The gate and the intent in one step; a request that came twice finds the first."""
        try:
            return await self._write_intent_once(request, facts)
        except Duplicate:
            # Another process was faster by less than a transaction.
            return await self._write_intent_once(request, facts)

    async def _write_intent_once(self, request: OrderRequest, facts: MarketFacts | None) -> Placed:
        async with self._database.transaction() as tx:
            await tx.accounts.lock(request.account)
            known = await tx.orders.find_by_client_id(request.account, request.client_order_id)
            if known is not None:
                return Placed(order=known, replayed=True)
            _deny(order_refusals.unavailable() if facts is None else first_refusal(request, facts))
            limit = self._tools.accounts.get(request.account).max_open_orders
            if limit is not None:
                open_here = OrderFilter(accounts=frozenset({request.account}), open=True)
                _deny(check_open_orders(await tx.orders.count(open_here), limit))
            order = self._new_order(request)
            await tx.orders.insert(order, request.fingerprint)
            tx.events.append(order_changes.submitted(order).event)
            return Placed(order=order, replayed=False)

    def _new_order(self, request: OrderRequest) -> Order:
        now = self._clock.now()
        return Order(
            id=self._tools.ids.new(),
            account=request.account,
            client_order_id=request.client_order_id,
            wire_id=self._tools.ids.new_wire(),
            symbol=request.symbol,
            side=request.side,
            type=request.type,
            time_in_force=request.time_in_force,
            status=OrderStatus.SUBMITTING,
            amount=request.amount,
            price=request.price,
            trigger_price=request.trigger_price,
            reduce_only=request.reduce_only,
            position_type=request.position_type,
            leverage=request.leverage,
            source=request.source,
            strategy=request.strategy,
            metadata=request.metadata,
            created_at=now,
            updated_at=now,
        )

    async def _send(self, order: Order) -> Order:
        """Call the exchange once. Whatever is not a clear answer is doubt."""
        try:
            async with self._clock.timeout(self._timeout_seconds):
                report = await self._gateway(order).submit(_intent(order))
        except ExchangeRejected as error:
            return await self._ledger.reject(order.id, error.refusal)
        except ExchangeUnavailable:
            return await self._ledger.reject(order.id, order_refusals.unavailable())
        except asyncio.CancelledError:
            await self._ledger.doubt(order.id, "abandoned before the exchange answered")
            raise
        except Exception as error:  # noqa: BLE001  nothing else proves that it was not placed
            _logger.warning("submit.unanswered", order=order.id, error=repr(error))
            return await self._ledger.doubt(order.id, "the exchange gave no clear answer")
        return await self._ledger.apply(order.account, report) or order

    async def _replay(self, order: Order, request: OrderRequest) -> Placed:
        async with self._database.snapshot() as view:
            fingerprint = await view.orders.fingerprint(order.id)
        if fingerprint != request.fingerprint:
            raise order_refusals.conflict(order)
        return _answer(Placed(order=await self._settled(order), replayed=True))

    async def _settled(self, order: Order) -> Order:
        """The order once the exchange has answered, or as it stands when the time is up."""
        with self._tools.bus.listen(Topic.EVENTS) as bell:
            try:
                async with self._clock.timeout(self._timeout_seconds):
                    while order.status is OrderStatus.SUBMITTING:
                        order = await self._reread(order)
                        if order.status is OrderStatus.SUBMITTING:
                            await bell.wait_at_most(self._database.poll_seconds)
            except TimeoutError:
                return order
        return order

    async def _reread(self, order: Order) -> Order:
        async with self._database.snapshot() as view:
            return await view.orders.find(order.id) or order

    def _gateway(self, order: Order) -> ExchangeGateway:
        return self._tools.accounts.get(order.account).gateway


def _intent(order: Order) -> OrderIntent:
    return OrderIntent(
        wire_id=order.wire_id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        amount=order.amount,
        price=order.price,
        trigger_price=order.trigger_price,
        reduce_only=order.reduce_only,
    )


def _key(order: Order) -> OrderKey:
    return OrderKey(
        symbol=order.symbol, wire_id=order.wire_id, exchange_order_id=order.exchange_order_id
    )


def _answer(placed: Placed) -> Placed:
    """A rejected order is a refusal, the same for whoever asks again."""
    order = placed.order
    if order.status is OrderStatus.REJECTED and order.refusal is not None:
        raise Denied(order.refusal, existing_order=order)
    return placed


def _deny(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Denied(refusal)
