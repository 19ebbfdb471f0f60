"""The exchange's own books, without a wire."""

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account, Balance, Commission
from tests.support.venues.engine.balancing import imbalances
from tests.support.venues.engine.declined import Declined
from tests.support.venues.engine.orders import Status

FEES = [
    (Commission.RECEIVED, "BUY", "BTC", "0.0001"),
    (Commission.RECEIVED, "SELL", "USDT", "5"),
    (Commission.BASE, "SELL", "BTC", "0.0001"),
    (Commission.QUOTE, "BUY", "USDT", "5"),
    (Commission.BNB, "BUY", "BNB", "0.00833333"),
]


@pytest.fixture
def venue() -> Venue:
    return Venue(ManualClock(START))


@pytest.fixture
def account(venue: Venue) -> Account:
    return venue.open_account("main", USDT=10_000, BTC=1, BNB=1)


@pytest.mark.parametrize(("commission", "side", "asset", "fee"), FEES)
def test_the_fee_is_taken_in_the_asset_that_was_chosen(
    venue: Venue, account: Account, commission: Commission, side: str, asset: str, fee: str
) -> None:
    account.commission = commission
    venue.place_elsewhere(account, "BTCUSDT", side, "0.1", 50_000)
    [order] = venue.orders(account)
    if order.status.is_open:
        venue.fill(order.id)
    [trade] = venue.trades(account)
    assert (trade.commission_asset, trade.commission) == (asset, Decimal(fee))
    venue.assert_books_balance()


def test_the_received_asset_pays_where_there_is_no_bnb(venue: Venue) -> None:
    poor = venue.open_account("poor", USDT=5_000)
    poor.commission = Commission.BNB
    venue.place_elsewhere(poor, "BTCUSDT", "BUY", "0.1")
    assert venue.trades(poor)[0].commission_asset == "BTC"


def test_a_better_price_gives_the_difference_back(venue: Venue, account: Account) -> None:
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", "60000")
    assert account.balance("USDT") == Balance(free=Decimal(5000), locked=Decimal(0))


def test_money_is_locked_by_what_is_left(venue: Venue, account: Account) -> None:
    order = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.2", "40000")
    venue.fill(order.id, "0.05", "39000")
    assert account.balance("USDT") == Balance(free=Decimal(2050), locked=Decimal(6000))
    venue.cancel(order.id)
    assert account.balance("USDT") == Balance(free=Decimal(8050), locked=Decimal(0))


def test_nobody_spends_twice(venue: Venue, account: Account) -> None:
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.2", "40000")
    with pytest.raises(Declined, match="INSUFFICIENT_FUNDS"):
        venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.2", "40000")


def test_more_than_is_left_cannot_be_filled(venue: Venue, account: Account) -> None:
    order = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.2", "40000")
    with pytest.raises(ValueError, match="cannot be filled"):
        venue.fill(order.id, "0.3")
    venue.fill(order.id)
    with pytest.raises(ValueError, match="cannot be filled"):
        venue.fill(order.id, "0.1")
    with pytest.raises(ValueError, match="closed already"):
        venue.cancel(order.id)


def test_missing_money_is_noticed(venue: Venue, account: Account) -> None:
    order = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", "40000")
    venue.fill(order.id, "0.05")
    account.receive("USDT", Decimal("0.01"))
    with pytest.raises(AssertionError, match=r"holds 8000\.01 USDT, not 8000"):
        venue.assert_books_balance()


def test_money_locked_for_nothing_is_noticed(venue: Venue, account: Account) -> None:
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", "40000")
    account.lock("USDT", Decimal(1))
    with pytest.raises(AssertionError, match=r"locks 4001\.0* USDT, not 4000"):
        venue.assert_books_balance()


def test_a_lost_trade_and_a_wrong_status_are_noticed(venue: Venue, account: Account) -> None:
    order = venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", "40000")
    venue.fill(order.id)
    venue.books.orders[order.id] = replace(venue.order(order.id), status=Status.NEW)
    venue.books.trades.clear()
    words = "; ".join(imbalances(venue.books))
    assert "is NEW with 0.1" in words
    assert "its trades say 0" in words


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL", "MARKET", "fill", "cancel", "move"]),
        st.integers(min_value=1, max_value=40),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, commission=st.sampled_from(Commission))
def test_the_books_balance_whatever_happens(
    steps: list[tuple[str, int]], commission: Commission
) -> None:
    venue = Venue(ManualClock(START))
    account = venue.open_account("main", USDT=10_000, BTC=1, BNB=1)
    account.commission = commission
    for step, number in steps:
        _take_step(venue, account, step, number)
        venue.assert_books_balance()


def _take_step(venue: Venue, account: Account, step: str, number: int) -> None:
    waiting = [order for order in venue.orders(account) if order.status.is_open]
    amount, price = Decimal(number) / 200, Decimal(48_000 + 100 * number)
    match step:
        case "move":
            venue.move("BTCUSDT", price)
        case "cancel" if waiting:
            venue.cancel(waiting[number % len(waiting)].id)
        case "fill" if waiting:
            order = waiting[number % len(waiting)]
            venue.fill(order.id, min(amount, order.remaining))
        case "BUY" | "SELL" | "MARKET":
            side = "BUY" if step == "MARKET" else step
            at = None if step == "MARKET" else price
            with suppress(Declined):
                venue.place_elsewhere(account, "BTCUSDT", side, amount, at)
