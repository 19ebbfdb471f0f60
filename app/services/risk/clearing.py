"""ClearingService: cancels and closes for halts, over and over until nothing is left to do."""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

import structlog

from app.bus import Bus, Listener, Topic
from app.domain.order_kinds import OrderSource, OrderType
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order
from app.domain.portfolio.valuations import ValuedPosition
from app.domain.risk.clearings import Clearing, HaltOptions
from app.errors import Denied, OrderdeckError, Refusal, RefusalCode, StorageError
from app.ports import Clock
from app.primitives.backoff import Backoff
from app.primitives.priorities import Priority, asking_at
from app.services.access.audit import acting
from app.services.orders.cancels import SIDE_BY_SIDE, cancel_each
from app.services.orders.service import CLOSING, OrderService
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.position_actions import PositionActions
from app.services.portfolio.positions import PositionFilter, PositionService
from app.services.risk.clearing_work import ClearingWork, HaltReport
from app.storage.database import Database, Transaction

LEAST_PAUSE_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
# How often the progress is stored and told, at most.
TELL_SECONDS = 0.25
# After this time, a process also takes care of clearings that another process has begun.
TAKE_OVER_SECONDS = 30.0
START_SECONDS = 2.0

# What the ids of closing orders begin with.
_PREFIX = "halt-"
_OURS = frozenset({OrderSource.API, OrderSource.BOT})

_logger = structlog.get_logger(__name__)


