"""Prices of a real exchange, over the genuine ccxt, as a client of the API watches them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.runtime import Parts
from tests.api.conftest import Api, running, settings_of
from tests.api.portfolio.test_prices import CANDLES, WATCH_TICKERS
from tests.support.api.clients import PATIENCE_SECONDS, Data, Socket
from tests.support.clock import ManualClock
from tests.support.venues.binance.running import running_venue
from tests.support.venues.binance.venue import Venue
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

CAPABILITIES = "{ accounts { name connectivity capabilities { streamingTickers } } }"
WATCH = WATCH_TICKERS.replace("symbols: $symbols", "symbols: $symbols, account: $account").replace(
    "$symbols: [String!]!", "$symbols: [String!]!, $account: String"
)
BTC = "BTC/USDT"


@pytest.fixture
async def venue(clock: ManualClock) -> AsyncIterator[Venue]:
    async with running_venue(clock) as venue:
        yield venue


@pytest.fixture
async def api(
    venue: Venue, sqlite_url: str, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Api]:
    """An account that trades there, and another on paper at its prices."""
    account = venue.open_account("main", USDT=100_000)
    told = venue.ccxt_settings(account)
    keys = {"API_KEY": told.pop("apiKey"), "SECRET": told.pop("secret")}
    main = {"EXCHANGE": "binance", "MODE": "live", "CCXT": json.dumps(told), **keys}
    sim = {"EXCHANGE": "binance", "MODE": "paper", "CCXT": json.dumps(told)}
    environ = {f"accounts__main__{name}": value for name, value in main.items()}
    environ |= {f"accounts__sim__{name}": value for name, value in sim.items()}
    settings = settings_of(sqlite_url, tmp_path, **environ)
    for one in settings.accounts.values():
        one.ccxt.update(milliseconds=venue.now, rateLimit=0)
    async with running(settings, Parts(clock=clock)) as api:
        await until_connected(api, clock)
        yield api


async def until_connected(api: Api, clock: ManualClock) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(
            one["connectivity"] != "CONNECTED"
            for one in (await api.client().ask(CAPABILITIES))["accounts"]
        ):
            await clock.advance(0.25)


@asynccontextmanager
async def watching(api: Api, *, times: int = 1, account: str = "main") -> AsyncIterator[Socket]:
    async with api.socket() as socket:
        await socket.init(api.token)
        for number in range(times):
            await socket.subscribe(str(number), WATCH, symbols=[BTC], account=account)
            assert (await socket.hear_data(str(number)))["tickerUpdates"]["last"] == "50000"
        yield socket


async def until_listened(venue: Venue, dials: int = 1) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (  # noqa: ASYNC110 - nothing tells of it
            topics(venue) != ["btcusdt@ticker"] or venue.market_streams.sockets.dials < dials
        ):
            await asyncio.sleep(0.0005)


def topics(venue: Venue) -> list[str]:
    return [name for one in venue.market_streams.sockets.open for name in one.topics]


async def until_heard(socket: Socket, clock: ManualClock, **wanted: object) -> Data:
    """Let time pass until a ticker like this is told."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            hearing = asyncio.ensure_future(socket.hear_data("0"))
            while not hearing.done():
                await clock.advance(2)
                await asyncio.wait([hearing], timeout=0.001)
            ticker: Data = hearing.result()["tickerUpdates"]
            if all(ticker[name] == value for name, value in wanted.items()):
                return ticker


async def test_both_accounts_say_that_tickers_are_streamed(api: Api) -> None:
    told = (await api.client().ask(CAPABILITIES))["accounts"]
    assert [one["capabilities"] for one in told] == [{"streamingTickers": True}] * 2


async def test_all_who_watch_through_any_account_share_one_subscription(
    api: Api, venue: Venue
) -> None:
    async with watching(api, times=50) as socket, watching(api, account="sim") as other:
        await until_listened(venue)
        venue.move("BTCUSDT", 50_100)
        heard = [await socket.hear() for _ in range(50)]
        lasts = [one["payload"]["data"]["tickerUpdates"]["last"] for one in heard]
        assert lasts == ["50100"] * 50
        told = (await other.hear_data("0"))["tickerUpdates"]
        assert (told["last"], told["bid"], told["ask"]) == ("50100", "50099.99", "50100")
        assert told["account"] == {"name": "sim"}
        assert topics(venue) == ["btcusdt@ticker"]


async def test_a_stream_ends_some_time_after_the_last_who_watched(
    api: Api, venue: Venue, clock: ManualClock
) -> None:
    async with watching(api):
        await until_listened(venue)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while topics(venue):
            await clock.advance(1)


async def test_a_silent_exchange_is_told_as_stale_and_its_return_as_fresh(
    api: Api, venue: Venue, clock: ManualClock
) -> None:
    async with watching(api) as socket:
        await until_listened(venue)
        venue.faults.on(RequestKind.TICKER, faults.CUT, times=None)
        venue.market_streams.sockets.is_refusing = True
        venue.market_streams.sockets.fall_silent()
        await clock.advance(28)
        stale = await until_heard(socket, clock, stale=True)
        assert stale["last"] == "50000"
        asked = await api.client().ask(
            f'{{ ticker(symbol: "{BTC}", account: "main") {{ last stale }} }}'
        )
        assert asked["ticker"] == {"last": "50000", "stale": True}
        venue.faults.off()
        venue.market_streams.sockets.is_refusing = False
        venue.move("BTCUSDT", 51_000)
        await until_heard(socket, clock, last="51000", stale=False)


async def test_a_cut_stream_comes_back_by_itself(
    api: Api, venue: Venue, clock: ManualClock
) -> None:
    async with watching(api) as socket:
        await until_listened(venue)
        venue.market_streams.sockets.cut()
        venue.move("BTCUSDT", 52_000)
        await until_heard(socket, clock, last="52000", stale=False)
        await until_listened(venue, dials=2)


async def test_the_candles_are_the_exchange_s_own(api: Api, venue: Venue) -> None:
    venue.move("BTCUSDT", "50100.07", amount="0.3")
    asked = CANDLES.replace("limit: $limit", 'limit: $limit, account: "sim"')
    [candle] = (await api.client().ask(asked, symbol=BTC, limit=5))["candles"]
    assert (candle["high"], candle["volume"], candle["isClosed"]) == ("50100.07", "1.3", False)
