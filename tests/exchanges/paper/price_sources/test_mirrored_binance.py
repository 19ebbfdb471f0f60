"""Paper orders at a real exchange's prices, over the genuine ccxt."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain.accounts import Connectivity
from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.errors import ExchangeRejected, ExchangeUnavailable, RefusalCode
from app.exchanges.ccxt.connection.sessions import LONGEST_PAUSE_SECONDS
from app.exchanges.paper.price_sources.mirrored import POLL_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.mirrored import BinancePaper, paper_at_binance, trading_on
from tests.support.exchanges.rigs import TERMS, a_limit, a_triggered, an_intent, heard, key_of
from tests.support.venues.binance.running import running_venue
from tests.support.venues.engine.tape import Quote
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

MARKET = "BTCUSDT"


@pytest.fixture
async def paper() -> AsyncIterator[BinancePaper]:
    async with paper_at_binance(ManualClock(START)) as paper:
        yield paper


async def test_a_market_order_fills_at_the_exchanges_own_bid_or_ask(paper: BinancePaper) -> None:
    paper.venue.quote(MARKET, Quote(bid=Decimal(48_000), ask=Decimal(48_010)), last=48_005)
    bought = await paper.gateway.submit(an_intent())
    sold = await paper.gateway.submit(an_intent(side=OrderSide.SELL))
    for report, price in ((bought, Decimal(48_010)), (sold, Decimal(48_000))):
        (fill,) = report.fills
        assert (report.status, fill.price, fill.is_maker) == (OrderStatus.FILLED, price, False)
        assert fill.fee is not None
        assert fill.fee.amount == price * Decimal("0.01") * TERMS.taker_fee
    assert (await paper.gateway.balances())["BTC"].free == Decimal("0.5")
    assert paper.venue.journal.count(RequestKind.CREATE_ORDER) == 0


async def test_an_order_takes_level_by_level_and_no_more_than_is_there(
    paper: BinancePaper,
) -> None:
    thin = Quote(bid=Decimal(100), ask=Decimal(101), bid_amount=Decimal("0.01"))
    paper.venue.quote(MARKET, thin, last=100)
    report = await paper.gateway.submit(an_intent(side=OrderSide.SELL, amount=Decimal("0.4")))
    assert (report.status, report.filled) == (OrderStatus.EXPIRED, Decimal("0.05"))
    prices = [Decimal(100), *(Decimal(cents) / 100 for cents in (9_999, 9_998, 9_997, 9_996))]
    assert [fill.price for fill in report.fills] == prices
    assert report.refusal is not None
    assert "0.05 of 0.4" in report.refusal.message


async def test_a_limit_waits_until_the_price_has_gone_through_it(paper: BinancePaper) -> None:
    news = paper.gateway.news()
    intent = a_limit(Decimal(49_000))
    assert (await paper.gateway.submit(intent)).status is OrderStatus.OPEN
    await heard(news)
    paper.venue.move(MARKET, 49_000)
    await paper.clock.advance(POLL_SECONDS)
    assert (await _found(paper, intent)).status is OrderStatus.OPEN
    paper.venue.move(MARKET, "48999.99")
    await paper.clock.advance(POLL_SECONDS)
    report = await _found(paper, intent)
    (fill,) = report.fills
    assert (report.status, fill.price, fill.is_maker) == (OrderStatus.FILLED, intent.price, True)
    assert await heard(news) == report


async def test_a_stop_is_set_off_by_the_last_price_and_sells_at_the_bid(
    paper: BinancePaper,
) -> None:
    intent = a_triggered(OrderType.STOP_MARKET, OrderSide.SELL, Decimal(49_000))
    await paper.gateway.submit(intent)
    paper.venue.move(MARKET, "49000.01")
    await paper.clock.advance(POLL_SECONDS)
    assert (await _found(paper, intent)).status is OrderStatus.OPEN
    gap = Quote(bid=Decimal(48_500), ask=Decimal(49_100))
    paper.venue.quote(MARKET, gap, last=49_000)
    await paper.clock.advance(POLL_SECONDS)
    report = await _found(paper, intent)
    assert report.status is OrderStatus.FILLED
    assert [(fill.price, fill.is_maker) for fill in report.fills] == [(gap.bid, False)]


async def test_while_the_exchange_is_away_orders_can_be_canceled_and_none_be_placed(
    paper: BinancePaper,
) -> None:
    kept, unwanted = a_limit(Decimal(49_000)), a_limit(Decimal(48_000))
    for intent in (kept, unwanted):
        await paper.gateway.submit(intent)
    paper.venue.black_out()
    await _away(paper)
    refused = an_intent()
    with pytest.raises(ExchangeUnavailable):
        await paper.gateway.submit(refused)
    assert await paper.gateway.find(key_of(refused)) is None
    canceled = await paper.gateway.cancel(key_of(unwanted))
    assert canceled is not None
    assert canceled.status is OrderStatus.CANCELED
    assert [one.wire_id for one in await paper.gateway.open_orders()] == [kept.wire_id]
    assert (await paper.gateway.balances())["USDT"].used == 490 * (1 + TERMS.taker_fee)
    with pytest.raises(ExchangeUnavailable):
        await paper.gateway.tickers(["BTC/USDT"])


async def test_an_exchange_that_comes_back_is_traded_on_at_the_price_that_is_then(
    paper: BinancePaper,
) -> None:
    passed, reached = a_limit(Decimal(49_000)), a_limit(Decimal(49_900))
    for intent in (passed, reached):
        await paper.gateway.submit(intent)
    paper.venue.black_out()
    await _away(paper)
    paper.venue.move(MARKET, 40_000)
    paper.venue.move(MARKET, 49_500)
    paper.venue.light_up()
    await _back(paper)
    await paper.clock.advance(2 * POLL_SECONDS)
    assert (await _found(paper, passed)).status is OrderStatus.OPEN
    assert (await _found(paper, reached)).status is OrderStatus.FILLED
    assert (await paper.gateway.submit(an_intent())).fills[0].price == 49_500


@pytest.mark.parametrize("kind", [RequestKind.TICKER, RequestKind.DEPTH])
async def test_an_unanswered_question_leaves_no_doubt_about_the_order(
    paper: BinancePaper, kind: RequestKind
) -> None:
    paper.venue.faults.on(kind, faults.CUT, times=None)
    intent = an_intent()
    with pytest.raises(ExchangeUnavailable, match="no price of BTC/USDT can be had"):
        await paper.gateway.submit(intent)
    assert await paper.gateway.find(key_of(intent)) is None
    paper.venue.faults.off(kind)
    assert (await paper.gateway.submit(intent)).status is OrderStatus.FILLED


async def test_a_restart_keeps_the_orders_and_cancels_them_before_it_is_connected() -> None:
    clock, books = ManualClock(START), MemoryLedger()
    kept, unwanted = a_limit(Decimal(49_000)), a_limit(Decimal(48_000))
    async with running_venue(clock) as venue:
        async with trading_on(venue, clock, books) as paper:
            await paper.opens()
            placed = [await paper.gateway.submit(intent) for intent in (kept, unwanted)]
        venue.black_out()
        async with trading_on(venue, clock, books) as paper:
            assert await paper.gateway.open_orders() == placed
            await _disconnected(paper)
            with pytest.raises(ExchangeUnavailable):
                await paper.gateway.markets()
            canceled = await paper.gateway.cancel(key_of(unwanted))
            assert canceled is not None
            assert canceled.status is OrderStatus.CANCELED
            venue.light_up()
            venue.move(MARKET, 48_500)
            await paper.clock.advance(1)
            await paper.opens()
            await paper.clock.advance(POLL_SECONDS)
            assert (await _found(paper, kept)).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Decimal("0.010001")}, RefusalCode.PRECISION),
        ({"amount": Decimal("0.00002")}, RefusalCode.MIN_NOTIONAL),
        ({"symbol": "NO/SUCH"}, RefusalCode.UNKNOWN_SYMBOL),
        ({"symbol": "SOL/USDT"}, RefusalCode.UNKNOWN_SYMBOL),
    ],
)
async def test_the_exchanges_own_markets_and_rules_count(
    paper: BinancePaper, changes: dict[str, object], code: RefusalCode
) -> None:
    with pytest.raises(ExchangeRejected) as caught:
        await paper.gateway.submit(an_intent(**changes))
    assert caught.value.refusal.code is code


async def test_prices_are_asked_for_in_one_question_and_only_while_anything_waits(
    paper: BinancePaper,
) -> None:
    journal = paper.venue.journal
    await paper.clock.advance(10 * POLL_SECONDS)
    assert journal.count(RequestKind.TICKER) == 0
    intents = [a_limit(Decimal(2_000), symbol="ETH/USDT"), a_limit(Decimal(40_000))]
    for intent in intents:
        await paper.gateway.submit(intent)
    before = journal.count(RequestKind.TICKER)
    await paper.clock.advance(3 * POLL_SECONDS)
    asked = journal.of(RequestKind.TICKER)[before:]
    assert [one.params for one in asked] == [{"symbols": '["BTCUSDT","ETHUSDT"]'}] * 3
    for intent in intents:
        await paper.gateway.cancel(key_of(intent))
    await paper.clock.advance(3 * POLL_SECONDS)
    assert journal.count(RequestKind.TICKER) == before + 3


async def _found(paper: BinancePaper, intent: OrderIntent) -> OrderReport:
    found = await paper.gateway.find(key_of(intent))
    assert found is not None
    return found


async def _away(paper: BinancePaper) -> None:
    """Let time pass until the exchange is known to be away."""
    async with asyncio.timeout(10):
        while paper.gateway.connection.connectivity is not Connectivity.DISCONNECTED:
            await paper.clock.advance(POLL_SECONDS)


async def _disconnected(paper: BinancePaper) -> None:
    async with asyncio.timeout(10):
        while paper.gateway.connection.connectivity is not Connectivity.DISCONNECTED:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await paper.clock.until_asleep(2)


async def _back(paper: BinancePaper) -> None:
    await paper.clock.advance(LONGEST_PAUSE_SECONDS)
    async with asyncio.timeout(10):
        while paper.gateway.connection.connectivity is not Connectivity.CONNECTED:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
