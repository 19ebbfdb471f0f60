"""AccountStreams: reads an account's order and trade streams, and catches up after gaps."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from app.domain.accounts import Connection, Connectivity
from app.domain.orders.reports import OrderKey, OrderReport
from app.errors import ExchangeDoubt, ExchangeError
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import CcxtSession
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.order_reports import (
    has_mixed_fees,
    news_of,
    report_of,
    trade_news_of,
)
from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.streams.last_seen_orders import LastSeenOrders
from app.exchanges.ccxt.streams.stream_reader import StreamReader, StreamSource, Watch
from app.exchanges.ccxt.streams.trade_lookups import TradeLookups
from app.exchanges.ccxt.streams.unheard_orders import UnheardOrders
from app.exchanges.ccxt.streams.watchdog import Watchdog
from app.exchanges.news import NewsBroadcast
from app.ports import Clock

POLL_SECONDS = 5.0
# How long a stream may lag behind the exchange's answers before it counts as deaf.
LAG_SECONDS = 2.0
_CHECKS_PER_SILENCE = 3
# For how many checks a listing by somebody else stands in.
_LISTINGS_TO_SKIP = 2

_log = structlog.get_logger(__name__)


class OrderReader(Protocol):
    """Requests for the orders that the streams may have missed."""

    async def list_open(self) -> Sequence[OrderReport]: ...

    async def find(self, key: OrderKey) -> OrderReport | None: ...

    def count(self, what: str, **facts: Any) -> None: ...


class AccountStreams:
    """All streams of one account; an exchange without order streams is polled."""

    def __init__(
        self,
        orders: OrderReader,
        session: CcxtSession,
        news: NewsBroadcast,
        terms: CcxtTerms,
        clock: Clock,
    ) -> None:
        self._orders = orders
        self._session = session
        self._news = news
        self._terms = terms
        self._clock = clock
        self._watchdog = Watchdog(clock, silence_seconds=terms.watchdog_seconds)
        self._readers: list[StreamReader] = []
        self._last_seen = LastSeenOrders()
        self._trade_lookups = TradeLookups(
            orders.find, self._publish_found, self._publish_incomplete, clock
        )
        self._unheard = UnheardOrders(clock)
        self._heard = 0
        # When somebody else last listed the open orders, and whether that showed unheard changes.
        self._listed_at: float | None = None
        self._has_missed = False
        # Each gap sets both: _behind for our own catch-up, _gap for the full reconciliation.
        self._gap, self._behind = asyncio.Event(), asyncio.Event()
        self.gaps = 0

    @property
    def connection(self) -> Connection:
        """The session's connection, or DEGRADED if the session is well and a stream is down."""
        connection = self._session.connection
        broken = next((reader for reader in self._readers if reader.failure is not None), None)
        if broken is None or connection.connectivity is not Connectivity.CONNECTED:
            return connection
        detail = f"the stream of {broken.name} is interrupted: {broken.failure}"
        return Connection(connectivity=Connectivity.DEGRADED, detail=detail)

    async def gap(self) -> None:
        """Wait until something may have happened that no stream reported."""
        await self._gap.wait()
        self._gap.clear()

    async def run(self) -> None:
        """Read the streams once connected; streams that fall silent are reopened."""
        await self._session.opened.wait()
        client = self._session.client
        if not self._terms.has_keys:
            await self._watchdog.run(client)
            return
        self._gap.set()
        self._readers = [
            StreamReader(source, self._note_gap, self._clock) for source in self._sources()
        ]
        async with asyncio.TaskGroup() as tasks:
            for reader in self._readers:
                tasks.create_task(reader.run())
            tasks.create_task(self._catch_up())
            tasks.create_task(self._trade_lookups.run())
            tasks.create_task(self._watchdog.run(client))
            if self._is_streaming:
                tasks.create_task(self._check_hearing(client))
                tasks.create_task(self._look_up_unheard())

    def note_accepted(self, report: OrderReport) -> None:
        """An order was accepted: the stream reports it soon, or it is looked up."""
        self.note(report)
        if self._is_streaming and report.status.is_open:
            self._unheard.expect(report)

    def note(self, report: OrderReport) -> bool:
        """Remember an order's state; returns whether it differs from the last one seen."""
        return self._last_seen.note(report)

    def note_listing(self, reports: Sequence[OrderReport]) -> None:
        """Somebody has listed the open orders, and will look up those that are gone by himself."""
        changes = [self.note(report) for report in reports]
        gone = self._last_seen.missing(reports)
        for key in gone:
            self._last_seen.forget(key)
        self._has_missed |= any(changes) or bool(gone)
        self._listed_at = self._clock.elapsed()

    @property
    def _is_streaming(self) -> bool:
        return self._session.client.has.get("watchOrders") is True

    @property
    def _streams_trades(self) -> bool:
        return self._session.client.has.get("watchMyTrades") is True

    def _sources(self) -> list[StreamSource]:
        client = self._session.client
        if not self._is_streaming:
            return [self._source("orders", self._poll, self._publish_order)]
        orders = self._source("orders", client.watch_orders, self._publish_order)
        if not self._streams_trades:
            return [orders]
        return [orders, self._source("trades", client.watch_my_trades, self._publish_trade)]

    def _source(self, name: str, watch: Watch, deliver: Callable[[Row], None]) -> StreamSource:
        return StreamSource(
            name=name, watch=watch, deliver=deliver, banned_seconds=self._banned_seconds
        )

    def _banned_seconds(self) -> float:
        return self._session.banned_seconds

    async def _poll(self) -> Sequence[Row]:
        """Stands in for a missing stream: polls all open orders."""
        await self._clock.sleep(POLL_SECONDS)
        await self._refresh_all()
        return ()

    def _publish_order(self, row: Row) -> None:
        self._heard += 1
        now = self._clock.now()
        try:
            named = self._session.quirks.named(row)
            # The trades come beside it or are asked for, with their fees.
            report = news_of(named, now=now, has_trades_beside=True)
        except Unreadable as error:
            self._orders.count("order_unreadable", why=str(error))
        else:
            self._unheard.heard(report.name)
            whole = report_of(named, now=now)
            self.note(whole)
            self._news.publish(report)
            if whole.filled and not self._streams_trades:
                self._trade_lookups.ask_for(whole)

    def _publish_trade(self, row: Row) -> None:
        self._heard += 1
        if has_mixed_fees(row):
            self._orders.count("fee_in_several_currencies")
        try:
            quirks, now = self._session.quirks, self._clock.now()
            negated = quirks.streams_fees_negated
            report = trade_news_of(quirks.traded(row), now=now, are_fees_negated=negated)
        except Unreadable as error:
            self._orders.count("trade_unreadable", why=str(error))
        else:
            self._unheard.heard(report.name)
            wire_id = self._last_seen.wire_id(report.name)
            told = replace(report, wire_id=wire_id)
            publish = self._news.publish if quirks.streams_fees else self._trade_lookups.ask_for
            publish(told)

    def _publish_found(self, report: OrderReport) -> None:
        self.note(report)
        self._news.publish(report)

    def _publish_incomplete(self, report: OrderReport) -> None:
        """A fill is a fact; its trades or its fee come with the comparison."""
        self._news.publish(report)
        self._note_gap()

    def _note_gap(self) -> None:
        self.gaps += 1
        self._gap.set()
        self._behind.set()

    async def _catch_up(self) -> None:
        """After each gap, publish the state of all orders that are open, or were when last seen."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            try:
                await self._refresh_all()
            except ExchangeError as error:
                _log.info("stream.catching_up_failed", error=repr(error))
                await self._clock.sleep(max(POLL_SECONDS, self._session.banned_seconds))
                self._behind.set()

    async def _look_up_unheard(self) -> None:
        """Report what became of orders that were accepted before the stream could report them."""
        while True:
            for key in await self._unheard.overdue():
                try:
                    await self._refresh_one(key)
                except ExchangeError as error:
                    _log.info("stream.look_up_failed", error=repr(error))

    async def _check_hearing(self, client: Any) -> None:
        """Verify silent streams by request; if they missed a change, drop the sockets."""
        pause = self._terms.watchdog_seconds / _CHECKS_PER_SILENCE
        while True:
            heard, self._has_missed = self._heard, False
            await self._clock.sleep(pause)
            if self._heard != heard:
                continue
            try:
                has_missed = self._has_missed or await self._has_moved(pause)
            except ExchangeError as error:
                _log.info("stream.check_failed", error=repr(error))
                continue
            if has_missed:
                await self._clock.sleep(LAG_SECONDS)
                if self._heard == heard:
                    await self._watchdog.drop_all(client, "it did not tell what happened")

    async def _has_moved(self, pause: float) -> bool:
        """Whether an open order has changed; not asked again if somebody listed them of late."""
        is_listed = self._listed_at is not None and (
            self._clock.elapsed() - self._listed_at < _LISTINGS_TO_SKIP * pause
        )
        return False if is_listed or not len(self._last_seen) else await self._refresh_all()

    async def _refresh_all(self) -> bool:
        """Publish every order that is open or was; returns whether any had changed unnoticed."""
        reports = await self._orders.list_open()
        has_moved = False
        for report in reports:
            self._news.publish(report)
            has_moved |= self.note(report)
        for key in self._last_seen.missing(reports):
            has_moved |= await self._refresh_one(key)
        return has_moved

    async def _refresh_one(self, key: OrderKey) -> bool:
        """Look an order up and publish what became of it, with its trades."""
        try:
            report = await self._orders.find(key)
        except ExchangeDoubt as error:
            # An order that cannot be looked up does not hold up the others.
            self._orders.count("order_unanswered", why=str(error))
            return False
        if report is None:
            self._last_seen.forget(key)
            return False
        self._news.publish(report)
        return self.note(report)
