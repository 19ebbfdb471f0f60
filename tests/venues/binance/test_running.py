"""Starting and ending: nothing is left behind, nothing goes unnoticed."""

import asyncio
import json
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from app.clocks import SystemClock
from tests.support.clock import ManualClock
from tests.support.venues.binance.running import running_venue
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind
from tests.venues.binance.conftest import UNHURRIED


async def test_nothing_is_left_of_open_sockets_and_unanswered_requests(clock: ManualClock) -> None:
    before = asyncio.all_tasks()
    async with asyncio.timeout(5), aiohttp.ClientSession() as session:
        async with running_venue(clock, patience_seconds=60) as venue:
            venue.faults.on(RequestKind.TIME, faults.SILENCE)
            prices = await session.ws_connect(f"ws://{venue.address}/stream/ws/0")
            news = await session.ws_connect(f"ws://{venue.address}/ws-api/v3")
            asking = asyncio.create_task(_ask(session, f"http://{venue.address}/api/v3/time"))
            await venue.journal.until(RequestKind.TIME)
        with pytest.raises(aiohttp.ClientConnectionError):
            await asking
        for socket in (prices, news):
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSED
    assert asyncio.all_tasks() == before
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(*venue.address.split(":"))


async def test_a_crash_of_the_exchange_fails_the_test(clock: ManualClock) -> None:
    running = running_venue(clock)
    venue = await running.__aenter__()
    del venue.matching.tapes["BTCUSDT"]
    async with aiohttp.ClientSession() as session:
        answer = await session.get(f"http://{venue.address}/api/v3/depth?symbol=BTCUSDT")
    assert answer.status == 500
    with pytest.raises(ExceptionGroup) as raised:
        await running.__aexit__(None, None, None)
    assert [str(crash) for crash in raised.value.exceptions] == ["'BTCUSDT'"]


async def test_plain_settings_do_for_a_clock_that_keeps_real_time() -> None:
    async with running_venue(SystemClock()) as venue:
        account = venue.open_account("main", USDT=100)
        settings = json.loads(json.dumps(venue.ccxt_settings(account)))
        client = ccxt.pro.binance(settings | UNHURRIED | {"number": str})
        try:
            assert (await client.fetch_balance())["USDT"]["total"] == "100"
        finally:
            await client.close()


async def test_two_exchanges_know_nothing_of_each_other(clock: ManualClock) -> None:
    async with running_venue(clock) as one, running_venue(clock) as other:
        one.move("BTCUSDT", 60_000)
        async with aiohttp.ClientSession() as session:
            page = await _ask(session, f"http://{other.address}/api/v3/ticker/24hr?symbol=BTCUSDT")
    assert one.address != other.address
    assert page["lastPrice"] == "50000.00000000"


async def _ask(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        return json.loads(await response.text())


async def test_a_delayed_request_holds_up_the_end_no_longer_than_patience(
    clock: ManualClock,
) -> None:
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as session:
        async with running_venue(clock, patience_seconds=0.01) as venue:
            venue.faults.on(RequestKind.TIME, faults.delay(clock, 60))
            asking = asyncio.create_task(_ask(session, f"http://{venue.address}/api/v3/time"))
            await clock.until_asleep()
        with pytest.raises(aiohttp.ClientConnectionError):
            await asking
    assert asyncio.all_tasks() == before
