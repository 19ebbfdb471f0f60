"""CcxtSession, one account's connection: opens in the background, queues calls, tracks health."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from typing import Any

import structlog

from app.domain.accounts import Connection, Connectivity
from app.domain.markets.markets import Market
from app.domain.order_kinds import PositionType
from app.domain.traffic import NO_TRAFFIC, Traffic
from app.errors import ExchangeUnavailable, OrderdeckError
from app.exchanges.ccxt.connection.calls import Call
from app.exchanges.ccxt.connection.clients import CcxtTerms, open_client
from app.exchanges.ccxt.connection.numbered_requests import send_in_turn
from app.exchanges.ccxt.connection.request_queue import Pace, RequestQueue
from app.exchanges.ccxt.mends.exchange_clocks import own_milliseconds
from app.exchanges.ccxt.parsing.failures import (
    failure_of_read,
    is_ban,
    is_clock_off,
    is_unanswered,
    key_words,
    was_never_sent,
    words_of,
)
from app.exchanges.ccxt.parsing.key_permissions import at
from app.exchanges.ccxt.parsing.markets import markets_of
from app.exchanges.ccxt.parsing.numbers import milliseconds, moment, positive
from app.exchanges.ccxt.rows.quirks import ExchangeQuirks
from app.ports import Clock
from app.primitives.backoff import Backoff
from app.primitives.once_per_key import OncePerKey
from app.primitives.priorities import Priority, priority_here

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 15.0
TIME_SYNC_SECONDS = 3600.0
CLOSE_SECONDS = 5.0
BAN_AT_START_SECONDS = 60.0
MARKETS_KEPT = timedelta(hours=1)
# How much may be sent at once after a pause, in ccxt's cost units.
_BURST_COST = 10.0
# The share of the caller's timeout that a request may wait in the queue before it is sent.
_PATIENCE_SHARE = 0.5
# What a time is at least if it is in milliseconds, and at most if it is in seconds.
_MILLISECONDS_FROM = 10**11
# Failed requests in a row after which the exchange counts as disconnected.
_CUT_OFF_AFTER = 3

_log = structlog.get_logger(__name__)


class MarketCache:
    """The markets of each exchange, loaded once for all accounts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._loaded: OncePerKey[str, tuple[Any, float]] = OncePerKey(
            lambda _, loaded: clock.elapsed() < loaded[1]
        )

    async def fill(self, client: Any, market_set: str) -> None:
        source, _ = await self._loaded.get(market_set, partial(self._load, client))
        if source is not client:
            client.set_markets_from_exchange(source)

    async def _load(self, client: Any) -> tuple[Any, float]:
        rows = await client.fetch_markets()
        # Thousands of rows take long enough to hold up everybody else on the event loop.
        await asyncio.to_thread(client.set_markets, rows)
        return client, self._clock.elapsed() + MARKETS_KEPT.total_seconds()


