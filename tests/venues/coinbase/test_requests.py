"""What the local Coinbase answers: tokens and their times, refusals, repeats, pages and limits."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.coinbase.api import signatures
from tests.support.venues.coinbase.api.limits import PRIVATE_PER_SECOND
from tests.support.venues.coinbase.api.names import order_uuid
from tests.support.venues.coinbase.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.serving.requests import RequestKind
from tests.venues.coinbase.conftest import Connect

BTC = "BTC/USDT"
# The terms of a limit order, and why it is refused.
REFUSED = [
    ({"limit_price": "40000.001"}, "PREVIEW_INVALID_PRICE_PRECISION"),
    ({"base_size": "0.0010001"}, "PREVIEW_INVALID_SIZE_PRECISION"),
    ({"base_size": "10000"}, "PREVIEW_INVALID_BASE_SIZE_TOO_LARGE"),
    ({"base_size": "0.0001"}, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
    ({"base_size": "100"}, "PREVIEW_INSUFFICIENT_FUND"),
    ({"limit_price": "60000", "post_only": True}, "INVALID_LIMIT_PRICE_POST_ONLY"),
]


async def raw_create(client: ccxt.pro.coinbase, name: str = "one", **terms: Any) -> Any:
    limit = {"base_size": "0.001", "limit_price": "40000", "post_only": False} | terms
    return await placed(client, {"limit_limit_gtc": limit}, client_order_id=name)


async def placed(client: ccxt.pro.coinbase, configuration: Mapping[str, Any], **fields: Any) -> Any:
    # What ccxt would round reaches the exchange as it is.
    body = {"product_id": "BTC-USDT", "side": "BUY", "client_order_id": "one", **fields}
    return await client.v3_private_post_brokerage_orders(
        {**body, "order_configuration": configuration}
    )


@pytest.mark.parametrize(("terms", "reason"), REFUSED)
async def test_an_order_is_refused_with_a_reason_in_an_answer_of_status_200(
    client: ccxt.pro.coinbase, venue: Venue, account: Account, terms: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ccxt.ExchangeError, match=reason):
        await raw_create(client, **terms)
    assert venue.orders(account) == []


async def test_a_wrong_secret_an_unknown_key_and_a_revoked_one_are_unauthorized(
    connect: Connect, account: Account
) -> None:
    for wrong in (
        replace(account, secret=signatures.new_key()),
        replace(account, api_key="organizations/1/apiKeys/2"),
    ):
        client = await connect(wrong)
        with pytest.raises(ccxt.AuthenticationError, match="Unauthorized"):
            await client.fetch_balance()
    client = await connect(account)
    assert (await client.fetch_balance())["BTC"]["free"] == "2"
    account.is_revoked = True
    with pytest.raises(ccxt.AuthenticationError, match="Unauthorized"):
        await client.fetch_balance()


async def test_a_token_is_good_for_one_path_and_method(
    client: ccxt.pro.coinbase, venue: Venue
) -> None:
    url = f"http://{venue.address}/api/v3/brokerage"
    token = client.create_auth_token(client.seconds(), "GET", f"{url}/key_permissions")
    headers = {"Authorization": f"Bearer {token}"}
    assert (await client.fetch(f"{url}/key_permissions", "GET", headers))["can_trade"] is True
    with pytest.raises(ccxt.AuthenticationError):
        await client.fetch(f"{url}/accounts", "GET", headers)


@pytest.mark.parametrize(("skew", "is_taken"), [(0, True), (119, True), (120, False), (-1, False)])
async def test_a_token_lives_two_minutes_and_does_not_come_from_the_future(
    client: ccxt.pro.coinbase, venue: Venue, skew: float, *, is_taken: bool
) -> None:
    venue.skew_seconds = skew
    if is_taken:
        assert (await raw_create(client))["success"] is True
    else:
        with pytest.raises(ccxt.AuthenticationError, match="Unauthorized"):
            await raw_create(client)


async def test_a_key_that_may_not_trade_is_told_so(
    client: ccxt.pro.coinbase, account: Account
) -> None:
    account.can_trade = False
    with pytest.raises(ccxt.PermissionDenied, match="Missing required scopes"):
        await raw_create(client)


async def test_the_same_id_again_asks_for_the_order_that_has_it(
    client: ccxt.pro.coinbase, venue: Venue, account: Account
) -> None:
    first, again = [await raw_create(client) for _ in range(2)]
    assert first["success_response"] == again["success_response"]
    assert len(venue.orders(account)) == 1
    with pytest.raises(ccxt.BadRequest, match="client_order_id is required"):
        await raw_create(client, name="")


async def test_a_market_buy_is_of_money_or_of_an_amount(
    client: ccxt.pro.coinbase, venue: Venue
) -> None:
    await placed(client, {"market_market_ioc": {"base_size": "0.01"}}, client_order_id="base")
    await placed(client, {"market_market_ioc": {"quote_size": "100"}}, client_order_id="quote")
    assert [str(venue.order(name).cost) for name in ("base", "quote")] == ["500.00000", "100.00000"]


async def test_unknown_orders_are_not_found_and_not_canceled(client: ccxt.pro.coinbase) -> None:
    with pytest.raises(ccxt.ExchangeError, match="order with this orderID was not found"):
        await client.fetch_order(order_uuid(7), BTC)
    answer = await client.v3_private_post_brokerage_orders_batch_cancel(
        {"order_ids": [order_uuid(7)]}
    )
    assert answer["results"][0]["failure_reason"] == "UNKNOWN_CANCEL_ORDER"


async def test_lists_go_on_by_a_cursor_that_the_last_page_lacks(
    client: ccxt.pro.coinbase, venue: Venue, account: Account, clock: ManualClock
) -> None:
    orders = [
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001", 20_000 + number)
        for number in range(5)
    ]
    ask = client.v3_private_get_brokerage_orders_historical_batch
    first = await ask({"limit": 3})
    # A new order does not move the rows of the next page.
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001", 30_000)
    second = await ask({"limit": 3, "cursor": first["cursor"]})
    assert (first["has_next"], second["has_next"], second["cursor"]) == (True, False, "")
    ids = [order["order_id"] for page in (first, second) for order in page["orders"]]
    assert ids == [order_uuid(order.id) for order in reversed(orders)]


async def test_a_page_is_no_longer_than_the_exchange_likes(
    client: ccxt.pro.coinbase, venue: Venue, account: Account
) -> None:
    venue.desk.page_size = 2
    for _ in range(3):
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    page = await client.v3_private_get_brokerage_orders_historical_fills({"limit": 100})
    assert (len(page["fills"]), page["cursor"] != "") == (2, True)


async def test_too_many_requests_of_a_key_within_a_second_are_refused(
    client: ccxt.pro.coinbase, venue: Venue, clock: ManualClock
) -> None:
    venue.limits.is_on = True
    for _ in range(PRIVATE_PER_SECOND):
        await client.fetch_open_orders(BTC)
    with pytest.raises(ccxt.ExchangeError, match="RESOURCE_EXHAUSTED"):
        await client.fetch_open_orders(BTC)
    clock.step(wall=1)
    assert await client.fetch_open_orders(BTC) == []


async def test_a_socket_is_subscribed_to_orders_by_a_token_alone(
    client: ccxt.pro.coinbase, venue: Venue, account: Account
) -> None:
    assert await client.watch_orders() == []
    assert venue.user_streams.listeners(account.name) == 1
    await raw_create(client)
    [order] = await client.watch_orders()
    assert (order["clientOrderId"], order["status"]) == ("one", "open")
    venue.fill("one")
    [order] = await client.watch_orders()
    assert (order["status"], order["filled"]) == ("closed", "0.001")
    assert venue.journal.count(RequestKind.SUBSCRIBE) == 1


async def test_a_wrong_token_subscribes_to_nothing(
    connect: Connect, venue: Venue, account: Account
) -> None:
    client = await connect(replace(account, secret=signatures.new_key()))
    shown = {"channel": "user", "product_ids": [], **client.create_ws_auth("user", [])}
    client.open()
    async with client.session.ws_connect(f"ws://{venue.address}/ws") as socket:
        await socket.send_json({"type": "subscribe", **shown})
        answer = await socket.receive_json()
        assert answer == {"type": "error", "message": "authentication failure"}
        assert venue.user_streams.listeners(account.name) == 0
