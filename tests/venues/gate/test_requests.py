"""What the local Gate answers: signatures, windows, refusals with their labels, pages, limits."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from tests.support.clock import ManualClock
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.gate.venue import Venue
from tests.venues.gate.conftest import Connect

BTC = "BTC/USDT"
# What an order is asked for with, and why it is refused.
REFUSED: list[tuple[dict[str, str], str]] = [
    ({"text": "0001"}, "INVALID_PARAM_VALUE"),
    ({"text": "t-" + "a" * 29}, "INVALID_PARAM_VALUE"),
    ({"amount": "0.0000001"}, "INVALID_PRECISION"),
    ({"price": "40000.001"}, "INVALID_PRECISION"),
    ({"amount": "0.00001"}, "INVALID_PARAM_VALUE"),
    ({"amount": "100"}, "BALANCE_NOT_ENOUGH"),
    ({"currency_pair": "NO_SUCH"}, "INVALID_CURRENCY_PAIR"),
    ({"price": "60000", "time_in_force": "poc"}, "POC_FILL_IMMEDIATELY"),
    ({"type": "market", "time_in_force": "gtc"}, "INVALID_PARAM_VALUE"),
    ({"account": "unified"}, "ORDER_NOT_FOUND"),
]


async def raw_create(client: ccxt.pro.gate, **changes: str) -> Any:
    terms = {
        "currency_pair": "BTC_USDT", "side": "buy", "amount": "0.001", "price": "40000",
    }  # fmt: skip
    return await client.private_spot_post_orders({**terms, **changes})


@pytest.mark.parametrize(("changes", "label"), REFUSED)
async def test_an_order_is_refused_with_gates_label(
    client: ccxt.pro.gate, venue: Venue, account: Account, changes: dict[str, str], label: str
) -> None:
    with pytest.raises(ccxt.BaseError, match=f'"{label}"'):
        await raw_create(client, **changes)
    assert venue.orders(account) == []


async def test_a_text_that_an_open_order_has_is_refused(client: ccxt.pro.gate) -> None:
    await raw_create(client, text="t-once")
    with pytest.raises(ccxt.InvalidOrder, match="REPEATED_CREATION"):
        await raw_create(client, text="t-once")


async def test_a_wrong_secret_an_unknown_key_and_a_revoked_one_are_refused(
    connect: Connect, account: Account
) -> None:
    for wrong, label in (
        (replace(account, secret="f" * 64), "INVALID_SIGNATURE"),
        (replace(account, api_key="f" * 64), "INVALID_KEY"),
    ):
        client = await connect(wrong)
        with pytest.raises(ccxt.AuthenticationError, match=label):
            await client.private_spot_get_accounts()
    client = await connect(account)
    account.is_revoked = True
    with pytest.raises(ccxt.AuthenticationError, match="INVALID_KEY"):
        await client.private_spot_get_accounts()


@pytest.mark.parametrize(("seconds", "is_late"), [(59, False), (61, True), (-61, True)])
async def test_a_request_is_refused_a_minute_off(
    client: ccxt.pro.gate, venue: Venue, seconds: int, *, is_late: bool
) -> None:
    venue.skew_seconds = seconds
    if not is_late:
        assert await client.private_spot_get_accounts()
        return
    with pytest.raises(ccxt.AuthenticationError, match="REQUEST_EXPIRED"):
        await client.private_spot_get_accounts()


async def test_a_market_buy_spends_its_amount(
    client: ccxt.pro.gate, venue: Venue, account: Account
) -> None:
    answer = await raw_create(client, type="market", amount="100", time_in_force="ioc")
    assert (answer["amount"], answer["filled_amount"], answer["status"]) == (
        "100",
        "0.002",
        "closed",
    )
    assert account.balance("USDT").free == 99_900


async def test_an_order_is_found_by_its_text_until_an_hour_after_its_end(
    client: ccxt.pro.gate, venue: Venue, clock: ManualClock
) -> None:
    order = await raw_create(client, text="t-once")
    await clock.advance(7200)
    named = {"order_id": "t-once", "currency_pair": "BTC_USDT"}
    assert (await client.private_spot_get_orders_order_id(named))["id"] == order["id"]
    venue.cancel("once")
    await clock.advance(3600)
    found = await client.private_spot_get_orders_order_id(named)
    assert (found["status"], found["finish_as"]) == ("cancelled", "cancelled")
    await clock.advance(1)
    with pytest.raises(ccxt.OrderNotFound):
        await client.private_spot_get_orders_order_id(named)
    by_id = {"order_id": order["id"], "currency_pair": "BTC_USDT"}
    assert (await client.private_spot_get_orders_order_id(by_id))["text"] == "t-once"


async def test_lists_have_pages_of_a_hundred_the_newest_first(
    client: ccxt.pro.gate, venue: Venue, account: Account
) -> None:
    for _ in range(150):
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001", "40000")
    venue.place_elsewhere(account, "ETHUSDT", "BUY", "0.1", "2000")
    [btc, eth] = await client.private_spot_get_open_orders({"limit": 500})
    assert (btc["total"], len(btc["orders"]), eth["total"]) == (150, 100, 1)
    [rest] = await client.private_spot_get_open_orders({"page": 2})
    assert len(rest["orders"]) == 50
    newest, oldest = btc["orders"][0], rest["orders"][-1]
    assert int(newest["id"]) > int(oldest["id"])
    for order in venue.orders(account):
        venue.cancel(order.id)
    asked = {"currency_pair": "BTC_USDT", "status": "finished", "page": 2}
    assert len(await client.private_spot_get_orders(asked)) == 50


async def test_trades_are_listed_for_a_week_from_the_time_that_is_named(
    client: ccxt.pro.gate, venue: Venue, account: Account, clock: ManualClock
) -> None:
    account.commission = Commission.BNB
    start = venue.now() // 1000
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    await clock.advance(8 * 24 * 3600)
    venue.place_elsewhere(account, "BTCUSDT", "SELL", "0.001")
    [latest] = await client.private_spot_get_my_trades({})
    [first] = await client.private_spot_get_my_trades({"from": start})
    assert (first["side"], latest["side"]) == ("buy", "sell")
    assert (first["fee"], Decimal(first["gt_fee"]) > 0) == ("0", True)
    assert len(await client.private_spot_get_my_trades({"from": start, "to": start + 10**6})) == 2
    with pytest.raises(ccxt.BadRequest, match="30 days"):
        await client.private_spot_get_my_trades({"from": start, "to": start + 10**7})


async def test_more_than_ten_orders_a_second_in_one_market_are_too_many(
    client: ccxt.pro.gate, venue: Venue, clock: ManualClock
) -> None:
    venue.limits.are_kept = True
    for _ in range(10):
        await raw_create(client)
    with pytest.raises(ccxt.RateLimitExceeded):
        await raw_create(client)
    assert client.last_response_headers["X-Gate-RateLimit-Reset-Timestamp"] == str(
        venue.now() + 1000
    )
    await raw_create(client, currency_pair="ETH_USDT", price="2000", amount="0.1")
    await clock.advance(1)
    await raw_create(client)


async def test_orders_of_a_unified_account_are_not_among_those_of_a_classic_one(
    client: ccxt.pro.gate, venue: Venue, account: Account
) -> None:
    venue.make_unified(account)
    order = await raw_create(client, account="unified")
    asked = {"order_id": order["id"], "currency_pair": "BTC_USDT"}
    with pytest.raises(ccxt.OrderNotFound):
        await client.private_spot_get_orders_order_id({**asked, "account": "spot"})
    assert (await client.private_spot_get_orders_order_id(asked))["account"] == "unified"
    assert (await client.private_unified_get_accounts())["balances"]["BTC"]["available"] == "2"


async def test_a_subscription_that_is_not_signed_is_refused(
    connect: Connect, venue: Venue, account: Account
) -> None:
    client = await connect(replace(account, secret="f" * 64))
    client.seconds = lambda: venue.now() // 1000
    with pytest.raises(ccxt.AuthenticationError, match="Signature mismatch"):
        await client.watch_orders()
    assert venue.user_streams.listeners("main") == 0
