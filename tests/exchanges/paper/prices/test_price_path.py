from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.exchanges.paper.prices.listings import LISTINGS, Listing
from app.exchanges.paper.prices.price_path import TICK, PriceProcess, tick_of, time_of

_BTC, _ETH, _SOL, _BTC_USD = LISTINGS
_START = tick_of(datetime(2025, 6, 1, tzinfo=UTC))
_DAY = timedelta(days=1) // TICK
_MINUTE = timedelta(minutes=1) // TICK

seeds = st.integers(min_value=0, max_value=2**63 - 1)
ticks = st.integers(min_value=0, max_value=tick_of(datetime(2100, 1, 1, tzinfo=UTC)))
listings = st.sampled_from(LISTINGS)


def _path(seed: int, listing: Listing, length: int, every: int = 1) -> list[Decimal]:
    process = PriceProcess(seed)
    return [process.last(listing, _START + every * step) for step in range(length)]


@given(seeds, listings, ticks)
def test_every_price_is_positive_on_step_and_between_bid_and_ask(
    seed: int, listing: Listing, tick: int
) -> None:
    quote = PriceProcess(seed).quote(listing, tick)
    assert 0 < quote.bid <= quote.last - listing.price_step
    assert quote.ask >= quote.last + listing.price_step
    for price in (quote.bid, quote.ask, quote.last):
        assert money.is_on_step(price, listing.price_step)


@given(seeds, listings, ticks)
def test_the_same_seed_and_time_give_the_same_ticker(
    seed: int, listing: Listing, tick: int
) -> None:
    first, second = PriceProcess(seed), PriceProcess(seed)
    assert first.ticker(listing, tick) == second.ticker(listing, tick)


def test_prices_never_change_between_releases() -> None:
    # Candles of the past are worked out from the same function: another price is another past.
    prices = [PriceProcess(1).last(listing, _START) for listing in LISTINGS]
    assert prices == [Decimal(price) for price in ("56394.45", "3310.18", "119.48", "56397.26")]


def test_another_seed_is_another_world() -> None:
    assert _path(1, _BTC, 10) != _path(2, _BTC, 10)


def test_a_tick_is_a_quarter_of_a_second_of_utc() -> None:
    at = datetime(2025, 6, 1, 12, 0, 0, 749_000, tzinfo=UTC)
    assert time_of(tick_of(at)) == at.replace(microsecond=500_000)


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.symbol)
def test_the_price_moves_by_several_steps_in_most_seconds(listing: Listing) -> None:
    seconds = _path(3, listing, 1_000, every=4)
    moves = [abs(after - before) / listing.price_step for before, after in pairwise(seconds)]
    assert sum(move >= 2 for move in moves) > 850


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.symbol)
def test_the_price_moves_some_basis_points_a_minute_and_some_percent_a_day(
    listing: Listing,
) -> None:
    minutes = _mean_move(_path(3, listing, 1_000, every=_MINUTE)) * 10_000
    days = _mean_move(_path(3, listing, 365, every=_DAY)) * 100
    assert 1 < minutes < 20
    assert Decimal("0.5") < days < 8


def test_bitcoin_costs_nearly_the_same_in_dollars_and_in_tethers() -> None:
    pairs = zip(_path(5, _BTC, 500, _DAY), _path(5, _BTC_USD, 500, _DAY), strict=True)
    assert all(abs(tether / dollar - 1) < Decimal("0.003") for tether, dollar in pairs)


@pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.symbol)
def test_the_price_goes_through_a_limit_two_steps_away_within_two_minutes(
    listing: Listing,
) -> None:
    waits = [_ticks_until_through(seed, listing) for seed in range(400)]
    assert sorted(waits)[len(waits) // 2] <= 20
    # A walk that never comes back exists; it must be rare.
    assert sum(wait == 2 * _MINUTE for wait in waits) <= 8


def test_the_percentage_is_the_change_since_a_day_before() -> None:
    process = PriceProcess(1)
    now, before = process.last(_ETH, _START), process.last(_ETH, _START - _DAY)
    percentage = process.ticker(_ETH, _START).percentage
    assert percentage is not None
    assert abs(percentage - (now / before - 1) * 100) < Decimal("0.01")


def _ticks_until_through(seed: int, listing: Listing) -> int:
    process, start = PriceProcess(seed), _START + seed * 7_919
    limit = process.last(listing, start) - 3 * listing.price_step
    longest = 2 * _MINUTE
    beyond = (wait for wait in range(longest) if process.last(listing, start + wait) < limit)
    return next(beyond, longest)


def _mean_move(path: list[Decimal]) -> Decimal:
    moves = [abs(after / before - 1) for before, after in pairwise(path)]
    return sum(moves, Decimal(0)) / len(moves)
