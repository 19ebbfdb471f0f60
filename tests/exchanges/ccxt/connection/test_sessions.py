import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.accounts import Connectivity
from app.domain.orders.reports import OrderKey
from app.errors import ExchangeDoubt, ExchangeRejected, ExchangeUnavailable
from app.exchanges.ccxt.connection.request_queue import Pace
from app.exchanges.ccxt.connection.sessions import (
    BAN_AT_START_SECONDS,
    CLOSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    TIME_SYNC_SECONDS,
    CcxtSession,
    MarketCache,
)
from app.exchanges.ccxt.exchange import CcxtExchange
from tests.support.exchanges.ccxt import ORDER, TIME, WIRE, Rig, connected, rigged, terms_for
from tests.support.exchanges.ccxt_servers import (
    BALANCE,
    MARKET,
    Answer,
    hangs_up,
    says,
    serving,
    shows,
)
from tests.support.exchanges.rigs import a_limit

PATH = "/api/v3/order"
MARKETS = "/api/v3/exchangeInfo"
ACCOUNT = "/api/v3/account"
INTENT = a_limit(Decimal(100), wire_id=WIRE, amount=Decimal("0.3"))
KEY = OrderKey(symbol="BTC/USDT", wire_id=WIRE, exchange_order_id=None)


def state_of(rig: Rig) -> Connectivity:
    return rig.exchange.connection.connectivity


def words_of(rig: Rig) -> str:
    return rig.exchange.connection.detail or ""


async def fails_to_connect(rig: Rig) -> None:
    """Wait until an attempt has failed and the next one waits for the clock."""
    async with asyncio.timeout(10):
        while state_of(rig) is not Connectivity.DISCONNECTED:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await rig.clock.until_asleep()


async def opens(rig: Rig) -> None:
    async with asyncio.timeout(10):
        await rig.exchange.opened.wait()


async def test_an_exchange_that_is_down_at_start_is_tried_again_in_the_background() -> None:
    async with rigged() as rig:
        rig.server.on("GET", MARKETS, shows("down", 503))
        await fails_to_connect(rig)
        assert "out of service" in words_of(rig)
        with pytest.raises(ExchangeUnavailable):
            await rig.exchange.submit(INTENT)
        rig.server.on("GET", MARKETS, says({"symbols": [MARKET]}))
        await rig.clock.advance(1)
        await opens(rig)
        assert state_of(rig) is Connectivity.CONNECTED
        assert words_of(rig) == ""


async def test_a_wrong_key_is_said_in_words() -> None:
    async with rigged() as rig:
        rig.server.on("GET", ACCOUNT, says({"code": -2014, "msg": "API-key format invalid."}, 401))
        await fails_to_connect(rig)
        assert "API-key format invalid." in words_of(rig)
        assert "127.0.0.1" not in words_of(rig)


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"Retry-After": "40"}, 40.0), ({}, BAN_AT_START_SECONDS)]
)
async def test_a_ban_at_the_start_is_not_knocked_at(
    headers: dict[str, str], seconds: float
) -> None:
    async with rigged() as rig:
        banned = says({"code": -1003, "msg": "Too many requests."}, 418, **headers)
        rig.server.on("GET", MARKETS, banned)
        await fails_to_connect(rig)
        await rig.clock.advance(seconds - 1)
        assert len(rig.server.said("GET", MARKETS)) == 1
        rig.server.on("GET", MARKETS, says({"symbols": [MARKET]}))
        await rig.clock.advance(2)
        await opens(rig)


async def test_terms_that_cannot_be_used_are_said_whole() -> None:
    async with rigged(exchange="phemex") as rig:
        await fails_to_connect(rig)
        assert words_of(rig).startswith("live trading on phemex is not offered")
        assert words_of(rig).endswith("app/exchanges/ccxt/rows")


async def test_a_ban_is_kept_and_shown_and_ends_by_itself() -> None:
    async with connected() as rig:
        answer = says({"code": -1003, "msg": "Too many requests."}, 429, **{"Retry-After": "30"})
        rig.server.on("GET", ACCOUNT, answer)
        rig.server.on("POST", PATH, says(ORDER))
        with pytest.raises(ExchangeDoubt):
            await rig.exchange.balances()
        assert state_of(rig) is Connectivity.DEGRADED
        assert words_of(rig) == "the exchange asked for a pause of another 30 s"
        with pytest.raises(ExchangeUnavailable, match="another 30 s"):
            await rig.exchange.submit(INTENT)
        assert rig.server.said("POST", PATH) == []
        await rig.clock.advance(30)
        assert (await rig.exchange.submit(INTENT)).exchange_order_id == "28"
        assert "pause" not in words_of(rig).partition("RateLimitBan")[0]
        rig.server.on("GET", ACCOUNT, says(BALANCE))
        assert (await rig.exchange.balances())["BTC"].free == Decimal("0.5")


async def test_a_ban_in_answer_to_an_order_is_a_refusal_and_a_pause() -> None:
    async with connected() as rig:
        rig.server.on("POST", PATH, says({"code": -1003, "msg": "Too many orders."}, 429))
        with pytest.raises(ExchangeRejected, match="RATE_LIMITED"):
            await rig.exchange.submit(INTENT)
        assert state_of(rig) is Connectivity.DEGRADED


