"""Sends orders, amendments and cancels to the exchange, once each, and records the answers."""

import asyncio
from contextlib import AbstractAsyncContextManager

import structlog

from app.domain.orders import refusals
from app.domain.orders.amendments import AskedAmendment
from app.domain.orders.order import Order
from app.domain.orders.reports import OrderIntent, OrderKey, OrderReport
from app.errors import Denied, ExchangeError, ExchangeRejected, ExchangeUnavailable
from app.ports import Clock, ExchangeGateway
from app.services.accounts import AccountService
from app.services.orders.in_flight import OrdersInFlight
from app.services.orders.ledger import OrderLedger

_logger = structlog.get_logger(__name__)


class OrderDispatcher:
    """Calls the exchange for one order and applies its answer; never inside a transaction."""

    def __init__(
        self, accounts: AccountService, ledger: OrderLedger, in_flight: OrdersInFlight, clock: Clock
    ) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._in_flight = in_flight
        self._clock = clock

    async def submit(self, order: Order) -> Order:
        """Send the order once. Without a clear answer it becomes IN_DOUBT."""
        try:
            report = await self._send(order)
        except ExchangeRejected as error:
            return await self._ledger.reject(order.id, error.refusal)
        except ExchangeUnavailable:
            return await self._ledger.reject(order.id, refusals.unavailable())
        except asyncio.CancelledError:
            await self._ledger.doubt(order.id, "abandoned before the exchange answered")
            raise
        except Exception as error:  # noqa: BLE001  no other error proves it was not placed
            _logger.warning("submit.unanswered", order=order.id, error=repr(error))
            return await self._ledger.doubt(order.id, "the exchange gave no clear answer")
        return await self._ledger.apply(order.account, report) or order

    async def cancel(self, order: Order) -> Order:
        """Ask the exchange to cancel; without an answer the request stays and is tried again."""
        gateway = self._gateway(order)
        try:
            async with self._in_time(order):
                report = await gateway.cancel(_key(order)) or await gateway.find(_key(order))
        except (ExchangeError, TimeoutError) as error:
            _logger.warning("cancel.unanswered", order=order.id, error=repr(error))
            return order
        return order if report is None else await self._ledger.apply(order.account, report) or order

    async def amend(self, order: Order, asked: AskedAmendment) -> Order:
        """Amend in place; without a clear answer, look up what became of the order."""
        try:
            report = await self._send_amendment(order, asked)
        except ExchangeRejected as error:
            await self._ledger.release(asked)
            raise Denied(error.refusal, existing_order=order) from error
        except ExchangeUnavailable as error:
            await self._ledger.release(asked)
            refusal = refusals.unavailable(consequence=refusals.AS_IT_WAS)
            raise Denied(refusal, existing_order=order) from error
        except Exception as error:  # noqa: BLE001  no other error proves the order is unchanged
            _logger.warning("amend.unanswered", order=order.id, error=repr(error))
            report = await self._find_amended(order)
            changed = await self._ledger.apply(order.account, report)
            return _amended_or_denied(changed or order, asked)
        if report is None:
            await self._ledger.release(asked)
            raise refusals.not_found()
        changed = await self._ledger.apply(order.account, report, answers=asked)
        return _amended_or_denied(changed or order, asked)

    async def find(self, order: Order) -> OrderReport | None:
        """Look the order up; returns None if the exchange answers that it has no such order."""
        async with self._in_time(order):
            return await self._gateway(order).find(_key(order))

    async def _send(self, order: Order) -> OrderReport:
        intent = OrderIntent(wire_id=order.wire_id, symbol=order.symbol, terms=order.terms)
        try:
            async with self._in_time(order):
                return await self._gateway(order).submit(intent)
        finally:
            self._in_flight.end(order.id)

    async def _send_amendment(self, order: Order, asked: AskedAmendment) -> OrderReport | None:
        try:
            async with self._in_time(order):
                return await self._gateway(order).amend(_key(order), asked.terms)
        finally:
            self._in_flight.end(order.id)

    async def _find_amended(self, order: Order) -> OrderReport:
        """Look the order up now; the amendment may still be on its way and take effect later."""
        try:
            report = await self.find(order)
        except (ExchangeError, TimeoutError) as error:
            raise Denied(refusals.unanswered_amendment(), existing_order=order) from error
        if report is None:
            raise refusals.not_found()
        return report

    def _gateway(self, order: Order) -> ExchangeGateway:
        return self._accounts.get(order.account).gateway

    def _in_time(self, order: Order) -> AbstractAsyncContextManager[object]:
        return self._clock.timeout(self._accounts.get(order.account).answer_seconds)


def _amended_or_denied(order: Order, asked: AskedAmendment) -> Order:
    if order.terms.amendable == asked.terms:
        return order
    if not order.is_open:
        raise Denied(refusals.closed(order, "amended"), existing_order=order)
    raise Denied(refusals.unanswered_amendment(), existing_order=order)


def _key(order: Order) -> OrderKey:
    return OrderKey(
        symbol=order.symbol,
        wire_id=order.wire_id,
        exchange_order_id=order.exchange_order_id,
        placed_at=order.created_at,
    )