class ClearingService:
    """Carries out the clearings that are stored, also those from before a crash."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        orders: OrderService,
        positions: PositionService,
        actions: PositionActions,
        views: ConsistentViews,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._database = database
        self._bus = bus
        self._orders = orders
        self._positions = positions
        self._actions = actions
        self._views = views
        self._clock = clock
        self._new_id = new_id
        self._works: dict[str, ClearingWork] = {}
        self._begun: asyncio.Queue[str] = asyncio.Queue()
        # In elapsed time, when a clearing of another process or run was first seen.
        self._seen_at: dict[str, float] = {}

    async def store(self, tx: Transaction, accounts: Iterable[str], options: HaltOptions) -> None:
        """Store what is to be done, together with the halt; it is begun once it is committed."""
        known = (await tx.rules.lock()).clearings
        names = list(accounts)
        for name in names:
            before = known.get(name)
            after = (
                Clearing(id=self._new_id(), options=options, began_at=self._clock.now())
                if before is None or before.is_done
                else before.repeated(options)
            )
            await tx.rules.save_clearing(name, after)
            tx.after_commit(lambda name=name, after=after: self._begin(name, after))  # type: ignore[misc]

    async def report(self, accounts: Iterable[str], *, within_seconds: float) -> HaltReport:
        """Wait until all is done, but not longer than this; returns what became of it so far."""
        works = [self._works[name] for name in accounts if name in self._works]
        try:
            async with self._clock.timeout(within_seconds):
                await asyncio.gather(*(work.ended.wait() for work in works))
        except TimeoutError:
            _logger.warning("halt.under_way", accounts=[*accounts])
        report = HaltReport()
        for work in works:
            report.add(work.report())
        return report

    async def cancel_at_start(self) -> None:
        """Cancel once what stored clearings want canceled, before anybody is served.

        What the exchange does not confirm at once goes on in the background.
        """
        await self.take_up(seconds=0)
        async with self._database.snapshot() as view:
            stored = (await view.rules.read()).clearings
        with acting(None), asking_at(Priority.CANCEL), suppress(TimeoutError, OrderdeckError):
            async with self._clock.timeout(START_SECONDS):
                for name, clearing in stored.items():
                    if not clearing.is_done:
                        await self._cancel(name, clearing.options, self._works[name])

    async def run(self) -> None:
        """Carry out what is stored; what is under way goes on until it is done."""
        self._begun = asyncio.Queue()
        for name, work in self._works.items():
            if not work.ended.is_set():
                self._begun.put_nowait(name)
        await self.take_up(seconds=0)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_over())
            while True:
                name = await self._begun.get()
                tasks.create_task(self._carry_out(name))

    async def _take_over(self) -> None:
        while self._database.is_shared:
            await self._clock.sleep(TAKE_OVER_SECONDS)
            await self.take_up(seconds=TAKE_OVER_SECONDS)

    async def take_up(self, *, seconds: float) -> None:
        """Begin stored clearings on which nobody here works, if they are this old."""
        async with self._database.snapshot() as view:
            stored = (await view.rules.read()).clearings
        elapsed = self._clock.elapsed()
        for name, clearing in stored.items():
            since = self._seen_at.setdefault(clearing.id, elapsed)
            if not clearing.is_done and elapsed - since >= seconds:
                self._begin(name, clearing)

    def _begin(self, name: str, clearing: Clearing) -> None:
        work = self._works.get(name)
        if work is not None and not work.ended.is_set() and work.clearing.id == clearing.id:
            return
        self._works[name] = ClearingWork(clearing)
        self._begun.put_nowait(name)

    async def _carry_out(self, name: str) -> None:
        work = self._works[name]
        pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        telling = asyncio.create_task(self._keep_telling(name, work))
        try:
            # The attempt that began the halt has its audit entry; single orders have none of it.
            with (
                acting(None),
                asking_at(Priority.CANCEL),
                self._bus.listen(Topic.EVENTS) as changes,
            ):
                while not await self._tried(name, work):
                    if work.has_gone_on():
                        pauses.reset()
                    elif work.is_refused:
                        await self._clock.sleep(pauses.next())
                    else:
                        await self._until_due(changes, pauses.next())
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        await self._tell(name, work, is_done=True)
        work.ended.set()

    async def _until_due(self, changes: Listener, seconds: float) -> None:
        """Wait this long, or until an order has changed."""
        await self._clock.sleep(LEAST_PAUSE_SECONDS)
        with suppress(TimeoutError):
            async with self._clock.timeout(seconds):
                await changes.wait()

    async def _tried(self, name: str, work: ClearingWork) -> bool:
        """Do what can be done now; returns whether nothing is left, or nothing is wanted."""
        try:
            clearing = await self._wanted(name, work)
            return clearing is None or await self._round(name, clearing.options, work)
        except OrderdeckError as error:
            _logger.warning("halt.tried_again", account=name, error=str(error))
            return False

    async def _wanted(self, name: str, work: ClearingWork) -> Clearing | None:
        """The clearing as it is stored by now; None once trading was resumed or it was replaced."""
        async with self._database.snapshot() as view:
            stored = (await view.rules.read()).clearings.get(name)
        return stored if stored is not None and stored.id == work.clearing.id else None

    async def _round(self, name: str, options: HaltOptions, work: ClearingWork) -> bool:
        """Cancel and close what is left; returns whether nothing was left to do."""
        await self._cancel(name, options, work)
        if not options.close_positions:
            return not work.under_way
        has_closed = await self._close(name, options, work)
        return not work.under_way and not has_closed

    async def _cancel(self, name: str, options: HaltOptions, work: ClearingWork) -> None:
        open_orders = await self._open_orders(name)
        wanted = []
        for order in open_orders:
            if _is_closing(order):
                continue
            if _is_included(order, options):
                wanted.append(order)
            else:
                work.failed[order.id] = Denied(_left_open(order), existing_order=order)
        await self._note_ended(work, {order.id for order in open_orders})
        work.under_way = {order.id: order for order in wanted}
        work.is_refused = False

        async def cancel(order: Order) -> Order:
            after = await self._orders.until_closed(await self._orders.cancel(order.id))
            work.note(after)
            return after

        _, failed = await cancel_each(wanted, cancel)
        for denied in failed:
            found = denied.existing_order
            if isinstance(found, Order):
                work.note(found)

    async def _note_ended(self, work: ClearingWork, still_open: set[str]) -> None:
        """Note what has ended between two rounds: the exchange may answer late."""
        ended = [order_id for order_id in work.under_way if order_id not in still_open]
        async with self._database.snapshot() as view:
            for order_id in ended:
                order = await view.orders.find(order_id)
                if order is not None:
                    work.note(order)

    async def _close(self, name: str, options: HaltOptions, work: ClearingWork) -> bool:
        """Close what is held; returns whether an order was placed or is still open for it."""
        names = frozenset({name})
        wanted = PositionFilter(accounts=names)
        async with self._views.open(names, self._positions.asked_for(names, wanted)) as view:
            held = (await self._positions.read(view, wanted)).nodes
            open_here = OrderFilter(accounts=names, open=True)
            open_orders = await view.matching(open_here)
        markets = {order.symbol for order in open_orders if order.type is OrderType.MARKET}
        slots = asyncio.Semaphore(SIDE_BY_SIDE)

        async def close(position: ValuedPosition) -> bool:
            async with slots:
                return await self._close_one(position, options, work)

        due = [
            position
            for position in held
            if position.key.name not in work.impossible and position.key.symbol not in markets
        ]
        outcomes = await asyncio.gather(*map(close, due))
        return any(outcomes) or any(position.key.symbol in markets for position in held)

    async def _close_one(
        self, position: ValuedPosition, options: HaltOptions, work: ClearingWork
    ) -> bool:
        """Returns whether there is more to do or to wait for."""
        key = position.key.name
        amount = await self._actions.closable(position, is_external=options.close_external)
        if amount is None:
            return False
        client_order_id = await self._unused_id(position, work.clearing)
        try:
            request = await self._actions.closing(
                position,
                amount,
                client_order_id,
                known=None,
                is_external=options.close_external,
            )
            placed = await self._orders.place(request, placement=CLOSING)
        except Denied as denied:
            _logger.warning("halt.not_closed", position=key, why=denied.refusal.message)
            if not denied.refusal.retryable:
                work.impossible[key] = denied
                return False
            work.is_refused = True
            return True
        order = await self._orders.until_closed(placed.order)
        work.closing[order.id] = order
        return True

    async def _unused_id(self, position: ValuedPosition, clearing: Clearing) -> str:
        """The id of the next attempt, the same in every process: two can never place it twice."""
        number = 0
        while True:
            number += 1
            facts = f"{clearing.id}|{position.key.name}|{number}"
            client_order_id = f"{_PREFIX}{hashlib.sha256(facts.encode()).hexdigest()[:27]}"
            async with self._database.snapshot() as view:
                known = await view.orders.find_by_client_id(position.key.account, client_order_id)
            if known is None:
                return client_order_id

    async def _open_orders(self, name: str) -> list[Order]:
        async with self._database.snapshot() as view:
            return await view.orders.matching(OrderFilter(accounts=frozenset({name}), open=True))

    async def _keep_telling(self, name: str, work: ClearingWork) -> None:
        told = work.progress(work.clearing)
        while True:
            await self._clock.sleep(TELL_SECONDS)
            if work.progress(work.clearing) == told:
                continue
            with suppress(StorageError):
                told = work.progress(work.clearing)
                await self._tell(name, work, is_done=False)

    async def _tell(self, name: str, work: ClearingWork, *, is_done: bool) -> None:
        async with self._database.transaction() as tx:
            stored = (await tx.rules.lock()).clearings.get(name)
            if stored is None or stored.id != work.clearing.id:
                return
            ended_at = self._clock.now() if is_done else None
            await tx.rules.save_clearing(name, replace(work.progress(stored), ended_at=ended_at))
            tx.announce(Topic.FEED)


def _is_closing(order: Order) -> bool:
    """Whether a halt has placed it to close a position: perhaps before a crash, so not known."""
    is_named = order.client_order_id.startswith(_PREFIX)
    return is_named and order.type is OrderType.MARKET and order.source is OrderSource.API


def _is_included(order: Order, options: HaltOptions) -> bool:
    return options.cancel_open and (order.source in _OURS or options.cancel_external)


def _left_open(order: Order) -> Refusal:
    why = (
        "it was placed elsewhere: cancelExternal cancels those too"
        if order.source is OrderSource.EXTERNAL
        else "cancelOpenOrders was not asked for"
    )
    return Refusal(
        code=RefusalCode.INVALID_STATE, message=f"the order was left open: {why}", retryable=True
    )
