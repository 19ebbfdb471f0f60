"""An exchange's streams: a pump for each, a watchdog over their sockets, and news for readers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import structlog

from app.domain.accounts import Connection, Connectivity
from app.domain.order_reports import OrderReport
from app.exchanges.ccxt_clients import CcxtTerms
from app.exchanges.ccxt_failures import Unreadable, words_of
from app.exchanges.ccxt_reports import news_of, trade_news_of
from app.exchanges.ccxt_sessions import CLOSE_SECONDS, CcxtSession
from app.exchanges.ccxt_terms import Row
from app.exchanges.news import NewsStand
from app.ports import Clock

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
POLL_SECONDS = 5.0
_LOOKS_PER_SILENCE = 4
_KEPT_NAMES = 10_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A stream of ccxt, and what to do with each row of it."""

    name: str
    watch: Callable[[], Awaitable[Sequence[Row]]]
    deliver: Callable[[Row], None]


class Pump:
    """One stream: takes what came, hands copies on, and asks again at once."""

    def __init__(self, source: Source, on_gap: Callable[[], None], clock: Clock) -> None:
        self.name = source.name
        self.failure: str | None = None
        self._source = source
        self._on_gap = on_gap
        self._clock = clock
        self._pause = FIRST_PAUSE_SECONDS

    async def run(self) -> None:
        while True:
            self.failure = await self._failure_of_listening()
            _log.warning("stream.broken", stream=self.name, why=self.failure)
            await self._clock.sleep(self._pause)
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            # What happened meanwhile is told by nobody: it has to be asked for.
            self._on_gap()

    async def _failure_of_listening(self) -> str:
        # ccxt cancels whatever waits for a socket that is closed; that must not end the pump.
        listening = asyncio.ensure_future(self._listen())
        try:
            await asyncio.wait([listening])
        finally:
            listening.cancel()
        if listening.cancelled():
            return "its socket was closed"
        error = listening.exception()
        return f"{type(error).__name__}: {words_of(error)}" if error else "it ended"

    async def _listen(self) -> None:
        while True:
            # The rows are ccxt's own and change under whoever keeps them.
            rows = [deepcopy(dict(row)) for row in await self._source.watch()]
            self.failure, self._pause = None, FIRST_PAUSE_SECONDS
            for row in rows:
                self._source.deliver(row)


class Watchdog:
    """Closes the sockets that have been silent for too long, so that they are opened anew."""

    def __init__(self, clock: Clock, *, silence_seconds: float) -> None:
        self._clock = clock
        self._silence_seconds = silence_seconds
        self._heard: dict[int, tuple[Any, datetime]] = {}

    async def run(self, client: Any) -> None:
        while True:
            await self._clock.sleep(self._silence_seconds / _LOOKS_PER_SILENCE)
            await self.look(client)

    async def look(self, client: Any) -> None:
        sockets = dict(client.clients)
        self._heard = {
            key: heard
            for key, heard in self._heard.items()
            if key in {id(socket) for socket in sockets.values()}
        }
        for address, socket in sockets.items():
            if self._is_silent(socket):
                _log.warning("stream.silent", seconds=self._silence_seconds)
                client.clients.pop(address, None)
                await self._close(socket)

    def _is_silent(self, socket: Any) -> bool:
        """By our own clock: how long its last message has been the same."""
        now = self._clock.now()
        message, since = self._heard.get(id(socket), (None, now))
        if id(socket) not in self._heard or message != socket.last_message_at:
            self._heard[id(socket)] = (socket.last_message_at, now)
            return False
        return (now - since).total_seconds() >= self._silence_seconds

    async def _close(self, socket: Any) -> None:
        try:
            async with self._clock.timeout(CLOSE_SECONDS):
                await socket.close()
        except Exception as error:  # noqa: BLE001 - a socket that cannot even be closed is let go
            _log.warning("stream.close_failed", error=repr(error))


class Owner(Protocol):
    """Whoever can be asked what the streams may have missed."""

    async def open_orders(self) -> Sequence[OrderReport]: ...

    def count(self, what: str, **facts: Any) -> None: ...


class Streams:
    """All streams of one account; where the exchange has none, its orders are polled."""

    def __init__(
        self, owner: Owner, session: CcxtSession, stand: NewsStand, terms: CcxtTerms, clock: Clock
    ) -> None:
        self._owner = owner
        self._session = session
        self._stand = stand
        self._terms = terms
        self._clock = clock
        self._pumps: list[Pump] = []
        self._wire_ids: dict[str, str] = {}
        self._gap = asyncio.Event()
        self.gaps = 0

    @property
    def connection(self) -> Connection:
        """The session's, or which stream is down while the rest is well."""
        connection = self._session.connection
        broken = next((pump for pump in self._pumps if pump.failure is not None), None)
        if broken is None or connection.connectivity is not Connectivity.CONNECTED:
            return connection
        detail = f"the stream of {broken.name} is interrupted: {broken.failure}"
        return Connection(connectivity=Connectivity.DEGRADED, detail=detail)

    async def gap(self) -> None:
        """Wait until something happened that no stream has told."""
        await self._gap.wait()
        self._gap.clear()

    async def run(self) -> None:
        """Listen as soon as there is a connection; the watchdog sees to it that it goes on."""
        await self._session.opened.wait()
        if not self._terms.has_keys:
            return
        self._note_gap()
        client = self._session.client
        self._pumps = [Pump(source, self._note_gap, self._clock) for source in self._sources()]
        watchdog = Watchdog(self._clock, silence_seconds=self._terms.watchdog_seconds)
        async with asyncio.TaskGroup() as tasks:
            for pump in self._pumps:
                tasks.create_task(pump.run())
            tasks.create_task(watchdog.run(client))

    def _sources(self) -> list[Source]:
        client = self._session.client
        if client.has.get("watchOrders") is not True:
            return [Source(name="orders", watch=self._poll, deliver=self._publish_order)]
        orders = Source(name="orders", watch=client.watch_orders, deliver=self._publish_order)
        if client.has.get("watchMyTrades") is not True:
            return [orders]
        trades = Source(name="trades", watch=client.watch_my_trades, deliver=self._publish_trade)
        return [orders, trades]

    async def _poll(self) -> Sequence[Row]:
        """The place of a stream where there is none: what is open, again and again."""
        await self._clock.sleep(POLL_SECONDS)
        for report in await self._owner.open_orders():
            self._stand.publish(report)
        return ()

    def _publish_order(self, row: Row) -> None:
        has_trades_beside = self._session.client.has.get("watchMyTrades") is True
        try:
            named = self._session.venue.named(row)
            report = news_of(named, now=self._clock.now(), has_trades_beside=has_trades_beside)
        except Unreadable as error:
            self._owner.count("order_unreadable", why=str(error))
        else:
            self._remember(report)
            self._stand.publish(report)

    def _remember(self, report: OrderReport) -> None:
        """Trades name their order by the exchange's id alone, which may not be known to us yet."""
        if report.wire_id is not None:
            self._wire_ids[report.exchange_order_id] = report.wire_id
        while len(self._wire_ids) > _KEPT_NAMES:
            del self._wire_ids[next(iter(self._wire_ids))]

    def _publish_trade(self, row: Row) -> None:
        try:
            report = trade_news_of(row, now=self._clock.now())
        except Unreadable as error:
            self._owner.count("trade_unreadable", why=str(error))
        else:
            wire_id = self._wire_ids.get(report.exchange_order_id)
            self._stand.publish(replace(report, wire_id=wire_id))

    def _note_gap(self) -> None:
        self.gaps += 1
        self._gap.set()
