"""Paper orders at prices that others make: what is seen counts, and nothing else does."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.domain.accounts import Connectivity
from app.domain.order_reports import OrderIntent, OrderReport
from app.domain.orders import OrderSide, OrderStatus, OrderType
from app.errors import ExchangeDoubt, ExchangeRejected, ExchangeUnavailable, RefusalCode
from app.exchanges.paper.floors import MET_PER_TRANSACTION
from app.exchanges.paper.followed import FRESH, POLL_SECONDS
from app.storage.paper import PaperBooks
from tests.exchanges.conftest import START
from tests.exchanges.followed_rigs import HandRig
from tests.exchanges.memory import MemoryBooks
from tests.exchanges.rigs import (
    TERMS,
    a_limit,
    a_triggered,
    an_intent,
    is_rejected,
    key_of,
    running,
    terms_of,
)
from tests.fakes import ManualClock

BELOW = Decimal(49_000)


@pytest.fixture
def hand() -> HandRig:
    return HandRig(MemoryBooks(), ManualClock(START))


def a_stop(trigger: Decimal = BELOW, **changes: Any) -> OrderIntent:
    return a_triggered(OrderType.STOP_MARKET, OrderSide.SELL, trigger, **changes)


async def found(rig: HandRig, intent: OrderIntent) -> OrderReport:
    report = await rig.gateway.find(key_of(intent))
    assert report is not None
    return report


async def status(rig: HandRig, intent: OrderIntent) -> OrderStatus:
    return (await found(rig, intent)).status


async def refuses(rig: HandRig, intent: OrderIntent, words: str) -> None:
    """Surely not placed, and said so."""
    before = await rig.gateway.balances()
    with pytest.raises(ExchangeUnavailable, match=words):
        await rig.gateway.submit(intent)
    assert await rig.gateway.find(key_of(intent)) is None
    assert await rig.gateway.balances() == before


@pytest.mark.parametrize(
    ("symbol", "code", "words"),
    [
        ("BTC/USDT:USDT", RefusalCode.UNSUPPORTED, "BTC/USDT:USDT is none"),
        ("ODD/USDT", RefusalCode.UNSUPPORTED, "does not tell the steps"),
        ("OLD/USDT", RefusalCode.REJECTED_BY_EXCHANGE, "stopped the trading of OLD/USDT"),
        ("NO/SUCH", RefusalCode.UNKNOWN_SYMBOL, "lists no NO/SUCH"),
    ],
)
async def test_only_spot_markets_that_are_open_take_orders(
    hand: HandRig, symbol: str, code: RefusalCode, words: str
) -> None:
    refusal = await is_rejected(hand, an_intent(symbol=symbol), code)
    assert words in refusal.message
    assert refusal.field == ("symbol",)
    assert hand.prices.asked == {}


async def test_the_least_amount_of_the_market_is_kept_to(hand: HandRig) -> None:
    refusal = await is_rejected(
        hand, an_intent(amount=Decimal("0.00019")), RefusalCode.INVALID_INPUT
    )
    assert "0.0002" in refusal.message


async def test_markets_tell_what_trading_costs_here_and_are_worked_out_once(hand: HandRig) -> None:
    markets = await hand.gateway.markets()
    assert markets["BTC/USDT"].fees == TERMS.rates
    assert await hand.gateway.markets() is markets
    theirs = dict(hand.prices._markets)
    del theirs["DOGE/USDT"]
    hand.prices._markets = theirs
    assert list(await hand.gateway.markets()) == list(theirs)


async def test_an_asset_begins_at_nothing_when_it_is_first_traded(books: PaperBooks) -> None:
    hand = HandRig(books, ManualClock(START))
    assert "DOGE" not in await hand.gateway.balances()
    intent = an_intent(symbol="DOGE/USDT")
    await is_rejected(hand, an_intent(symbol="NO/SUCH"), RefusalCode.UNKNOWN_SYMBOL)
    await asyncio.gather(hand.gateway.submit(intent), hand.restarted().gateway.submit(an_intent()))
    balances = await hand.restarted().gateway.balances()
    assert (balances["DOGE"].free, balances["BTC"].free) == (Decimal("0.01"), Decimal("0.51"))
    sold = await hand.gateway.submit(an_intent(symbol="DOGE/USDT", side=OrderSide.SELL))
    assert sold.status is OrderStatus.FILLED
    assert (await hand.gateway.balances())["DOGE"].free == 0


async def test_without_a_price_nothing_is_placed_and_nothing_guessed(hand: HandRig) -> None:
    hand.prices.hidden = {"BTC/USDT"}
    await refuses(hand, an_intent(), "tells no price of BTC/USDT")
    hand.prices.hidden = set()
    hand.prices.is_stale = True
    await refuses(hand, an_intent(), "tells no price of BTC/USDT")
    hand.prices.is_stale = False
    hand.prices.amounts = ()
    await refuses(hand, an_intent(), "tells no price of BTC/USDT")


@pytest.mark.parametrize("error", [ExchangeDoubt, ExchangeUnavailable])
async def test_a_question_after_the_price_that_fails_leaves_no_doubt(
    hand: HandRig, error: type[ExchangeDoubt | ExchangeUnavailable]
) -> None:
    placed = a_limit(BELOW)
    await hand.gateway.submit(placed)
    hand.prices.failure = error("the line is cut")
    await refuses(hand, an_intent(), "the line is cut")
    with pytest.raises(ExchangeUnavailable, match="the line is cut"):
        await hand.gateway.amend(key_of(placed), terms_of(a_limit(Decimal(48_000))))
    assert (await found(hand, placed)).terms == (await hand.gateway.open_orders())[0].terms


async def test_a_price_that_has_grown_old_on_the_way_is_not_traded_at(hand: HandRig) -> None:
    async def dawdles() -> None:
        hand.clock._now += FRESH + timedelta(seconds=1)

    hand.prices.on_book = dawdles
    await refuses(hand, an_intent(), "6 s old by now")


async def test_a_price_from_before_the_order_does_not_fill_it(hand: HandRig) -> None:
    earlier, later = a_limit(BELOW), a_limit(BELOW)
    await hand.gateway.submit(earlier)

    async def orders() -> None:
        hand.prices.on_tickers = None
        hand.prices.move(50_000)
        await hand.gateway.submit(later)

    async with running(hand):
        hand.prices.move(48_000)
        hand.prices.on_tickers = orders
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, earlier) is OrderStatus.FILLED
        assert await status(hand, later) is OrderStatus.OPEN
        hand.prices.move(48_000)
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, later) is OrderStatus.FILLED


async def test_a_limit_beyond_which_was_traded_is_filled_whole(hand: HandRig) -> None:
    hand.prices.amounts = (Decimal("0.001"),)
    intent = a_limit(BELOW, amount=Decimal("0.2"))
    await hand.gateway.submit(intent)
    async with running(hand):
        hand.prices.move("48999.99")
        await hand.clock.advance(POLL_SECONDS)
    report = await found(hand, intent)
    assert [(fill.price, fill.amount) for fill in report.fills] == [(BELOW, Decimal("0.2"))]


async def test_what_a_stop_needs_and_cannot_be_seen_is_waited_for(hand: HandRig) -> None:
    stop, limit = a_stop(), a_limit(BELOW)
    for intent in (stop, limit):
        await hand.gateway.submit(intent)
    async with running(hand):
        hand.prices.move(48_000)
        hand.prices.amounts = ()
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, stop) is OrderStatus.OPEN
        assert await status(hand, limit) is OrderStatus.FILLED
        hand.prices.amounts = (Decimal(1),)
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, stop) is OrderStatus.FILLED


async def test_a_stop_takes_level_by_level_and_says_what_was_not_there(hand: HandRig) -> None:
    stop = a_stop(amount=Decimal("0.4"))
    await hand.gateway.submit(stop)
    hand.prices.amounts = (Decimal("0.1"), Decimal("0.2"))
    async with running(hand):
        hand.prices.move(48_000)
        await hand.clock.advance(POLL_SECONDS)
    report = await found(hand, stop)
    assert (report.status, report.filled) == (OrderStatus.EXPIRED, Decimal("0.3"))
    assert report.refusal is not None
    assert "0.3 of 0.4" in report.refusal.message
    assert [str(fill.price) for fill in report.fills] == ["47999.99", "47999.98"]


async def test_two_processes_fill_an_order_once(hand: HandRig) -> None:
    intent, other = a_limit(BELOW), hand.restarted()
    await hand.gateway.submit(intent)
    async with running(hand):
        loop = asyncio.create_task(other.gateway.run())
        await hand.clock.until_asleep(2)
        hand.prices.move(48_000)
        await hand.clock.advance(3 * POLL_SECONDS)
        loop.cancel()
        await asyncio.wait([loop])
    assert len((await found(hand, intent)).fills) == 1
    assert (await hand.gateway.balances())["BTC"].free == Decimal("0.51")


async def test_an_order_of_another_process_is_filled_when_that_one_is_gone(hand: HandRig) -> None:
    async with running(hand):
        intent = a_limit(BELOW)
        await hand.restarted().gateway.submit(intent)
        hand.prices.move(48_000)
        await hand.clock.advance(2 * POLL_SECONDS)
        assert await status(hand, intent) is OrderStatus.FILLED


class CountedBooks(MemoryBooks):
    """Books that count how often they were opened for a change."""

    transactions = 0

    def transaction(self) -> Any:
        self.transactions += 1
        return super().transaction()


async def test_a_crash_of_the_price_fills_a_hundred_orders_in_a_transaction() -> None:
    books = CountedBooks()
    hand = HandRig(books, ManualClock(START))
    intents = [a_limit(BELOW, amount=Decimal("0.0005")) for _ in range(2 * MET_PER_TRANSACTION + 1)]
    for intent in intents:
        await hand.gateway.submit(intent)
    async with running(hand):
        asked, booked = hand.prices.asked["tickers"], books.transactions
        hand.prices.move(48_000)
        await hand.clock.advance(POLL_SECONDS)
        assert hand.prices.asked["tickers"] == asked + 1
        assert books.transactions == booked + 3
    assert {await status(hand, intent) for intent in intents} == {OrderStatus.FILLED}


async def test_nobody_is_asked_for_a_price_that_nothing_waits_for(hand: HandRig) -> None:
    async with running(hand):
        await hand.clock.advance(3 * POLL_SECONDS)
        assert hand.prices.asked == {}
        intent = a_limit(BELOW)
        await hand.gateway.submit(intent)
        asked = hand.prices.asked["tickers"]
        await hand.clock.advance(3 * POLL_SECONDS)
        assert hand.prices.asked["tickers"] == asked + 3
        await hand.gateway.cancel(key_of(intent))
        await hand.clock.advance(3 * POLL_SECONDS)
        assert hand.prices.asked["tickers"] == asked + 3


@pytest.mark.parametrize(("error", "said"), [(ExchangeUnavailable, 0), (ExchangeDoubt, 2)])
async def test_prices_that_fail_are_asked_for_again(
    hand: HandRig, error: type[ExchangeDoubt | ExchangeUnavailable], said: int
) -> None:
    intent = a_limit(BELOW)
    await hand.gateway.submit(intent)
    with capture_logs() as logs:
        async with running(hand):
            hand.prices.failure = error("the line is cut")
            hand.prices.move(48_000)
            await hand.clock.advance(2 * POLL_SECONDS)
            hand.prices.failure = None
            await hand.clock.advance(POLL_SECONDS)
            assert await status(hand, intent) is OrderStatus.FILLED
    assert [entry["event"] for entry in logs] == ["paper_matching_failed"] * said


async def test_the_connection_is_that_of_the_prices(hand: HandRig) -> None:
    hand.prices.state = Connectivity.DISCONNECTED
    assert hand.gateway.connection.connectivity is Connectivity.DISCONNECTED
    hand.prices.failure = ExchangeUnavailable("away")
    for asked in (hand.gateway.markets(), hand.gateway.tickers(["BTC/USDT"])):
        with pytest.raises(ExchangeUnavailable, match="away"):
            await asked


async def test_a_wire_id_is_not_used_twice(hand: HandRig) -> None:
    intent = an_intent()
    await hand.gateway.submit(intent)
    with pytest.raises(ExchangeDoubt):
        await hand.gateway.submit(intent)
    with pytest.raises(ExchangeRejected, match="PRECISION"):
        await hand.gateway.submit(an_intent(amount=Decimal("0.010001")))
