"""The way to the exchange and back: each call once, and what it answered into the ledger."""

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
from app.services.orders.ledger import OrderLedger

_logger = structlog.get_logger(__name__)


class OrderDispatcher:
    """Asks the exchange about one order at a time, never inside a transaction."""

    def __init__(self, accounts: AccountService, ledger: OrderLedger, clock: Clock) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._clock = clock

    async def submit(self, order: Order) -> Order:
        """Send it once. Whatever is not a clear answer is doubt."""
        try:
            async with self._in_time(order):
                intent = OrderIntent(wire_id=order.wire_id, symbol=order.symbol, terms=order.terms)
                report = await self._gateway(order).submit(intent)
        except ExchangeRejected as error:
            return await self._ledger.reject(order.id, error.refusal)
        except ExchangeUnavailable:
            return await self._ledger.reject(order.id, refusals.unavailable())
        except asyncio.CancelledError:
            await self._ledger.doubt(order.id, "abandoned before the exchange answered")
            raise
        except Exception as error:  # noqa: BLE001  nothing else proves that it was not placed
            _logger.warning("submit.unanswered", order=order.id, error=repr(error))
            return await self._ledger.doubt(order.id, "the exchange gave no clear answer")
        return await self._ledger.apply(order.account, report) or order

    async def cancel(self, order: Order) -> Order:
        """Ask the exchange to cancel; without an answer the wish stays and is tried again."""
        gateway = self._gateway(order)
        try:
            async with self._in_time(order):
                report = await gateway.cancel(_key(order)) or await gateway.find(_key(order))
        except (ExchangeError, TimeoutError) as error:
            _logger.warning("cancel.unanswered", order=order.id, error=repr(error))
            return order
        return order if report is None else await self._ledger.apply(order.account, report) or order

    async def amend(self, order: Order, asked: AskedAmendment) -> Order:
        """Have it changed in place; where no clear answer comes, look what became of it."""
        try:
            async with self._in_time(order):
                report = await self._gateway(order).amend(_key(order), asked.terms)
        except ExchangeRejected as error:
            await self._ledger.give_back(asked)
            raise Denied(error.refusal, existing_order=order) from error
        except ExchangeUnavailable as error:
            await self._ledger.give_back(asked)
            refusal = refusals.unavailable(consequence=refusals.AS_IT_WAS)
            raise Denied(refusal, existing_order=order) from error
        except Exception as error:  # noqa: BLE001  nothing else proves that it stands as it was
            _logger.warning("amend.unanswered", order=order.id, error=repr(error))
            report = await self._find_amended(order)
            changed = await self._ledger.apply(order.account, report)
            return _as_asked(changed or order, asked)
        if report is None:
            await self._ledger.give_back(asked)
            raise refusals.not_found()
        changed = await self._ledger.apply(order.account, report, answers=asked)
        return _as_asked(changed or order, asked)

    async def find(self, order: Order) -> OrderReport | None:
        """What the exchange says of an order; None where it answered that it has none."""
        async with self._in_time(order):
            return await self._gateway(order).find(_key(order))

    async def _find_amended(self, order: Order) -> OrderReport:
        """It may be on its way still: what is seen now is not yet the end of it."""
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


def _as_asked(order: Order, asked: AskedAmendment) -> Order:
    if order.terms.amendable == asked.terms:
        return order
    if not order.is_open:
        raise Denied(refusals.closed(order, "amended"), existing_order=order)
    raise Denied(refusals.unanswered_amendment(), existing_order=order)


def _key(order: Order) -> OrderKey:
    return OrderKey(
        symbol=order.symbol, wire_id=order.wire_id, exchange_order_id=order.exchange_order_id
    )
