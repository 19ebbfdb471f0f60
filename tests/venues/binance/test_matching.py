"""Where exactly an order triggers, crosses and is filled."""

from decimal import Decimal

import pytest

from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.venues.binance.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.matching import affordable, crosses, is_due
from tests.support.venues.engine.orders import Side, Type
from tests.support.venues.engine.tape import Quote

STOP = Decimal(100)
BELOW, AT, ABOVE = Decimal("99.99"), Decimal(100), Decimal("100.01")
DUE = [
    (Type.STOP_LOSS, Side.BUY, [False, True, True]),
    (Type.STOP_LOSS_LIMIT, Side.SELL, [True, True, False]),
    (Type.TAKE_PROFIT, Side.BUY, [True, True, False]),
    (Type.TAKE_PROFIT_LIMIT, Side.SELL, [False, True, True]),
]


@pytest.mark.parametrize(("kind", "side", "expected"), DUE)
def test_a_stop_is_due_from_its_very_price_on(kind: Type, side: Side, expected: list[bool]) -> None:
    assert [is_due(kind, side, STOP, last) for last in (BELOW, AT, ABOVE)] == expected


def test_a_limit_crosses_from_the_best_offer_on() -> None:
    quote = Quote(bid=BELOW, ask=ABOVE)
    assert [crosses(Side.BUY, price, quote) for price in (BELOW, AT, ABOVE)] == [False, False, True]
    assert [crosses(Side.SELL, price, quote) for price in (BELOW, AT, ABOVE)] == [
        True,
        False,
        False,
    ]


def test_a_cost_buys_whole_steps() -> None:
    assert affordable(Decimal(10), Decimal(3), Decimal("0.1")) == Decimal("3.3")
    assert affordable(Decimal("0.2"), Decimal(3), Decimal("0.1")) == 0


@pytest.fixture
def venue() -> Venue:
    return Venue(ManualClock(START))


@pytest.fixture
def account(venue: Venue) -> Account:
    return venue.open_account("main", USDT=100_000, BTC=2)


def test_a_maker_is_filled_at_its_own_price_and_a_taker_at_the_best(
    venue: Venue, account: Account
) -> None:
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", 49_000)
    venue.place_elsewhere(account, "BTCUSDT", "BUY", "0.1", 51_000)
    venue.move("BTCUSDT", 48_000)
    taken, made = venue.trades(account)
    assert (taken.price, taken.is_maker) == (Decimal(50_000), False)
    assert (made.price, made.is_maker) == (Decimal(49_000), True)


def test_an_offer_too_small_fills_a_part_and_the_next_the_rest(
    venue: Venue, account: Account
) -> None:
    order = venue.place_elsewhere(account, "BTCUSDT", "SELL", "1", 51_000)
    offered = Quote(bid=Decimal(51_500), ask=Decimal(51_501), bid_amount=Decimal("0.7"))
    venue.quote("BTCUSDT", offered, last=51_500)
    assert venue.order(order.id).filled == Decimal("0.7")
    venue.quote("BTCUSDT", offered, last=51_500)
    assert venue.order(order.id).status == "FILLED"
    venue.assert_books_balance()


def test_markets_do_not_touch_each_other(venue: Venue, account: Account) -> None:
    order = venue.place_elsewhere(account, "ETHUSDT", "BUY", "1", 2000)
    venue.move("BTCUSDT", 1000)
    assert venue.order(order.id).status == "NEW"
