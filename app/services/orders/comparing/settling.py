"""Settles what is unfinished: orders in doubt, cancels and amendments without an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.bus import Bus, Listener, Topic
from app.domain.orders import refusals
from app.domain.orders.order import Order
from app.errors import ExchangeError
from app.ports import Clock
from app.primitives.backoff import Backoff
from app.services.accounts import AccountEntry
from app.services.orders.amendments import AmendmentService
from app.services.orders.cancels import cancel_each
from app.services.orders.in_flight import OrdersInFlight
from app.services.orders.ledger import OrderLedger
from app.services.orders.service import OrderService
from app.storage.database import Database

FIRST_PAUSE_SECONDS = 0.5
_UNANSWERED = (ExchangeError, TimeoutError)

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncTimes:
    """How often to compare, and when "not found" is final."""

    interval_seconds: float
    not_found_seconds: float


class OrderSettling:
    """Looks up one account's orders in doubt, and carries out what was not confirmed."""

    def __init__(
        self,
        account: AccountEntry,
        *,
        times: SyncTimes,
        database: Database,
        bus: Bus,
        orders: OrderService,
        amendments: AmendmentService,
        ledger: OrderLedger,
        in_flight: OrdersInFlight,
        clock: Clock,
    ) -> None:
        self._account = account
        self._database = database
        self._bus = bus
        self._orders = orders
        self._amendments = amendments
        self._ledger = ledger
        self._in_flight = in_flight
        self._clock = clock
        self._interval_seconds = times.interval_seconds
        self._not_found_after = timedelta(seconds=times.not_found_seconds)
        # An order of another process that is older than this is not being sent any more.
        self._answer_after = timedelta(seconds=account.answer_seconds)
        self._answer_due_after = self._not_found_after + self._answer_after
        self._missed_once: set[str] = set()
        # In elapsed time, when an order of another process or run was first seen being sent, and
        # when any was first seen in doubt; it has not been sent since.
        self._submitting_since: dict[str, float] = {}
        self._doubted_at: dict[str, float] = {}

    async def run(self) -> None:
        """Look up orders in doubt at once, then with growing pauses up to the interval."""
        pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=self._interval_seconds)
        with self._bus.listen(Topic.DOUBTS) as listener:
            while True:
                has_doubts = await self.settle()
                pauses.next()
                seconds = pauses.seconds if has_doubts else self._interval_seconds
                if await self._is_woken(listener, seconds):
                    pauses.reset()

    async def _is_woken(self, listener: Listener, seconds: float) -> bool:
        try:
            async with self._clock.timeout(seconds):
                await listener.wait()
        except TimeoutError:
            return False
        return True

    async def doubt_interrupted(self) -> None:
        """When no other process lives: nobody is sending what another run has begun to send."""
        await self._doubt_abandoned(await self._submitting())

    async def settle(self) -> bool:
        """Go once through everything unfinished; returns whether doubts remain."""
        await self._doubt_abandoned(self._overdue(await self._submitting()))
        name = self._account.name
        async with self._database.snapshot() as view:
            doubts = await view.orders.in_doubt(name)
            uncanceled = await view.orders.uncanceled(name)
            amendments = await view.amendments.waiting(name)
        overdue = [asked for asked in amendments if self._is_overdue(asked.order_id, asked.at)]
        self._note_doubts(doubts)
        settled = [await self._look_up(order) for order in doubts]
        await cancel_each(uncanceled, self._orders.send_cancel)
        settled += [await self._amendments.settle(asked) for asked in overdue]
        return not all(settled)

    def _note_doubts(self, doubts: Sequence[Order]) -> None:
        now, known = self._clock.elapsed(), {order.id for order in doubts}
        self._missed_once &= known
        self._doubted_at = {order_id: self._doubted_at.get(order_id, now) for order_id in known}

    async def _submitting(self) -> list[Order]:
        """The orders that are stored as being sent, and that this process is not sending."""
        async with self._database.snapshot() as view:
            found = await view.orders.submitting(self._account.name)
        return [order for order in found if not self._in_flight.holds(order.id)]

    def _overdue(self, orders: Sequence[Order]) -> list[Order]:
        """Those whose process has had its time: by their age, or since they were first seen."""
        now, known = self._clock.elapsed(), self._submitting_since
        self._submitting_since = {order.id: known.get(order.id, now) for order in orders}
        seconds = self._answer_due_after.total_seconds()
        return [
            order
            for order in orders
            if self._is_overdue(order.id, order.updated_at)
            or now - self._submitting_since[order.id] > seconds
        ]

    async def _doubt_abandoned(self, abandoned: Sequence[Order]) -> None:
        for order in abandoned:
            await self._ledger.doubt(order.id, "the process that was sending it ended")

    def _is_overdue(self, order_id: str, asked_at: datetime) -> bool:
        """Whether an answer should have come: by our own knowledge, or by the age of a request."""
        if self._in_flight.holds(order_id):
            return False
        ended_at = self._in_flight.ended_at(order_id)
        if ended_at is None:
            return asked_at < self._clock.now() - self._answer_due_after
        return self._clock.elapsed() - ended_at > self._answer_due_after.total_seconds()

    def _has_had_time(self, order: Order) -> bool:
        """Whether the exchange would know the order by now, had it ever arrived."""
        elapsed, seconds = self._clock.elapsed(), self._not_found_after.total_seconds()
        ended_at = self._in_flight.ended_at(order.id)
        since = self._doubted_at.get(order.id) if ended_at is None else ended_at
        if since is not None and elapsed - since >= seconds:
            return True
        given_up_at = order.created_at + self._answer_after
        return ended_at is None and self._clock.now() - given_up_at >= self._not_found_after

    async def _look_up(self, order: Order) -> bool:
        """Look up an order in doubt; returns whether it is settled. A failure proves nothing."""
        if self._in_flight.is_sending(order.id):
            return False
        has_had_time = self._has_had_time(order)
        try:
            after = await self._orders.look_up(order)
        except _UNANSWERED as error:
            _logger.info("lookup.unanswered", order=order.id, error=repr(error))
            return False
        if after is not None:
            return True
        if not has_had_time:
            return False
        if order.id not in self._missed_once:
            self._missed_once.add(order.id)
            return False
        await self._ledger.reject(order.id, refusals.never_arrived())
        return True
