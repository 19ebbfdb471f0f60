"""OKX's lists of orders and trades: the size of their pages, and how they go on."""

import ccxt.pro
import pytest

from tests.support.venues.engine.accounts import Account
from tests.support.venues.okx.venue import Venue


async def read_to_the_end(list_page: object, **params: str) -> list[dict[str, str]]:
    """Every row of a raw list, a page after the other."""
    found: list[dict[str, str]] = []
    name = params.pop("number")
    while True:
        below = {"after": found[-1][name]} if found else {}
        page = (await list_page({**params, **below}))["data"]  # type: ignore[operator]
        assert len(page) <= 100
        if not page:
            return found
        found += page


@pytest.fixture
def traded(venue: Venue, account: Account) -> None:
    """230 orders that are filled, 120 that are canceled, and 110 that wait."""
    for _ in range(230):
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.001")
    for number in range(230):
        order = venue.place_elsewhere(account, "ETHUSDT", "BUY", "0.01", 1000)
        if number < 120:
            venue.cancel(order.id)


async def test_lists_are_told_newest_first_in_pages_of_a_hundred(
    client: ccxt.pro.okx, traded: None
) -> None:
    history = client.private_get_trade_orders_history
    every = {
        "filled": await read_to_the_end(history, number="ordId", instType="SPOT", state="filled"),
        "canceled": await read_to_the_end(
            history, number="ordId", instType="SPOT", state="canceled"
        ),
        "live": await read_to_the_end(client.private_get_trade_orders_pending, number="ordId"),
        "trades": await read_to_the_end(
            client.private_get_trade_fills_history, number="billId", instType="SPOT"
        ),
    }
    assert {name: len(rows) for name, rows in every.items()} == {
        "filled": 230,
        "canceled": 120,
        "live": 110,
        "trades": 230,
    }
    for name, rows in every.items():
        numbers = [int(row["billId" if name == "trades" else "ordId"]) for row in rows]
        assert numbers == sorted(set(numbers), reverse=True)


async def test_a_page_may_be_smaller_and_never_larger(client: ccxt.pro.okx, traded: None) -> None:
    for limit, told in ((1, 1), (100, 100), (500, 100)):
        page = await client.private_get_trade_orders_pending({"limit": limit})
        assert len(page["data"]) == told


async def test_a_charge_is_negative_on_the_wire_and_a_rebate_positive(
    venue: Venue, client: ccxt.pro.okx, account: Account
) -> None:
    for rate, fee in (("0.001", "-0.0001"), ("-0.0002", "0.00002")):
        account.maker_fee = type(account.maker_fee)(rate)
        order = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", 40_000)
        venue.fill(order.id)
        [trade] = (await client.private_get_trade_fills_history({"ordId": order.id}))["data"]
        assert (trade["fee"], trade["feeCcy"], trade["execType"]) == (fee, "BTC", "M")
        [row] = (await client.private_get_trade_order({"instId": "BTC-USDT", "ordId": order.id}))[
            "data"
        ]
        assert (row["fee"], row["state"]) == (fee, "filled")
