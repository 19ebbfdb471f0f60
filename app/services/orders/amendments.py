"""Amending orders in place: an amendment reserves what it asks for until its outcome is known."""

import structlog

from app.domain.orders import refusals
from app.domain.orders.amendments import (
    Amendment,
    AskedAmendment,
    amended_terms,
    check_amendment,
    check_state,
    is_increase,
)
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.order import Order
from app.errors import Denied, ExchangeError
from app.ports import Clock
from app.services.orders.dispatch import OrderDispatcher
from app.services.orders.gate import OrderGate, deny
from app.services.orders.in_flight import OrdersInFlight
from app.services.orders.ledger import IdMakers, OrderLedger
from app.storage.database import Database, Snapshot

_logger = structlog.get_logger(__name__)


class AmendmentService:
    """Amends orders in place, or leaves them as they are."""

    def __init__(
        self,
        *,
        database: Database,
        gate: OrderGate,
        ledger: OrderLedger,
        dispatcher: OrderDispatcher,
        in_flight: OrdersInFlight,
        clock: Clock,
        ids: IdMakers,
    ) -> None:
        self._database = database
        self._gate = gate
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._in_flight = in_flight
        self._clock = clock
        self._ids = ids

    async def amend(self, order_id: str, amendment: Amendment) -> Order:
        """Check and reserve the amendment in one transaction, then ask the exchange once."""
        async with self._database.snapshot() as view:
            order = await _existing(view, order_id)
        deny(check_state(order, amendment), existing_order=order)
        if amended_terms(order, amendment) == order.terms.amendable:
            return order
        exchange = await self._market_facts(order)
        with self._in_flight.hold(order.id):
            return await self._reserve_and_send(order, amendment, exchange)

    async def _reserve_and_send(
        self, order: Order, amendment: Amendment, exchange: MarketFacts
    ) -> Order:
        halts = self._gate.halts
        order, asked = await self._reserve(order, amendment, exchange)
        if asked is None:
            return order
        if is_increase(order, asked.terms):
            await self._insist_on_trading(halts, order, asked)
        return await self._dispatcher.amend(order, asked)

    async def _insist_on_trading(self, halts: int, order: Order, asked: AskedAmendment) -> None:
        """Refuse, without asking the exchange, if trading was halted since the check."""
        refusal = await self._gate.halted_since(halts, order.account)
        if refusal is not None:
            await self._ledger.release(asked)
            raise Denied(refusal, existing_order=order)

    async def settle(self, asked: AskedAmendment) -> bool:
        """Look up the order of an amendment whose answer is overdue; returns whether it is settled.

        A lookup that fails proves nothing: the amendment stays reserved.
        """
        async with self._database.snapshot() as view:
            order = await _existing(view, asked.order_id)
        if order.is_open:
            try:
                report = await self._dispatcher.find(order)
            except (ExchangeError, TimeoutError) as error:
                _logger.info("lookup.unanswered", order=order.id, error=repr(error))
                return False
            if report is not None:
                await self._ledger.apply(order.account, report)
        await self._ledger.release(asked)
        return True

    async def _market_facts(self, order: Order) -> MarketFacts:
        exchange = await self._gate.exchange_facts(order.account, order.symbol)
        if isinstance(exchange, MarketFacts):
            return exchange
        refusal = refusals.unavailable(exchange.why, refusals.AS_IT_WAS)
        raise Denied(refusal, existing_order=order)

    async def _reserve(
        self, order: Order, amendment: Amendment, exchange: MarketFacts
    ) -> tuple[Order, AskedAmendment | None]:
        """Reserve it: from the commit on, the order counts with the larger of both amounts."""
        async with self._database.transaction() as tx:
            await tx.accounts.lock(order.account)
            order = await _existing(tx, order.id)
            deny(check_state(order, amendment), existing_order=order)
            wanted = amended_terms(order, amendment)
            if wanted == order.terms.amendable:
                return order, None
            deny(check_amendment(order, amendment, exchange), existing_order=order)
            if is_increase(order, wanted):
                await self._gate.check_increase(tx, order, wanted, exchange)
            asked = AskedAmendment(
                id=self._ids.new(),
                order_id=order.id,
                at=self._clock.now(),
                terms=wanted,
            )
            await tx.amendments.add(asked)
            return order, asked


async def _existing(view: Snapshot, order_id: str) -> Order:
    order = await view.orders.find(order_id)
    if order is None:
        raise refusals.not_found()
    return order
