from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.markets.order_books import BookLevel, OrderBook
from app.domain.order_kinds import PLACEABLE, OrderSide, TimeInForce
from app.domain.orders.order import OrderStatus
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.prices.depth import LEVELS, DepthProcess
from app.exchanges.paper.prices.listings import LISTINGS, Listing
from app.exchanges.paper.prices.price_path import PriceProcess, tick_of
from app.exchanges.paper.prices.simulated_markets import PaperTerms
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.rigs import TERMS, a_limit, an_intent, ticker_of

_START = datetime(2025, 6, 1, 12, tzinfo=UTC)
_RICH = PaperTerms(
    balances={"USDT": Decimal(10_000_000), "BTC": Decimal(100)},
    maker_fee=TERMS.maker_fee,
    taker_fee=TERMS.taker_fee,
    seed=TERMS.seed,
)

seeds = st.integers(min_value=0, max_value=2**63 - 1)
ticks = st.integers(min_value=0, max_value=tick_of(datetime(2100, 1, 1, tzinfo=UTC)))
listings = st.sampled_from(LISTINGS)


def _depth(seed: int) -> DepthProcess:
    return DepthProcess(seed, PriceProcess(seed))


def _worth(levels: Sequence[BookLevel]) -> Decimal:
    return money.total(money.multiply(level.price, level.amount) for level in levels)


def _taken(levels: Sequence[BookLevel], worth: int) -> int:
    """How many levels it takes to spend so much."""
    return next(n for n in range(1, LEVELS + 1) if _worth(levels[:n]) >= worth)


@given(seeds, listings, ticks)
def test_levels_are_on_step_ordered_from_the_best_and_grow(
    seed: int, listing: Listing, tick: int
) -> None:
    quote = PriceProcess(seed).quote(listing, tick)
    book = _depth(seed).book(listing, tick, LEVELS)
    assert (book.bids[0].price, book.asks[0].price) == (quote.bid, quote.ask)
    assert book.bids[-1].price > 0
    for side, sign in ((book.bids, -1), (book.asks, 1)):
        assert len(side) == LEVELS
        assert all((after.price - level.price) * sign > 0 for level, after in pairwise(side))
        assert all(after.amount >= level.amount > 0 for level, after in pairwise(side))
        assert side[-1].amount > 3 * side[0].amount
        assert all(money.is_on_step(level.price, listing.price_step) for level in side)
        assert all(money.is_on_step(level.amount, listing.amount_step) for level in side)


@given(seeds, listings, ticks)
def test_a_small_order_finds_enough_at_the_best_price_and_a_large_one_does_not(
    seed: int, listing: Listing, tick: int
) -> None:
    book = _depth(seed).book(listing, tick, LEVELS)
    for side in (book.bids, book.asks):
        assert _taken(side, 1_000) == 1
        assert _taken(side, 5_000) >= 3
        assert 200_000 < _worth(side) < 800_000


@given(seeds, listings, ticks)
def test_the_same_seed_and_time_give_the_same_book_and_volume(
    seed: int, listing: Listing, tick: int
) -> None:
    first, second = _depth(seed), _depth(seed)
    assert first.book(listing, tick, 5) == second.book(listing, tick, 5)
    assert first.traded(listing, tick) == second.traded(listing, tick)
    assert first.book(listing, tick, LEVELS).asks[:5] == second.book(listing, tick, 5).asks


@given(seeds, listings, ticks)
def test_the_volume_of_a_tick_is_on_step_and_between_its_bounds(
    seed: int, listing: Listing, tick: int
) -> None:
    last, traded = PriceProcess(seed).last(listing, tick), _depth(seed).traded(listing, tick)
    assert money.is_on_step(traded, listing.amount_step)
    assert 1_000 - last * listing.amount_step < traded * last <= 8_000


