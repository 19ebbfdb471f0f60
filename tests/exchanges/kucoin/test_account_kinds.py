"""Accounts of a kind that is not traded, and several accounts that share their markets."""

import asyncio

import pytest

from app.domain.accounts import Connectivity
from app.exchanges.ccxt.connection.sessions import MarketCache
from app.exchanges.ccxt.exchange import CcxtExchange
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.kucoin import KucoinRig, at_kucoin
from tests.support.exchanges.rigs import an_intent, key_of
from tests.support.exchanges.venue_rigs import opened, terms_for
from tests.support.venues.kucoin.venue import Venue
from tests.support.venues.serving.requests import RequestKind


@pytest.mark.parametrize(
    ("kind", "words"), [("unified", "unified"), ("low_frequency", "high-frequency")]
)
async def test_an_account_of_another_kind_is_not_connected_and_says_why(
    kind: str, words: str
) -> None:
    clock = ManualClock(START)
    venue = Venue(clock)
    getattr(venue.accounts, kind).add("main")
    async with opened(venue, clock) as desk, asyncio.timeout(5):
        while desk.gateway.connection.connectivity is not Connectivity.DISCONNECTED:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert words in (desk.gateway.connection.detail or "")
        assert any(words in problem for problem in (await desk.gateway.examine()).problems)
        assert venue.journal.count(RequestKind.CREATE_ORDER) == 0
        # It is tried again, in case the account was changed.
        getattr(venue.accounts, kind).clear()
        await clock.advance(1)
        await desk.gateway.opened.wait()


async def test_an_account_that_takes_over_the_markets_of_another_trades_like_it() -> None:
    clock = ManualClock(START)
    async with at_kucoin(clock) as desk:
        await desk.gateway.opened.wait()
        other = desk.venue.open_account("other", USDT=100_000)
        cache: MarketCache = desk.gateway._session._market_cache
        second = CcxtExchange(terms_for(desk.venue, other), clock, cache)
        running = asyncio.create_task(second.run())
        await second.opened.wait()
        await places_and_finds(second)
        assert len(desk.venue.orders(other)) == 1
        assert desk.venue.journal.count(RequestKind.UNKNOWN) == 0
        running.cancel()
        await asyncio.wait([running])


async def places_and_finds(gateway: CcxtExchange) -> None:
    intent = an_intent()
    await gateway.submit(intent)
    assert await gateway.find(key_of(intent)) is not None


async def test_nothing_is_asked_between_an_order_and_its_way_to_the_exchange(
    desk: KucoinRig,
) -> None:
    kinds = desk.venue.journal.count(RequestKind.ACCOUNT_KIND)
    asked = len(desk.venue.journal)
    await desk.gateway.submit(an_intent())
    assert desk.venue.journal.count(RequestKind.ACCOUNT_KIND) == kinds
    assert desk.venue.journal._entries[asked].kind is RequestKind.CREATE_ORDER