async def test_a_clock_that_is_off_is_set_right_at_once() -> None:
    async with connected() as rig:
        asked = len(rig.server.said("GET", "/api/v3/time"))
        rig.server.on("POST", PATH, says({"code": -1021, "msg": "Timestamp ahead."}, 400))
        arrived = asyncio.Event()
        rig.server.on("GET", "/api/v3/time", telling(arrived, says({"serverTime": TIME})))
        with pytest.raises(ExchangeRejected):
            await rig.exchange.submit(INTENT)
        async with asyncio.timeout(5):
            await arrived.wait()
        assert len(rig.server.said("GET", "/api/v3/time")) == asked + 1


async def test_the_time_is_compared_every_hour() -> None:
    async with connected() as rig:
        asked = len(rig.server.said("GET", "/api/v3/time"))
        await rig.clock.advance(TIME_SYNC_SECONDS)
        assert len(rig.server.said("GET", "/api/v3/time")) == asked + 1


async def test_our_time_is_the_exchanges() -> None:
    async with connected() as rig:
        rig.server.on("POST", PATH, says(ORDER))
        await rig.exchange.submit(INTENT)
        (sent,) = rig.server.said("POST", PATH)
        assert abs(int(sent["timestamp"]) - TIME) < 10_000


async def test_a_line_that_goes_dead_is_noticed_and_comes_back() -> None:
    async with connected() as rig:
        rig.server.on("GET", ACCOUNT, hangs_up)
        rig.server.on("GET", "/api/v3/time", hangs_up)
        for _ in range(3):
            with pytest.raises(ExchangeDoubt):
                await rig.exchange.balances()
        assert state_of(rig) is Connectivity.DISCONNECTED
        with pytest.raises(ExchangeUnavailable):
            await rig.exchange.submit(INTENT)
        assert rig.server.said("POST", PATH) == []
        arrived = asyncio.Event()
        rig.server.on("GET", "/api/v3/time", telling(arrived, says({"serverTime": TIME})))
        rig.server.on("GET", ACCOUNT, says(BALANCE))
        await rig.clock.advance(LONGEST_PAUSE_SECONDS)
        async with asyncio.timeout(5):
            await arrived.wait()
            while state_of(rig) is not Connectivity.CONNECTED:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


async def test_one_unanswered_question_is_shown_and_stops_no_order() -> None:
    async with connected() as rig:
        rig.server.on("GET", "/api/v3/time", hangs_up)
        rig.server.on("GET", ACCOUNT, hangs_up)
        rig.server.on("POST", PATH, says(ORDER))
        with pytest.raises(ExchangeDoubt):
            await rig.exchange.balances()
        assert state_of(rig) is Connectivity.DEGRADED
        assert (await rig.exchange.submit(INTENT)).exchange_order_id == "28"
        assert state_of(rig) is Connectivity.CONNECTED


async def test_on_the_real_client_a_cancel_passes_everything_that_waits() -> None:
    async with connected() as rig:
        rig.server.on("GET", "/api/v3/ticker/24hr", says({"symbol": "BTCUSDT"}))
        rig.server.on("DELETE", PATH, says(ORDER | {"status": "CANCELED"}))
        session = rig.exchange._session
        assert session._queue is not None
        session._queue._pace = Pace(seconds_per_cost=0.05)
        asking = [asyncio.create_task(rig.exchange.tickers(["BTC/USDT"])) for _ in range(500)]
        await rig.clock.advance(0.1)
        canceling = asyncio.create_task(rig.exchange.cancel(KEY))
        await arrives(rig, "DELETE")
        assert len(rig.server.said("GET", "/api/v3/ticker/24hr")) < 100
        for task in (*asking, canceling):
            task.cancel()
        await asyncio.wait((*asking, canceling))
        # The session itself may just be asking for something.
        async with asyncio.timeout(10):
            while len(session._queue):
                await rig.clock.advance(0.05)


async def test_accounts_of_one_exchange_share_one_set_of_markets() -> None:
    async with connected() as rig:
        shelf = rig.exchange._session._market_cache
        terms = terms_for(rig.server)
        other = CcxtExchange(terms, rig.clock, shelf)
        running = asyncio.create_task(other.run())
        async with asyncio.timeout(10):
            await other.opened.wait()
        assert len(rig.server.said("GET", MARKETS)) == 1
        mine, theirs = rig.exchange._session.client, other._session.client
        assert mine.markets is theirs.markets
        running.cancel()
        await asyncio.wait([running])


async def test_markets_of_another_address_are_another_set() -> None:
    async with serving() as one, serving() as two:
        assert terms_for(one).market_set != terms_for(two).market_set


async def test_closing_takes_no_longer_than_its_deadline() -> None:
    async with connected() as rig:
        session = CcxtSession(terms_for(rig.server), rig.clock, MarketCache(rig.clock))
        session._client = SimpleNamespace(close=asyncio.Event().wait)
        closing = asyncio.create_task(session.close())
        await rig.clock.advance(CLOSE_SECONDS)
        async with asyncio.timeout(5):
            await closing


async def arrives(rig: Rig, method: str) -> None:
    async with asyncio.timeout(5):
        while not any(one.method == method for one in rig.server.asked):  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def telling(arrived: asyncio.Event, answer: Answer) -> Answer:
    async def told(request: Any) -> Any:
        arrived.set()
        return await answer(request)

    return told