def test_books_never_change_between_releases() -> None:
    # What was traded in the past is worked out from the same function.
    book = _depth(1).book(LISTINGS[0], tick_of(_START), 3)
    facts = [(str(level.price), str(level.amount)) for level in (*book.bids, *book.asks)]
    assert facts == [
        ("56269.71", "0.02827"),
        ("56254.41", "0.03351"),
        ("56246.71", "0.03748"),
        ("56269.73", "0.03058"),
        ("56279.40", "0.03687"),
        ("56290.99", "0.03982"),
    ]
    assert str(_depth(1).traded(LISTINGS[0], tick_of(_START))) == "0.06344"


def test_every_tick_and_seed_has_a_book_of_its_own() -> None:
    tick = tick_of(_START)
    gaps = {_gaps(_depth(seed).book(LISTINGS[0], tick + n, 5)) for seed in (1, 2) for n in (0, 1)}
    assert len(gaps) == 4


@pytest.fixture
def exchange() -> PaperExchange:
    return PaperExchange(MemoryLedger(), ManualClock(_START), _RICH)


async def test_a_large_order_pays_for_the_depth_it_takes(exchange: PaperExchange) -> None:
    ask = (await ticker_of(exchange)).ask
    small = await exchange.submit(an_intent(amount=Decimal("0.017")))
    large = await exchange.submit(an_intent(amount=Decimal("0.09")))
    assert ask is not None
    assert [fill.price for fill in small.fills] == [ask]
    assert len(large.fills) >= 3
    assert large.cost is not None
    slippage = large.cost / Decimal("0.09") / ask - 1
    assert Decimal("0.00005") < slippage < Decimal("0.002")


@pytest.mark.parametrize("side", OrderSide)
@pytest.mark.parametrize(
    ("time_in_force", "status", "fills"),
    [
        (TimeInForce.IOC, OrderStatus.EXPIRED, LEVELS),
        (TimeInForce.FOK, OrderStatus.EXPIRED, 0),
        (TimeInForce.GTC, OrderStatus.PARTIALLY_FILLED, LEVELS),
    ],
)
async def test_a_limit_larger_than_the_book_takes_it_all_and_rests_or_expires(
    exchange: PaperExchange,
    side: OrderSide,
    time_in_force: TimeInForce,
    status: OrderStatus,
    fills: int,
) -> None:
    limit = Decimal(80_000 if side is OrderSide.BUY else 40_000)
    intent = a_limit(limit, side=side, amount=Decimal(50), time_in_force=time_in_force)
    report = await exchange.submit(intent)
    assert (report.status, len(report.fills)) == (status, fills)
    assert (report.refusal is not None) == (status is OrderStatus.EXPIRED)


@pytest.mark.parametrize("side", OrderSide)
async def test_a_market_order_larger_than_the_book_expires_with_what_it_got(
    exchange: PaperExchange, side: OrderSide
) -> None:
    book = await exchange.order_book("BTC/USDT", LEVELS)
    offered = book.asks if side is OrderSide.BUY else book.bids
    report = await exchange.submit(an_intent(side=side, amount=Decimal(50)))
    assert report.status is OrderStatus.EXPIRED
    assert [(fill.price, fill.amount) for fill in report.fills] == [
        (level.price, level.amount) for level in offered
    ]
    assert report.refusal is not None
    assert f"{money.plain(report.filled or money.ZERO)} of 50" in report.refusal.message


async def test_the_book_stands_around_the_ticker_to_the_depth_that_was_asked(
    exchange: PaperExchange,
) -> None:
    ticker, book = await ticker_of(exchange), await exchange.order_book("BTC/USDT", 7)
    assert (book.bids[0].price, book.asks[0].price, book.at) == (ticker.bid, ticker.ask, ticker.at)
    assert len(book.bids) == len(book.asks) == 7


def test_every_kind_of_order_is_offered(exchange: PaperExchange) -> None:
    assert set(exchange.capabilities.order_types) == set(PLACEABLE)
    assert exchange.capabilities.amend_order


def _gaps(book: OrderBook) -> tuple[Decimal, ...]:
    return tuple(after.price - level.price for level, after in pairwise(book.asks))
