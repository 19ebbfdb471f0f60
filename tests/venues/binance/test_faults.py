"""What ccxt raises when a request goes wrong, and whether the order was placed nevertheless."""

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.binance.api import faults as binance_faults
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.requests import RequestKind
from tests.venues.binance.conftest import Connect

NAME = {"clientOrderId": "k1"}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was measured: the very class that was raised, its cause, and the truth."""

    fault: AnyFault
    error: type[BaseException]
    cause: type[BaseException] | None = None
    is_placed: bool = False


MEASURED = {
    "cut before": Seen(
        fault=faults.CUT,
        error=ccxt.ExchangeNotAvailable,
        cause=aiohttp.ServerDisconnectedError,
    ),
    "cut after": Seen(
        fault=faults.CUT.after_acceptance(),
        error=ccxt.ExchangeNotAvailable,
        cause=aiohttp.ServerDisconnectedError,
        is_placed=True,
    ),
    "cut short": Seen(
        fault=faults.CUT_SHORT,
        error=ccxt.ExchangeError,
        cause=aiohttp.ClientPayloadError,
        is_placed=True,
    ),
    "429": Seen(fault=binance_faults.TOO_MANY, error=ccxt.DDoSProtection),
    "418": Seen(fault=binance_faults.BANNED, error=ccxt.DDoSProtection),
    "403": Seen(fault=faults.FORBIDDEN, error=ccxt.ExchangeNotAvailable),
    "500 before": Seen(fault=faults.INTERNAL_ERROR, error=ccxt.ExchangeNotAvailable),
    "500 after": Seen(
        fault=faults.INTERNAL_ERROR.after_acceptance(),
        error=ccxt.ExchangeNotAvailable,
        is_placed=True,
    ),
    "502": Seen(
        fault=faults.BAD_GATEWAY.after_acceptance(),
        error=ccxt.ExchangeNotAvailable,
        is_placed=True,
    ),
    "503": Seen(fault=faults.UNAVAILABLE, error=ccxt.ExchangeNotAvailable),
    "504": Seen(
        fault=faults.GATEWAY_TIMEOUT.after_acceptance(),
        error=ccxt.RequestTimeout,
        is_placed=True,
    ),
    "-1007 before": Seen(fault=binance_faults.UNKNOWN_OUTCOME, error=ccxt.RequestTimeout),
    "-1007 after": Seen(
        fault=binance_faults.UNKNOWN_OUTCOME.after_acceptance(),
        error=ccxt.RequestTimeout,
        is_placed=True,
    ),
    "-1006 after": Seen(
        fault=binance_faults.UNEXPECTED_RESPONSE.after_acceptance(),
        error=ccxt.OperationFailed,
        is_placed=True,
    ),
    "-1008": Seen(fault=binance_faults.OVERLOADED, error=ccxt.ExchangeError),
    "-1021": Seen(fault=binance_faults.LATE, error=ccxt.InvalidNonce),
    "maintenance": Seen(fault=binance_faults.MAINTENANCE, error=ccxt.OnMaintenance),
}


async def place(client: ccxt.pro.binance) -> dict[str, Any]:
    order: dict[str, Any] = await client.create_order(
        "BTC/USDT", "limit", "buy", "0.1", "40000", NAME
    )
    return order


@pytest.mark.parametrize("seen", MEASURED.values(), ids=MEASURED)
async def test_a_fault_shows_the_error_that_was_measured(
    client: ccxt.pro.binance, venue: Venue, account: Account, seen: Seen
) -> None:
    venue.faults.on(RequestKind.CREATE_ORDER, seen.fault)
    with pytest.raises(ccxt.BaseError) as raised:
        await place(client)
    assert type(raised.value) is seen.error
    cause = raised.value.__cause__
    assert (type(cause) if cause else None) is seen.cause
    assert bool(venue.orders(account)) is seen.is_placed
    assert venue.journal.sent_orders() == ["k1"]


UNREADABLE = {"html": faults.HTML, "empty": faults.EMPTY}


@pytest.mark.parametrize("fault", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_unreadable_success_is_an_order_without_an_id(
    client: ccxt.pro.binance, venue: Venue, fault: faults.Fault
) -> None:
    venue.faults.on(RequestKind.CREATE_ORDER, fault.after_acceptance())
    order = await place(client)
    assert (order["id"], order["status"]) == (None, None)
    assert venue.order("k1").status == "NEW"


async def test_fifty_megabytes_are_an_order_without_an_id(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    venue.faults.on(RequestKind.CREATE_ORDER, faults.huge().after_acceptance())
    order = await place(client)
    assert len(order["info"]["padding"]) == 50 * 1024 * 1024
    assert (order["id"], venue.order("k1").status) == (None, "NEW")


async def test_silence_is_a_timeout(connect: Connect, venue: Venue, account: Account) -> None:
    client = await connect(account, timeout=150)
    venue.faults.on(RequestKind.CREATE_ORDER, faults.SILENCE.after_acceptance())
    with pytest.raises(ccxt.RequestTimeout) as raised:
        await place(client)
    assert isinstance(raised.value.__cause__, TimeoutError)
    assert venue.order("k1").status == "NEW"


async def test_a_port_that_nobody_serves_was_surely_never_asked(
    connect: Connect, venue: Venue, account: Account
) -> None:
    client = await connect(account)
    client.urls["api"]["private"] = "http://127.0.0.1:1/api/v3"
    with pytest.raises(ccxt.ExchangeNotAvailable) as raised:
        await place(client)
    assert isinstance(raised.value.__cause__, aiohttp.ClientConnectorError)
    assert venue.journal.sent_orders() == []


async def test_an_answer_may_lack_fields_or_be_absurd(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await place(client)
    venue.faults.on(RequestKind.FETCH_ORDER, faults.without("status", "executedQty"))
    venue.faults.on(RequestKind.FETCH_ORDER, faults.with_(executedQty="1e400", status="DANCING"))
    bare = await client.fetch_order(None, "BTC/USDT", NAME)
    absurd = await client.fetch_order(None, "BTC/USDT", NAME)
    assert (bare["id"], bare["status"], bare["filled"]) == (str(venue.order("k1").id), None, "0")
    assert (absurd["status"], absurd["filled"]) == ("DANCING", "1e400")


async def test_a_ban_says_how_long_it_lasts(client: ccxt.pro.binance, venue: Venue) -> None:
    venue.faults.on(RequestKind.ACCOUNT, binance_faults.too_many(retry_after=33))
    with pytest.raises(ccxt.DDoSProtection, match=r"429.*-1003"):
        await client.fetch_balance()
    assert client.last_response_headers["Retry-After"] == "33"


async def test_a_slow_answer_arrives_when_its_time_has_come(
    client: ccxt.pro.binance, venue: Venue, clock: ManualClock
) -> None:
    venue.faults.on(RequestKind.CREATE_ORDER, faults.delay(clock, 3).after_acceptance())
    placing = asyncio.create_task(place(client))
    await clock.until_asleep()
    assert venue.order("k1").status == "NEW"
    assert not placing.done()
    await clock.advance(3)
    assert (await placing)["status"] == "open"


async def test_a_delayed_request_is_refused_by_its_old_timestamp(
    client: ccxt.pro.binance, venue: Venue, clock: ManualClock, account: Account
) -> None:
    venue.faults.on(RequestKind.CREATE_ORDER, faults.delay(clock, 11))
    placing = asyncio.create_task(place(client))
    await clock.until_asleep()
    await clock.advance(11)
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await placing
    assert venue.orders(account) == []


async def test_a_fault_lasts_as_long_as_it_was_told(client: ccxt.pro.binance, venue: Venue) -> None:
    venue.faults.on(RequestKind.TIME, faults.BAD_GATEWAY, times=2)
    for _ in range(2):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await client.fetch_time()
    assert await client.fetch_time() == venue.now()
    venue.faults.everywhere(faults.BAD_GATEWAY)
    for _ in range(3):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await client.fetch_balance()
    venue.faults.off()
    assert await client.fetch_time() == venue.now()


async def test_a_lost_answer_to_a_cancel_is_repeated_and_then_unknown(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await place(client)
    venue.faults.on(RequestKind.CANCEL_ORDER, faults.CUT.after_acceptance())
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order(None, "BTC/USDT", NAME)
    assert venue.journal.count(RequestKind.CANCEL_ORDER) == 2
    assert venue.order("k1").status == "CANCELED"


async def test_an_order_whose_answer_was_lost_is_found_by_its_id(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    venue.faults.on(RequestKind.CREATE_ORDER, faults.CUT.after_acceptance())
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await place(client)
    found = await client.fetch_order(None, "BTC/USDT", NAME)
    assert (found["id"], found["status"]) == (str(venue.order("k1").id), "open")


async def test_a_lookup_that_was_cut_is_repeated_unseen(
    client: ccxt.pro.binance, venue: Venue
) -> None:
    await place(client)
    venue.faults.on(RequestKind.FETCH_ORDER, faults.CUT)
    assert (await client.fetch_order(None, "BTC/USDT", NAME))["status"] == "open"
    assert venue.journal.count(RequestKind.FETCH_ORDER) == 2
