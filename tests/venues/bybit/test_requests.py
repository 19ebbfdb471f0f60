"""What the local Bybit answers: signatures, windows, refusals with their codes, pages, limits."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from tests.support.venues.bybit.venue import Venue
from tests.support.venues.engine.accounts import Account, Commission
from tests.venues.bybit.conftest import Connect

BTC = "BTC/USDT"
# The amount and the price of a limit order, and why it is refused.
REFUSED = [
    ("0.001", "40000.001", "170134"),
    ("0.0010001", "40000", "170137"),
    ("10000", "40000", "170135"),
    ("0.0001", "40000", "170140"),
    ("100", "40000", "170131"),
]


def coded(code: str) -> str:
    return f'"retCode": {code}'


async def raw_create(client: ccxt.pro.bybit, **changes: str) -> Any:
    terms = {
        "category": "spot", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit",
        "qty": "0.001", "price": "40000",
    }  # fmt: skip
    return await client.private_post_v5_order_create({**terms, **changes})


@pytest.mark.parametrize(("amount", "price", "code"), REFUSED)
async def test_an_order_is_refused_with_bybits_code_and_status_200(
    client: ccxt.pro.bybit, venue: Venue, account: Account, amount: str, price: str, code: str
) -> None:
    # What ccxt would round reaches the exchange as it is.
    with pytest.raises(ccxt.ExchangeError, match=coded(code)):
        await raw_create(client, qty=amount, price=price)
    assert venue.orders(account) == []


async def test_a_wrong_secret_an_unknown_key_and_a_revoked_one_are_refused(
    connect: Connect, account: Account
) -> None:
    for wrong, code in (
        (replace(account, secret="f" * 64), "10004"),
        (replace(account, api_key="f" * 64), "10003"),
    ):
        client = await connect(wrong)
        with pytest.raises(ccxt.AuthenticationError, match=coded(code)):
            await client.fetch_balance()
    client = await connect(account)
    account.is_revoked = True
    with pytest.raises(ccxt.AuthenticationError, match=coded("10003")):
        await client.fetch_balance()


async def test_a_key_that_may_not_trade_is_told_so(
    client: ccxt.pro.bybit, account: Account
) -> None:
    account.can_trade = False
    with pytest.raises(ccxt.PermissionDenied, match=coded("10005")):
        await raw_create(client)


@pytest.mark.parametrize(
    ("skew", "is_taken"), [(4.9, True), (5.1, False), (-0.9, True), (-1, False)]
)
async def test_a_request_must_come_within_its_window_and_not_from_the_future(
    client: ccxt.pro.bybit, venue: Venue, skew: float, *, is_taken: bool
) -> None:
    venue.skew_seconds = skew
    if is_taken:
        assert (await raw_create(client))["retCode"] == 0
    else:
        with pytest.raises(ccxt.InvalidNonce, match=coded("10002")):
            await raw_create(client)


async def test_an_id_is_used_once_for_ever(client: ccxt.pro.bybit, venue: Venue) -> None:
    await raw_create(client, orderLinkId="mine")
    venue.cancel("mine")
    with pytest.raises(ccxt.InvalidOrder, match=coded("170141")):
        await raw_create(client, orderLinkId="mine")


async def test_the_answer_to_an_order_is_its_ids_alone(client: ccxt.pro.bybit) -> None:
    order = await client.create_order(BTC, "market", "buy", "0.01")
    assert (order["id"], order["status"], order["filled"]) == ("1001", None, None)


async def test_lists_have_bybits_pages_and_a_cursor_to_the_next(
    client: ccxt.pro.bybit, venue: Venue, account: Account
) -> None:
    for _ in range(120):
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    for _ in range(55):
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001", 40_000)
    assert len(await client.fetch_canceled_and_closed_orders(BTC)) == 20
    assert len(await client.fetch_open_orders(BTC)) == 20
    assert len(await client.fetch_my_trades(BTC)) == 50
    with pytest.raises(ccxt.BadRequest, match=coded("10001")):
        await client.fetch_open_orders(BTC, None, 51)
    with pytest.raises(ccxt.BadRequest, match=coded("10001")):
        await client.fetch_my_trades(BTC, None, 101)
    first = await client.fetch_my_trades(BTC, None, 100)
    cursors = {row["info"].get("nextPageCursor") for row in first} - {None}
    [cursor] = cursors
    second = await client.fetch_my_trades(BTC, None, 100, {"cursor": cursor})
    assert len({row["id"] for row in [*first, *second]}) == 120
    # The newest come first; ccxt sorts each page.
    assert min(int(row["id"]) for row in first) > max(int(row["id"]) for row in second)


async def test_a_closed_order_is_found_by_id_among_the_last_500_and_then_in_the_history(
    client: ccxt.pro.bybit, venue: Venue, account: Account
) -> None:
    order = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    named = {"orderId": str(order.id)}
    assert await client.fetch_open_orders(BTC) == []
    [found] = await client.fetch_open_orders(BTC, None, None, named)
    assert found["status"] == "closed"
    venue.desk.closed_kept = 0
    assert await client.fetch_open_orders(BTC, None, None, named) == []
    [found] = await client.fetch_canceled_and_closed_orders(BTC, None, None, named)
    assert found["filled"] == "0.001"


async def test_a_classic_account_spends_the_amount_of_a_market_buy_as_money(
    connect: Connect, venue: Venue, account: Account
) -> None:
    venue.make_classic(account)
    account.deposit("BTC", account.balance("BTC").free)
    client = await connect(account)
    assert await client.is_unified_enabled() == [False, False]
    await client.create_order("ETH/BTC", "market", "buy", "0.5")
    [order] = venue.orders(account)
    assert (order.filled, order.cost) == (Decimal(10), order.quote_amount)
    assert (await client.fetch_balance())["BTC"]["free"] == "3.5"


@pytest.mark.parametrize(
    ("commission", "currency"),
    [(Commission.BASE, "BTC"), (Commission.QUOTE, "USDT"), (Commission.BNB, "BNB")],
)
async def test_a_fee_is_positive_and_says_what_it_was_paid_in(
    client: ccxt.pro.bybit, venue: Venue, account: Account, commission: Commission, currency: str
) -> None:
    account.commission = commission
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1")
    [trade] = await client.fetch_my_trades(BTC)
    [known] = venue.trades(account)
    assert trade["info"]["feeCurrency"] == known.commission_asset == currency
    assert float(trade["info"]["execFee"]) == float(known.commission) > 0


async def test_more_orders_a_second_than_allowed_are_refused_until_it_is_over(
    client: ccxt.pro.bybit, venue: Venue
) -> None:
    venue.limits.is_on = True
    for _ in range(20):
        await raw_create(client)
    assert client.last_response_headers["X-Bapi-Limit-Status"] == "0"
    with pytest.raises(ccxt.RateLimitExceeded, match=coded("10006")):
        await raw_create(client)
    reset_at = int(client.last_response_headers["X-Bapi-Limit-Reset-Timestamp"])
    assert 0 < reset_at - venue.now() <= 1000
    assert len(venue.journal.sent_orders()) == 21


async def test_an_order_is_amended_in_place(
    client: ccxt.pro.bybit, venue: Venue, account: Account
) -> None:
    placed = await client.create_order(BTC, "limit", "buy", "0.01", "40000")
    with pytest.raises(ccxt.BadRequest, match="remains unchanged"):
        await client.edit_order(placed["id"], BTC, "limit", "buy", "0.01", "40000")
    await client.edit_order(placed["id"], BTC, "limit", "buy", "0.02", "41000")
    assert account.balance("USDT").locked == 820
    venue.fill(placed["id"], "0.005")
    with pytest.raises(ccxt.BadRequest, match=coded("170130")):
        await client.edit_order(placed["id"], BTC, "limit", "buy", "0.005", "41000")
    with pytest.raises(ccxt.InsufficientFunds, match=coded("170131")):
        await client.edit_order(placed["id"], BTC, "limit", "buy", "9", "41000")
    await client.edit_order(placed["id"], BTC, "limit", "buy", "0.02", "50000")
    assert venue.order(placed["id"]).status == "FILLED"
    with pytest.raises(ccxt.OrderNotFound, match=coded("170213")):
        await client.edit_order(placed["id"], BTC, "limit", "buy", "0.03", "41000")
