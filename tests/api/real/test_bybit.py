"""Orders at Bybit as a client of the API meets them: doubt, a wrong "no", many trades."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.api.real.real_trading import Site, Trading, traded
from tests.conftest import on_each_database
from tests.support.api.trading import WAITING, place, refusal
from tests.support.clock import ManualClock
from tests.support.venues.bybit.api import faults
from tests.support.venues.bybit.running import running_venue
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.serving.deliveries import Delivery
from tests.support.venues.serving.requests import RequestKind

FILLS = """query ($name: String!) { order(clientOrderId: $name, account: "main") {
  status filled fees { currency amount }
  fills(first: 250) { nodes { amount fee { currency amount } } }
} }"""
REFUSED = faults.coded(170210, "New order rejected.")


@pytest.fixture
async def trading(clock: ManualClock, database_url: str, tmp_path: Path) -> AsyncIterator[Trading]:
    async with running_venue(clock) as venue:
        account: Account = venue.open_account("main", USDT=100_000, BTC=2)
        account.commission = Commission.QUOTE
        site = Site(venue=venue, database_url=database_url, folder=tmp_path, clock=clock)
        async with traded(site, account) as trading:
            await trading.until_in_step()
            yield trading
        venue.journal.assert_nothing_was_sent_twice()
        venue.assert_books_balance()


def at(price: int, amount: str, name: str) -> Mapping[str, str]:
    return {
        **WAITING,
        "amount": amount,
        "price": str(price),
        "account": "main",
        "clientOrderId": name,
    }


@on_each_database
@pytest.mark.parametrize("is_there", [True, False])
async def test_an_order_after_a_creation_timeout_is_in_doubt_until_the_truth_is_known(
    trading: Trading, *, is_there: bool
) -> None:
    timeout = faults.CREATION_TIMEOUT
    happened = timeout.after_acceptance() if is_there else timeout
    trading.venue.faults.on(RequestKind.CREATE_ORDER, happened)
    placed = await place(trading.client, at(40_000, "0.1", "mine"))
    assert placed["status"] in {"IN_DOUBT", "OPEN"}
    seen = await trading.until_order("mine", "OPEN" if is_there else "REJECTED")
    assert seen["filled"] == "0"
    if is_there:
        [order] = trading.venue.orders(trading.account)
        trading.venue.fill(order.id)
        seen = await trading.until_order("mine", "FILLED")
        assert seen["fees"] == [{"currency": "USDT", "amount": "4"}]


@on_each_database
async def test_a_no_that_was_wrong_is_taken_back_and_its_fills_are_booked(
    trading: Trading,
) -> None:
    trading.venue.faults.on(RequestKind.CREATE_ORDER, REFUSED.after_acceptance())
    told = await refusal(trading.client, at(50_000, "0.1", "mine"))
    assert told["code"] == "REJECTED_BY_EXCHANGE"
    seen = await trading.until_order("mine", "FILLED")
    assert seen["filled"] == "0.1"
    assert seen["fees"] == [{"currency": "USDT", "amount": "5"}]


@on_each_database
async def test_a_post_only_order_that_bybit_takes_and_then_rejects_stays_rejected(
    trading: Trading,
) -> None:
    trading.venue.user_streams.delivery = Delivery.HELD
    crossing = {**at(50_000, "0.1", "mine"), "timeInForce": "POST_ONLY"}
    assert (await place(trading.client, crossing))["status"] == "OPEN"
    # The news that it was taken comes after the news that it was rejected.
    trading.venue.user_streams.release(lambda events: events[::-1])
    seen = await trading.until_order("mine", "REJECTED")
    assert seen["filled"] == "0"
    await trading.clock.advance(60)
    assert (await trading.order("mine"))["status"] == "REJECTED"


@pytest.mark.parametrize("pieces", [60, 250])
async def test_an_order_that_ate_many_levels_has_every_trade_and_its_fee(
    trading: Trading, pieces: int
) -> None:
    await place(trading.client, at(40_000, f"{pieces / 1000:g}", "mine"))
    # The stream is cut, so that all of them are found by asking.
    trading.venue.user_streams.sockets.cut()
    [order] = trading.venue.orders(trading.account)
    for _ in range(pieces):
        trading.venue.fill(order.id, "0.001")
    await trading.until_order("mine", "FILLED")
    seen = (await trading.client.ask(FILLS, name="mine"))["order"]
    assert len(seen["fills"]["nodes"]) == pieces
    assert {(one["amount"], one["fee"]["amount"]) for one in seen["fills"]["nodes"]} == {
        ("0.001", "0.04")
    }
    assert seen["fees"] == [{"currency": "USDT", "amount": f"{pieces * 0.04:g}"}]
