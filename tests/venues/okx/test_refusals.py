"""How OKX says no, and what ccxt makes of it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.okx.venue import Venue
from tests.venues.okx.conftest import Connect

TERMS = {"symbol": "BTC/USDT", "type": "limit", "side": "buy", "amount": "0.1", "price": "40000"}
RAW = {
    "instId": "BTC-USDT",
    "tdMode": "cash",
    "side": "buy",
    "ordType": "limit",
    "sz": "0.1",
    "px": "40000",
}
REFUSED: list[tuple[dict[str, str], type[Exception], str]] = [
    ({"sz": "0.100001"}, ccxt.InvalidOrder, "51121"),
    ({"sz": "0.00001"}, ccxt.InvalidOrder, "51020"),
    ({"sz": "5"}, ccxt.InsufficientFunds, "51008"),
    ({"px": "40000.001"}, ccxt.BadRequest, "51000.*px"),
    ({"sz": "much"}, ccxt.BadRequest, "51000.*sz"),
    ({"instId": "XXX-YYY"}, ccxt.BadSymbol, "51001"),
    ({"ordType": "wish"}, ccxt.BadRequest, "51000.*ordType"),
    ({"tdMode": "cross"}, ccxt.BadRequest, "51000.*tdMode"),
    ({"clOrdId": "not-allowed"}, ccxt.BadRequest, "51000.*clOrdId"),
    ({"clOrdId": "a" * 33}, ccxt.BadRequest, "51000.*clOrdId"),
]


@pytest.mark.parametrize(("changes", "error", "words"), REFUSED)
async def test_an_order_that_breaks_a_rule_is_refused_and_leaves_no_trace(
    venue: Venue,
    client: ccxt.pro.okx,
    account: Account,
    changes: dict[str, str],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        await client.private_post_trade_batch_orders([{**RAW, **changes}])
    assert venue.orders(account) == []


async def test_a_client_order_id_is_good_for_one_order_for_ever(
    venue: Venue, client: ccxt.pro.okx, account: Account
) -> None:
    placed = await client.create_order(**TERMS, params={"clientOrderId": "one"})
    with pytest.raises(ccxt.InvalidOrder, match="51016"):
        await client.create_order(**TERMS, params={"clientOrderId": "one"})
    venue.cancel("one")
    with pytest.raises(ccxt.InvalidOrder, match="51016"):
        await client.create_order(**TERMS, params={"clientOrderId": "one"})
    assert [str(order.id) for order in venue.orders(account)] == [placed["id"]]


def _other_secret(account: Account) -> dict[str, Any]:
    return {"secret": "x" * 64}


def _other_passphrase(account: Account) -> dict[str, Any]:
    return {"password": "wrong"}


def _other_key(account: Account) -> dict[str, Any]:
    return {"apiKey": "y" * 64}


def _revoked(account: Account) -> dict[str, Any]:
    account.is_revoked = True
    return {}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (_other_secret, "50113"),
        (_other_passphrase, "50105"),
        (_other_key, "50111"),
        (_revoked, "50111"),
    ],
)
async def test_a_request_that_the_account_did_not_sign_is_refused(
    connect: Connect, account: Account, spoil: Callable[[Account], dict[str, Any]], code: str
) -> None:
    client = await connect(account, **spoil(account))
    with pytest.raises(ccxt.AuthenticationError, match=code):
        await client.fetch_balance()


async def test_a_key_without_the_right_to_trade_reads_and_places_nothing(
    client: ccxt.pro.okx, account: Account
) -> None:
    account.can_trade = False
    assert (await client.fetch_balance())["USDT"]["free"] == "100000"
    with pytest.raises(ccxt.BaseError, match="50120"):
        await client.create_order(**TERMS)
    config = await client.private_get_account_config()
    assert config["data"][0]["perm"] == "read_only"


@pytest.mark.parametrize("seconds", [-31, 31])
async def test_a_request_outside_of_the_window_is_refused(
    venue: Venue, client: ccxt.pro.okx, seconds: float
) -> None:
    venue.skew_seconds = seconds
    with pytest.raises(ccxt.InvalidNonce, match="50102"):
        await client.fetch_balance()
    venue.skew_seconds = seconds / 31 * 30
    assert await client.fetch_balance()


async def test_limits_count_each_endpoint_in_two_seconds(
    venue: Venue, client: ccxt.pro.okx, clock: ManualClock
) -> None:
    venue.limits.are_kept = True
    for _ in range(10):
        await client.fetch_my_trades("BTC/USDT")
    with pytest.raises(ccxt.RateLimitExceeded, match="50011"):
        await client.fetch_my_trades("BTC/USDT")
    assert await client.fetch_open_orders() == []
    await clock.advance(2)
    assert await client.fetch_my_trades("BTC/USDT") == []


async def test_a_stream_wants_a_login_that_is_signed_and_in_time(
    venue: Venue, connect: Connect, account: Account
) -> None:
    for terms, code in (({"password": "wrong"}, "60024"), ({"secret": "x" * 64}, "50113")):
        client = await connect(account, **terms)
        with pytest.raises(ccxt.BaseError, match=code):
            await client.watch_orders()
    venue.skew_seconds = 31
    client = await connect(account)
    with pytest.raises(ccxt.BaseError, match="50102"):
        await client.watch_orders()


async def test_a_market_that_is_suspended_takes_no_orders(
    venue: Venue, client: ccxt.pro.okx
) -> None:
    venue.list_market(replace(venue.books.listings["BTCUSDT"], is_trading=False))
    with pytest.raises(ccxt.InvalidOrder, match="51022"):
        await client.create_order(**TERMS)
