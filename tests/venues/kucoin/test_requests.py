"""What the local KuCoin takes, refuses and lists, as the genuine ccxt sees it."""

from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account
from tests.support.venues.kucoin.api import faults
from tests.support.venues.kucoin.api.limits import COSTS
from tests.support.venues.kucoin.venue import Venue
from tests.support.venues.serving.requests import RequestKind
from tests.venues.kucoin.conftest import Connect

TERMS = {"symbol": "BTC/USDT", "type": "limit", "side": "buy", "amount": "0.1", "price": "40000"}
RAW = {
    "clientOid": "one",
    "symbol": "BTC-USDT",
    "side": "buy",
    "type": "limit",
    "size": "0.1",
    "price": "40000",
}
WEEK = 7 * 24 * 60 * 60 * 1000


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"size": "0.100001"}, ccxt.InvalidOrder, "600100"),
        ({"size": "0.000001"}, ccxt.InvalidOrder, "400100.*minimum"),
        ({"size": "0.00001"}, ccxt.InvalidOrder, "600101.*funds"),
        ({"size": "5"}, ccxt.InsufficientFunds, "200004"),
        ({"price": "40000.001"}, ccxt.InsufficientFunds, "600100.*price"),
        ({"size": "much"}, ccxt.BadRequest, "400100.*size"),
        ({"symbol": "XXX-YYY"}, ccxt.ExchangeError, "900001"),
        ({"type": "wish"}, ccxt.BadRequest, "400100"),
        ({"clientOid": "a" * 41}, ccxt.BadRequest, "400100.*clientOid"),
        ({"timeInForce": "SOON"}, ccxt.BadRequest, "400100.*timeInForce"),
    ],
)
async def test_an_order_that_breaks_a_rule_is_refused_and_leaves_no_trace(
    venue: Venue,
    client: ccxt.pro.kucoin,
    account: Account,
    changes: dict[str, str],
    error: type[Exception],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        await client.private_post_hf_orders({**RAW, **changes})
    assert venue.orders(account) == []


def _revoked(account: Account) -> dict[str, Any]:
    account.is_revoked = True
    return {}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (lambda _: {"secret": "x" * 64}, "400004"),
        (lambda _: {"password": "wrong"}, "400004"),
        (lambda _: {"apiKey": "y" * 64}, "400003"),
        (_revoked, "400003"),
    ],
    ids=["secret", "passphrase", "key", "revoked"],
)
async def test_a_request_that_the_account_did_not_sign_is_refused(
    venue: Venue, connect: Connect, account: Account, changed: Any, code: str
) -> None:
    client = await connect(None)
    config = venue.ccxt_config(account) | changed(account)
    client.apiKey, client.secret = config["apiKey"], config["secret"]
    client.password = config["password"]
    with pytest.raises(ccxt.AuthenticationError, match=code):
        await client.fetch_balance()


@pytest.mark.parametrize("seconds", [-6, 6])
async def test_a_request_five_seconds_off_is_refused(
    venue: Venue, client: ccxt.pro.kucoin, seconds: float
) -> None:
    await client.fetch_balance()
    venue.skew_seconds = seconds
    with pytest.raises(ccxt.InvalidNonce, match="400002"):
        await client.create_order(**TERMS)


async def test_a_key_that_may_not_trade_reads_and_places_nothing(
    client: ccxt.pro.kucoin, account: Account
) -> None:
    account.can_trade = False
    await client.fetch_balance()
    with pytest.raises(ccxt.AuthenticationError, match="400007"):
        await client.create_order(**TERMS)


async def test_lists_have_twenty_rows_unless_the_limit_says_otherwise(
    venue: Venue, client: ccxt.pro.kucoin, account: Account
) -> None:
    for _ in range(130):
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    query = {"symbol": "BTC-USDT"}
    for ask in (client.private_get_hf_orders_done, client.private_get_hf_fills):
        assert len((await ask(query))["data"]["items"]) == 20
        # Other lists of KuCoin read this parameter; these ignore it.
        assert len((await ask({**query, "pageSize": 100}))["data"]["items"]) == 20
        first = (await ask({**query, "limit": 100}))["data"]
        rest = (await ask({**query, "limit": 100, "lastId": first["lastId"]}))["data"]
        names = {row["id"] for page in (first, rest) for row in page["items"]}
        assert (len(first["items"]), len(rest["items"]), len(names)) == (100, 30, 130)
        with pytest.raises(ccxt.BadRequest, match="400100"):
            await ask({**query, "limit": 101})


async def test_a_list_tells_of_a_week_at_most(
    venue: Venue, client: ccxt.pro.kucoin, account: Account, clock: ManualClock
) -> None:
    begun = venue.now()
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    await clock.advance(8 * 24 * 60 * 60)
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.002")

    async def sizes(**times: int) -> list[str]:
        answer = await client.private_get_hf_orders_done({"symbol": "BTC-USDT", **times})
        return [row["size"] for row in answer["data"]["items"]]

    assert await sizes() == ["0.002"]
    assert await sizes(startAt=begun) == ["0.001"]
    assert await sizes(startAt=begun + WEEK) == ["0.002"]
    with pytest.raises(ccxt.BadRequest, match="7 days"):
        await sizes(startAt=begun, endAt=begun + WEEK + 1)


async def test_a_closed_order_is_told_by_its_ids_for_three_days(
    venue: Venue, client: ccxt.pro.kucoin, account: Account, clock: ManualClock
) -> None:
    order = await client.create_order(**TERMS, params={"clientOrderId": "one"})
    venue.cancel("one")
    assert (await client.fetch_order(order["id"], "BTC/USDT"))["status"] == "canceled"
    await clock.advance(3 * 24 * 60 * 60)
    with pytest.raises(ccxt.OrderNotFound, match="does not exist"):
        await client.fetch_order(order["id"], "BTC/USDT")
    named = await client.private_get_hf_orders_client_order_clientoid(
        {"clientOid": "one", "symbol": "BTC-USDT"}
    )
    assert named["data"] is None


async def test_too_many_requests_are_refused_until_the_half_minute_is_over(
    venue: Venue, client: ccxt.pro.kucoin, clock: ManualClock
) -> None:
    venue.limits.are_kept = True
    await client.fetch_balance()
    while int(client.last_response_headers["gw-ratelimit-remaining"]) >= COSTS[RequestKind.ACCOUNT]:
        await client.fetch_balance()
    with pytest.raises(ccxt.RateLimitExceeded, match="429000"):
        await client.fetch_balance()
    left = int(client.last_response_headers["gw-ratelimit-reset"])
    assert 0 < left <= 30_000
    await clock.advance(left / 1000)
    await client.fetch_balance()


def test_each_code_is_told_by_its_own_fault() -> None:
    for name, fault in faults.PROVE_NOTHING.items():
        outcome: Any = fault.outcome
        assert f'"code": "{name.split()[0]}"'.encode() in outcome.body