class CcxtSession:
    """One account's ccxt client: sends its calls and knows how well the exchange can be reached."""

    def __init__(self, terms: CcxtTerms, clock: Clock, market_cache: MarketCache) -> None:
        self.quirks = terms.quirks
        self._terms = terms
        self._clock = clock
        self._market_cache = market_cache
        self._client: Any = None
        self._queue: RequestQueue | None = None
        self._markets: Mapping[str, Market] = {}
        self.has_swaps = False
        # Whether the account takes the amount of a market buy in base currency.
        self.buys_in_base = True
        self._failure: str | None = None
        # Why the exchange refuses the key, until it accepts the key again.
        self._refused_key: str | None = None
        self._unanswered = 0
        self._is_cut_off = False
        self._asked_pause_seconds = 0.0
        # What the exchange's clock said last, and when that was in elapsed time.
        self._told_time: tuple[datetime, float] | None = None
        self._is_due = asyncio.Event()
        self.opened = asyncio.Event()

    @property
    def client(self) -> Any:
        """The genuine client; raises ExchangeUnavailable before it is open."""
        if not self.opened.is_set():
            raise ExchangeUnavailable(self.connection.detail or "the exchange is being connected")
        return self._client

    def exchange_time(self) -> datetime:
        """The exchange's clock, or ours before it has told its time.

        It is never ahead of the exchange, and as late as the answer that told it: some tell whole
        seconds. Steps of our own clock do not move it.
        """
        if self._told_time is None:
            return self._clock.now()
        told, at = self._told_time
        return told + timedelta(seconds=self._clock.elapsed() - at)

    @property
    def markets(self) -> Mapping[str, Market]:
        return self._markets

    @property
    def connection(self) -> Connection:
        words = self._failure
        if not self.opened.is_set():
            state = Connectivity.CONNECTING if words is None else Connectivity.DISCONNECTED
            return Connection(connectivity=state, detail=words)
        if self._is_cut_off:
            return Connection(connectivity=Connectivity.DISCONNECTED, detail=words)
        if self.banned_seconds:
            words = f"the exchange asked for a pause of another {self.banned_seconds:.0f} s"
        words = self._refused_key or words
        state = Connectivity.CONNECTED if words is None else Connectivity.DEGRADED
        is_pausing = self.banned_seconds > 0
        return Connection(connectivity=state, detail=words, is_pausing=is_pausing)

    @property
    def banned_seconds(self) -> float:
        """Seconds left of the pause that the exchange asked for."""
        return 0.0 if self._queue is None else self._queue.banned_seconds

    @property
    def traffic(self) -> Traffic:
        """What was asked so far."""
        return NO_TRAFFIC if self._queue is None else self._queue.traffic

    def require(self) -> None:
        """Raise ExchangeUnavailable if a request is known to be futile."""
        if self.client is not None and self._is_cut_off:
            raise ExchangeUnavailable(self._failure or "the exchange cannot be reached")

    async def ask(self, own_priority: Priority, call: Call) -> Any:
        """Make one call, once. Updates the connection state, and lets ccxt's exceptions pass."""
        method = getattr(self.client, call.method)
        assert self._queue is not None  # noqa: S101 - it is created with the client
        priority = priority_here(own_priority)
        try:
            patience = self._patience_seconds(priority)
            with self._queue.at(priority, kind=call.method, patience_seconds=patience):
                answer = await method(*call.arguments)
        except Exception as error:
            self._note_failure(error, needs_own_right=call.needs_own_right)
            raise
        finally:
            self._note_used_weight()
        if own_priority is not Priority.MARKET_DATA:
            self._refused_key = None
        self._note_answer()
        return answer

    def _patience_seconds(self, priority: Priority) -> float | None:
        """How long a trader's request may queue and still leave time for the response."""
        if not priority.is_urgent:
            return None
        return self._terms.timeout_seconds * _PATIENCE_SHARE

    async def run(self) -> None:
        """Connect, retrying for as long as it takes, and keep the connection healthy."""
        pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        while True:
            is_well = await (self._refresh() if self.opened.is_set() else self._open())
            if is_well:
                pauses.reset()
                await self._until_due()
            else:
                await self._clock.sleep(max(pauses.next(), self._asked_pause_seconds))

    async def close(self) -> None:
        """Close the client, within a deadline."""
        self.opened.clear()
        if self._client is None:
            return
        try:
            async with self._clock.timeout(CLOSE_SECONDS):
                await self._client.close()
        except Exception as error:  # noqa: BLE001 - a client that cannot be closed is abandoned
            _log.warning("exchange.close_failed", error=repr(error))
        self._client = None

    async def _open(self) -> bool:
        try:
            self._client = await open_client(self._terms)
            await self._prepare(self._client)
        except Exception as error:  # noqa: BLE001 - any failure is retried
            self._failure = _failure_words(error)
            self._asked_pause_seconds = self._pause_after(error)
            _log.warning("exchange.unreachable", exchange=self._terms.exchange, why=self._failure)
            await self.close()
            return False
        self._failure, self._asked_pause_seconds = None, 0.0
        self.opened.set()
        exchange, mode = self._terms.exchange, str(self._terms.mode)
        _log.info("exchange.connected", exchange=exchange, mode=mode, markets=len(self._markets))
        return True

    async def _prepare(self, client: Any) -> None:
        """Sync the clock, load the markets, and prove the keys with a private call."""
        pace = Pace(
            seconds_per_cost=client.rateLimit / 1000,
            burst_cost=_BURST_COST,
            urgent_burst_cost=self.quirks.urgent_burst_cost,
            order_burst_cost=self.quirks.order_burst_cost,
            weight_per_cost=self.quirks.weight_per_cost,
            counter_cost=self.quirks.counter_cost,
        )
        # It is kept when the connection is made anew: what was spent of the minute stays spent.
        self._queue = self._queue or RequestQueue(self._clock, pace)
        client.throttle = self._queue.admit
        if self.quirks.numbers_requests:
            send_in_turn(client, self._queue, self._clock)
        # Imported late: it needs aiohttp, which is loaded with ccxt and not before.
        import_module("app.exchanges.ccxt.connection.response_limits").bound_answers(client)
        await self._sync_time(client)
        await self._market_cache.fill(client, self._terms.market_set)
        self._update_markets(client)
        if self._terms.has_keys:
            await self._refuse_accounts(client)
            await client.fetch_balance()
            self.buys_in_base = await self._ask_whether_it_buys_in_base(client)

    async def _refuse_accounts(self, client: Any) -> None:
        """Raise ExchangeUnavailable for an account of a kind that is not traded."""
        for refused in self.quirks.refused_accounts:
            answer = await getattr(client, refused.method)()
            if at(answer, refused.path) == refused.value:
                raise ExchangeUnavailable(refused.words)

    async def _ask_whether_it_buys_in_base(self, client: Any) -> bool:
        method = self.quirks.buys_in_base_method
        return method is None or (await getattr(client, method)())[-1] is True

    async def _until_due(self) -> None:
        """Wait for an hour, or until something went wrong."""
        try:
            async with self._clock.timeout(TIME_SYNC_SECONDS):
                await self._is_due.wait()
        except TimeoutError:
            return

    async def _refresh(self) -> bool:
        self._is_due.clear()
        try:
            await self._sync_time(self._client)
            await self._market_cache.fill(self._client, self._terms.market_set)
        except Exception as error:  # noqa: BLE001 - it is recorded and retried
            self._note_failure(error)
            return False
        self._update_markets(self._client)
        self._note_answer()
        return True

    def _update_markets(self, client: Any) -> None:
        self._markets = markets_of(client, fees_in_quote=self.quirks.fees_in_quote)
        self.has_swaps = any(market.type is PositionType.SWAP for market in self._markets.values())

    async def _sync_time(self, client: Any) -> None:
        """Measure the exchange's clock, and let ccxt use it for the times in its requests."""
        if client.has.get("fetchTime") is not True:
            return
        told = moment(await client.fetch_time())
        if told is None:
            raise ExchangeUnavailable("the exchange does not tell its time")
        self._told_time = told, self._clock.elapsed()
        if not self.quirks.numbers_requests:
            client.options["timeDifference"] = own_milliseconds(client) - milliseconds(told)

    def _note_used_weight(self) -> None:
        """Take over the exchange's own count of the minute, where it tells it."""
        header = self.quirks.used_weight_header
        used = None if header is None else positive(_header(self._client, header))
        if used is not None and self._queue is not None:
            self._queue.budget.note_used(float(used) / self.quirks.weight_per_cost)

    def _pause_after(self, error: Exception) -> float:
        """How long to wait before reconnecting if the exchange banned us; otherwise 0."""
        if not is_ban(error):
            return 0.0
        return _retry_after(self._client, self.quirks) or BAN_AT_START_SECONDS

    def _note_answer(self) -> None:
        self._failure, self._unanswered, self._is_cut_off = None, 0, False
        assert self._queue is not None  # noqa: S101 - no response comes before it exists
        self._queue.forgive()

    def _note_failure(self, error: Exception, *, needs_own_right: bool = False) -> None:
        """Update the connection state from a failure; a plain rejection does not change it."""
        assert self._queue is not None  # noqa: S101 - no call fails before it exists
        if not needs_own_right:
            self._refused_key = key_words(error) or self._refused_key
        if is_ban(error):
            self._queue.ban(_retry_after(self._client, self.quirks))
        if is_clock_off(error) or (
            self.quirks.error_codes.clock_looks_like_key and key_words(error) is not None
        ):
            self._is_due.set()
        if was_never_sent(error):
            self._failure, self._is_cut_off = "no connection to the exchange can be made", True
            self._is_due.set()
        elif is_unanswered(error):
            self._is_due.set()
            self._unanswered += 1
            self._failure = f"the exchange did not answer: {words_of(error)}"
            self._is_cut_off = self._unanswered >= _CUT_OFF_AFTER


def _failure_words(error: Exception) -> str:
    return key_words(error) or str(
        error if isinstance(error, OrderdeckError) else failure_of_read(error)
    )


def _retry_after(client: Any, quirks: ExchangeQuirks) -> float | None:
    """The pause in seconds that the last response asked for; None if it names none."""
    seconds = positive(_header(client, "retry-after"))
    if seconds is not None:
        return float(seconds)
    left_name, reset_name = quirks.limit_left_header, quirks.limit_reset_header
    left_ms = None if left_name is None else positive(_header(client, left_name))
    if left_ms is not None:
        return float(left_ms) / 1000
    reset = None if reset_name is None else positive(_header(client, reset_name))
    # Times in seconds are small numbers.
    told = 0.0 if reset is None else float(reset) * (1 if reset >= _MILLISECONDS_FROM else 1000)
    left = (told - client.nonce()) / 1000 if told else 0.0
    return left if left > 0 else None


def _header(client: Any, name: str) -> object:
    """A header of the last response, whatever its case."""
    headers = client.last_response_headers or {}
    return next((value for key, value in headers.items() if key.lower() == name), None)
