"""How the exchange says no, and what ccxt makes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind
from tests.venues.binance.conftest import Connect

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
TERMS = {"quantity": "0.1", "price": "40000"}
REFUSED: list[tuple[dict[str, str | None], type[Exception], str]] = [
    ({"quantity": "0.100001"}, ccxt.InvalidOrder, "-1013.*LOT_SIZE"),
    ({"price": "40000.001"}, ccxt.InvalidOrder, "-1013.*PRICE_FILTER"),
    ({"price": "1000"}, ccxt.InvalidOrder, "PERCENT_PRICE_BY_SIDE"),
    ({"quantity": "0.0001"}, ccxt.BadRequest, "-1013.*NOTIONAL"),
    ({"quantity": "5"}, ccxt.InsufficientFunds, "insufficient balance"),
    ({"symbol": "XXXYYY"}, ccxt.BadSymbol, "-1121"),
    ({"side": "HOLD"}, ccxt.BadRequest, "-1117"),
    ({"type": "WISH"}, ccxt.BadRequest, "-1116"),
    ({"timeInForce": "GTX"}, ccxt.BadRequest, "-1115"),
    ({"quantity": None}, ccxt.BadRequest, "-1102.*quantity"),
    ({"quantity": "1e3"}, ccxt.BadRequest, "-1100.*quantity"),
    ({"quantity": "0.1234567891"}, ccxt.BadRequest, "-1111"),
    ({"stopPrice": "1"}, ccxt.BadRequest, "-1106.*stopPrice"),
    ({"newClientOrderId": "a b"}, ccxt.BadRequest, "-1100.*newClientOrderId"),
    ({"newClientOrderId": "a" * 37}, ccxt.BadRequest, "-1100.*newClientOrderId"),
    (
        {"type": "LIMIT_MAKER", "price": "50000", "timeInForce": None},
        ccxt.OrderImmediatelyFillable,
        "immediately match",
    ),
    (
        {"type": "STOP_LOSS", "stopPrice": "49000", "price": None, "timeInForce": None},
        ccxt.OrderImmediatelyFillable,
        "trigger immediately",
    ),
]


@pytest.mark.parametrize(("change", "error", "words"), REFUSED)
async def test_what_the_rules_forbid_is_refused(
    client: ccxt.pro.binance,
    venue: Venue,
    account: Account,
    change: dict[str, str | None],
    error: type[Exception],
    words: str,
) -> None:
    wanted = {name: value for name, value in (ORDER | TERMS | change).items() if value is not None}
    with pytest.raises(error, match=words) as raised:
        await client.privatePostOrder(wanted)
    assert type(raised.value) is error
    assert venue.orders(account) == []


async def test_a_repeated_id_is_refused_only_while_the_first_is_open(
    client: ccxt.pro.binance, venue: Venue, account: Account
) -> None:
    again: Callable[[], Any] = lambda: client.create_order(  # noqa: E731
        "BTC/USDT", "limit", "buy", "0.1", "40000", {"clientOrderId": "k1"}
    )
    await again()
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent") as raised:
        await again()
    assert type(raised.value) is ccxt.InvalidOrder
    venue.fill("k1")
    await again()
    assert [order.status for order in venue.orders(account)] == ["FILLED", "NEW"]
    found = await client.fetch_order(None, "BTC/USDT", {"clientOrderId": "k1"})
    assert found["status"] == "open"


async def test_an_unknown_order_is_not_found(client: ccxt.pro.binance) -> None:
    name = {"clientOrderId": "nobody"}
    with pytest.raises(ccxt.OrderNotFound, match="-2013"):
        await client.fetch_order(None, "BTC/USDT", name)
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order(None, "BTC/USDT", name)


async def test_a_fill_may_win_against_a_cancel(client: ccxt.pro.binance, venue: Venue) -> None:
    name = {"clientOrderId": "k1"}
    await client.create_order("BTC/USDT", "limit", "buy", "0.1", "40000", name)
    venue.faults.on(RequestKind.CANCEL_ORDER, faults.meanwhile(lambda: venue.fill("k1")))
    with pytest.raises(ccxt.OrderNotFound, match="-2011"):
        await client.cancel_order(None, "BTC/USDT", name)
    assert venue.order("k1").status == "FILLED"


async def test_a_wrong_secret_is_refused(connect: Connect, account: Account) -> None:
    stranger = await connect(replace(account, secret="wrong"))
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        await stranger.fetch_balance()


@pytest.mark.parametrize(("key", "code"), [("short", "-2014"), ("0" * 64, "-2015")])
async def test_a_wrong_key_is_refused(
    connect: Connect, account: Account, key: str, code: str
) -> None:
    stranger = await connect(replace(account, api_key=key))
    with pytest.raises(ccxt.AuthenticationError, match=code):
        await stranger.fetch_balance()


async def test_a_key_without_trading_may_only_look(
    client: ccxt.pro.binance, account: Account
) -> None:
    account.can_trade = False
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        await client.create_order("BTC/USDT", "market", "buy", "0.1")
    assert (await client.fetch_balance())["BTC"]["total"] == "2"


async def test_a_revoked_key_looks_like_a_ban(client: ccxt.pro.binance, account: Account) -> None:
    await client.fetch_balance()
    account.can_trade = False
    with pytest.raises(ccxt.DDoSProtection, match="-2015"):
        await client.create_order("BTC/USDT", "market", "buy", "0.1")


async def test_the_rights_of_a_key_are_told(client: ccxt.pro.binance, account: Account) -> None:
    rights = await client.sapiGetAccountApiRestrictions()
    assert (rights["enableSpotAndMarginTrading"], rights["enableWithdrawals"]) == (True, False)
    account.can_withdraw = True
    assert (await client.sapiGetAccountApiRestrictions())["enableWithdrawals"] is True


@pytest.mark.parametrize("skew", [20, -20])
async def test_a_wrong_clock_is_refused_until_the_difference_is_known(
    client: ccxt.pro.binance, venue: Venue, skew: float
) -> None:
    venue.skew_seconds = skew
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await client.fetch_balance()
    await client.load_time_difference()
    assert (await client.fetch_balance())["BTC"]["total"] == "2"


@pytest.mark.parametrize(
    ("late", "is_taken"), [(5000, True), (5001, False), (-999, True), (-1000, False)]
)
async def test_the_receive_window_ends_to_the_millisecond(
    client: ccxt.pro.binance, venue: Venue, late: int, is_taken: bool
) -> None:
    venue.skew_seconds = late / 1000
    request = client.privateGetAccount({"recvWindow": 5000})
    if is_taken:
        assert (await request)["canTrade"] is True
    else:
        with pytest.raises(ccxt.InvalidNonce, match="-1021"):
            await request


async def test_too_many_requests_are_refused_then_banned_then_forgiven(
    client: ccxt.pro.binance, venue: Venue, clock: ManualClock
) -> None:
    await clock.advance(60)
    venue.limits.weight_limit = 20
    await client.fetch_balance()
    assert client.last_response_headers["X-MBX-USED-WEIGHT-1M"] == "20"
    for status in ["429"] * 10 + ["418"]:
        with pytest.raises(ccxt.DDoSProtection, match=status):
            await client.fetch_balance()
    assert client.last_response_headers["Retry-After"] == "60"
    await clock.advance(60)
    assert (await client.fetch_balance())["BTC"]["total"] == "2"
