"""Paper orders at prices that others make: what is seen counts, and nothing else does."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.domain.accounts import Connectivity
from app.domain.order_kinds import OrderSide
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeDoubt, ExchangeRejected, ExchangeUnavailable, RefusalCode
from app.exchanges.paper.price_sources.mirrored import FRESH, OLDEST, PATIENCE_SECONDS
from app.storage.paper import PaperLedgers
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.mirrored import ManualRig
from tests.support.exchanges.random_sessions import JumpingClock
from tests.support.exchanges.rigs import TERMS, a_limit, an_intent, is_rejected, key_of, terms_of

BELOW = Decimal(49_000)


@pytest.fixture
def hand() -> ManualRig:
    return ManualRig(MemoryLedger(), ManualClock(START))


async def refuses(rig: ManualRig, intent: OrderIntent, words: str) -> None:
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
    hand: ManualRig, symbol: str, code: RefusalCode, words: str
) -> None:
    refusal = await is_rejected(hand, an_intent(symbol=symbol), code)
    assert words in refusal.message
    assert refusal.field == ("symbol",)
    assert hand.prices.asked == {}


async def test_the_least_amount_of_the_market_is_kept_to(hand: ManualRig) -> None:
    refusal = await is_rejected(
        hand, an_intent(amount=Decimal("0.00019")), RefusalCode.INVALID_INPUT
    )
    assert "0.0002" in refusal.message


async def test_markets_tell_what_trading_costs_here_and_are_worked_out_once(
    hand: ManualRig,
) -> None:
    markets = await hand.gateway.markets()
    assert markets["BTC/USDT"].fees == TERMS.rates
    assert await hand.gateway.markets() is markets
    theirs = dict(hand.prices._markets)
    del theirs["DOGE/USDT"]
    hand.prices._markets = theirs
    assert list(await hand.gateway.markets()) == list(theirs)


async def test_an_asset_begins_at_nothing_when_it_is_first_traded(books: PaperLedgers) -> None:
    hand = ManualRig(books, ManualClock(START))
    assert "DOGE" not in await hand.gateway.balances()
    intent = an_intent(symbol="DOGE/USDT")
    await is_rejected(hand, an_intent(symbol="NO/SUCH"), RefusalCode.UNKNOWN_SYMBOL)
    await asyncio.gather(hand.gateway.submit(intent), hand.restarted().gateway.submit(an_intent()))
    balances = await hand.restarted().gateway.balances()
    assert (balances["DOGE"].free, balances["BTC"].free) == (Decimal("0.01"), Decimal("0.51"))
    sold = await hand.gateway.submit(an_intent(symbol="DOGE/USDT", side=OrderSide.SELL))
    assert sold.status is OrderStatus.FILLED
    assert (await hand.gateway.balances())["DOGE"].free == 0


async def test_without_a_price_nothing_is_placed_and_nothing_guessed(hand: ManualRig) -> None:
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
    hand: ManualRig, error: type[ExchangeDoubt | ExchangeUnavailable]
) -> None:
    placed = a_limit(BELOW)
    await hand.gateway.submit(placed)
    hand.prices.failure = error("the line is cut")
    await refuses(hand, an_intent(), "the line is cut")
    with pytest.raises(ExchangeUnavailable, match="the line is cut"):
        await hand.gateway.amend(key_of(placed), terms_of(a_limit(Decimal(48_000))))
    (waiting,) = await hand.gateway.open_orders()
    assert waiting.terms is not None
    assert waiting.terms.terms == terms_of(placed)


class SlowBooks(MemoryLedger):
    """Books that somebody else holds for a while."""

    def __init__(self, clock: JumpingClock) -> None:
        super().__init__()
        self.held_seconds = 0.0
        self._clock = clock

    def transaction(self) -> Any:
        self._clock.move(self.held_seconds)
        return super().transaction()


async def test_a_price_that_has_grown_old_on_the_way_is_not_traded_at() -> None:
    clock = JumpingClock(START)
    books = SlowBooks(clock)
    hand = ManualRig(books, clock)
    await hand.gateway.balances()
    books.held_seconds = FRESH.total_seconds()
    assert (await hand.gateway.submit(an_intent())).status is OrderStatus.FILLED
    books.held_seconds += 1
    await refuses(hand, an_intent(), "6 s old by now")


async def test_a_price_that_is_not_told_in_time_is_not_waited_for(hand: ManualRig) -> None:
    hand.prices.on_book = asyncio.Event().wait
    intent = an_intent()
    submitting = asyncio.create_task(hand.gateway.submit(intent))
    await hand.clock.until_asleep()
    await hand.clock.advance(PATIENCE_SECONDS)
    with pytest.raises(ExchangeUnavailable, match="no answer within 5 s"):
        await asyncio.wait_for(submitting, 5)
    assert await hand.gateway.find(key_of(intent)) is None


async def test_an_order_book_of_long_ago_is_no_price(hand: ManualRig) -> None:
    hand.prices.book_age = OLDEST
    assert (await hand.gateway.submit(an_intent())).status is OrderStatus.FILLED
    hand.prices.book_age += timedelta(seconds=1)
    await refuses(hand, an_intent(), "tells no price of BTC/USDT")


async def test_the_connection_is_that_of_the_prices(hand: ManualRig) -> None:
    hand.prices.state = Connectivity.DISCONNECTED
    assert hand.gateway.connection.connectivity is Connectivity.DISCONNECTED
    hand.prices.failure = ExchangeUnavailable("away")
    for asked in (hand.gateway.markets(), hand.gateway.tickers(["BTC/USDT"])):
        with pytest.raises(ExchangeUnavailable, match="away"):
            await asked


async def test_a_wire_id_is_not_used_twice(hand: ManualRig) -> None:
    intent = an_intent()
    await hand.gateway.submit(intent)
    with pytest.raises(ExchangeDoubt):
        await hand.gateway.submit(intent)
    with pytest.raises(ExchangeRejected, match="PRECISION"):
        await hand.gateway.submit(an_intent(amount=Decimal("0.010001")))
