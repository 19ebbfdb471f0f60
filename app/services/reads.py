"""Views: all reads of one request, at one instant, limited to the accounts that it may see."""

from collections.abc import (
    AsyncIterator,
    Hashable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain.access.audit import AuditEntry
from app.domain.bot.bot import Bot, Decision
from app.domain.fills import Fill
from app.domain.order_kinds import OrderSource
from app.domain.orders.entries import OpenEntry
from app.domain.orders.events import LoggedEvent, LogPosition
from app.domain.orders.filters import FillFilter, OrderFilter, OrderSort
from app.domain.orders.order import Order
from app.domain.pages import Page, PageRequest
from app.domain.portfolio.equity_curves import EquityKey, EquityPoint
from app.domain.portfolio.positions import Position, PositionKey, RoundTripResult
from app.domain.risk.rules import Rules
from app.domain.risk.trading_windows import TradeCounts
from app.errors import CursorInvalid, ExchangeError, NotFound, RateLimited
from app.ports import Clock
from app.primitives.fair_line import FairLine, LineFull
from app.storage.database import VIEWERS, Database, Snapshot
from app.storage.fills import FillState

# Of all clients' views, how many one client may have open, so that others find a place.
MOST_EACH = VIEWERS * 2 // 3
# How many views of one client may wait, and how long each.
MOST_WAITING = 500
PATIENCE_SECONDS = 20.0
# The client that all live queries count as: each is evaluated for many subscribers, and waits.
LIVE = "live queries"


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderList:
    """A page of orders, and where in the log it was read."""

    page: Page[Order]
    total_count: int
    as_of: LogPosition


class Answers:
    """What exchanges answered before a view was opened, failures included."""

    def __init__(self, outcomes: Mapping[Hashable, object] | None = None) -> None:
        self._outcomes = outcomes or {}

    def to(self, question: Hashable) -> Any:
        """The answer to a question, which must have been asked; raises if it failed."""
        outcome = self._outcomes[question]
        if isinstance(outcome, ExchangeError):
            raise outcome
        return outcome


NOTHING_ASKED = Answers()


class View:
    """One instant of the database, limited to these accounts: others do not exist in it."""

    def __init__(self, snapshot: Snapshot, accounts: frozenset[str], answers: Answers) -> None:
        self._snapshot = snapshot
        self._accounts = accounts
        # Nothing is asked while a view is open: it holds a connection to the database.
        self.answers = answers

    @property
    def accounts(self) -> frozenset[str]:
        return self._accounts

    async def as_of(self) -> LogPosition:
        return (await self._snapshot.events.state()).head

    async def positions(self) -> Sequence[Position]:
        """Open and closed positions, by their fills alone."""
        return await self._snapshot.positions.all(self._accounts)

    async def results(self, account: str, since: datetime | None) -> Sequence[RoundTripResult]:
        """The profit of an account's trades that ended since then."""
        return await self._snapshot.positions.results(account, since=since)

    async def fills_behind(
        self, key: PositionKey, until: datetime, *, size: int
    ) -> AsyncIterator[Sequence[Fill]]:
        """The fills of a position before then, in batches."""
        after = ""
        while batch := await self._snapshot.fills.behind(key, until, after=after, limit=size):
            yield batch
            after = batch[-1].id

    async def state_behind(self, key: PositionKey, until: datetime) -> FillState:
        return await self._snapshot.fills.state_behind(key, until)

    async def equity_keys(self, account: str) -> Sequence[EquityKey]:
        return await self._snapshot.equity.keys(account)

    async def equity_peak(self, key: EquityKey) -> EquityPoint | None:
        return await self._snapshot.equity.peak(key)

    async def last_equity(self, key: EquityKey) -> EquityPoint | None:
        return await self._snapshot.equity.last(key)

    async def equity_at(self, key: EquityKey, at: datetime) -> EquityPoint | None:
        """The last point recorded by then, or else the first point."""
        return await self._snapshot.equity.at(key, at)

    async def outside(self, account: str) -> Mapping[str, Decimal] | None:
        """At the last record, the amounts that no trade had brought (deposits, withdrawals)."""
        return await self._snapshot.equity.outside(account)

    async def equity(
        self, key: EquityKey, since: datetime | None, until: datetime | None
    ) -> Sequence[EquityPoint]:
        """The recorded points between two moments, the oldest first."""
        return await self._snapshot.equity.between(key, since, until)

    async def rules(self) -> Rules:
        return await self._snapshot.rules.read()

    async def bot(self) -> Bot:
        """The one bot, even if it trades on an account outside this view."""
        return await self._snapshot.bots.read()

    async def decisions(self, limit: int) -> Sequence[Decision]:
        """The bot's latest decisions, newest first."""
        return await self._snapshot.bots.decisions(self._accounts, limit)

    async def trades(
        self, sources: Iterable[OrderSource], day: datetime, hour: datetime
    ) -> TradeCounts:
        """Count the trades of all accounts, because they share one trading window."""
        return await self._snapshot.entries.trades(sources, day, hour)

    async def open_entries(self, account: str) -> Sequence[OpenEntry]:
        return await self._snapshot.entries.open(account)

    async def matching(self, wanted: OrderFilter) -> list[Order]:
        """All matching orders, oldest first, without paging: for the few that are open."""
        narrowed = replace(wanted, accounts=self._visible(wanted.accounts))
        return await self._snapshot.orders.matching(narrowed)

    async def count(self, wanted: OrderFilter) -> int:
        narrowed = replace(wanted, accounts=self._visible(wanted.accounts))
        return await self._snapshot.orders.count(narrowed)

    async def order(self, order_id: str) -> Order | None:
        return self._if_visible(await self._snapshot.orders.find(order_id))

    async def order_by_client_id(self, account: str, client_order_id: str) -> Order | None:
        found = await self._snapshot.orders.find_by_client_id(account, client_order_id)
        return self._if_visible(found)

    async def order_of_fill(self, order_id: str) -> Order:
        order = await self.order(order_id)
        if order is None:
            raise NotFound(f"fill without its order {order_id}")
        return order

    async def orders(self, wanted: OrderFilter, sort: OrderSort, request: PageRequest) -> OrderList:
        wanted = replace(wanted, accounts=self._visible(wanted.accounts))
        return OrderList(
            page=await self._snapshot.orders.page(wanted, sort, request),
            total_count=await self._snapshot.orders.count(wanted),
            as_of=await self.as_of(),
        )

    async def fill(self, fill_id: str) -> Fill | None:
        found = await self._snapshot.fills.find(fill_id)
        return found if found is not None and found.account in self._accounts else None

    async def fills(self, wanted: FillFilter, request: PageRequest) -> Page[Fill]:
        wanted = replace(wanted, accounts=self._visible(wanted.accounts))
        return await self._snapshot.fills.page(wanted, request)

    async def audit(self, request: PageRequest) -> Page[AuditEntry]:
        """A page of the whole audit log: only the operator may read it."""
        return await self._snapshot.audit.page(request)

    async def history(
        self, order: Order, *, after: LogPosition | None, size: int
    ) -> Page[LoggedEvent]:
        """The events of an order up to the revision of `order`, oldest first."""
        if after is not None and after.log != (await self._snapshot.events.state()).head.log:
            raise CursorInvalid("after is a cursor of another database", field=("after",))
        seq = 0 if after is None else after.seq
        found = await self._snapshot.events.of_order(
            order.id, after=seq, until_revision=order.revision, limit=size + 1
        )
        return Page(items=found[:size], has_next=len(found) > size, has_previous=seq > 0)

    def _if_visible(self, order: Order | None) -> Order | None:
        return order if order is not None and order.account in self._accounts else None

    def _visible(self, accounts: frozenset[str] | None) -> frozenset[str]:
        return self._accounts if accounts is None else accounts & self._accounts


class ViewService:
    """Opens views: at once for the product itself, in a line for its clients.

    A client's view counts as a place in the line until it is closed, so that the number of places
    also limits how many large queries are worked on at once.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._line = FairLine(places=VIEWERS, most_each=MOST_EACH)

    @property
    def waiting(self) -> int:
        """How many clients wait for a view."""
        return self._line.waiting

    @asynccontextmanager
    async def open(
        self, accounts: frozenset[str], answers: Answers = NOTHING_ASKED
    ) -> AsyncIterator[View]:
        """Open a view for the product's own work, which no client delays."""
        async with self._database.snapshot() as snapshot:
            yield View(snapshot, accounts, answers)

    @asynccontextmanager
    async def open_for(
        self, client: Hashable, accounts: frozenset[str], answers: Answers = NOTHING_ASKED
    ) -> AsyncIterator[View]:
        """Open a view for a client; raises RateLimited if too many of its views wait already."""
        await self._enter(client)
        try:
            async with self._database.client_snapshot() as snapshot:
                yield View(snapshot, accounts, answers)
        finally:
            self._line.leave(client)

    async def _enter(self, client: Hashable) -> None:
        if client is LIVE:
            await self._line.enter(client)
            return
        try:
            async with self._clock.timeout(PATIENCE_SECONDS):
                await self._line.enter(client, most_waiting=MOST_WAITING)
        except (LineFull, TimeoutError):
            raise RateLimited(
                f"more than {MOST_WAITING} of your queries wait, or one has waited for"
                f" {PATIENCE_SECONDS:g} s: send fewer at once",
                retry_after_seconds=1.0,
            ) from None
