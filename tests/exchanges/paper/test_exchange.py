import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.errors import (
    ExchangeRejected,
    RefusalCode,
    StorageUnavailable,
)
from app.exchanges.paper.account.ledger import LedgerStore, LedgerUpdate, LedgerView
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.prices.listings import LISTINGS
from app.exchanges.paper.prices.price_path import PriceProcess, tick_of, time_of
from tests.conftest import on_each_database
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.rigs import (
    TERMS,
    PaperRig,
    a_limit,
    a_triggered,
    an_intent,
    heard,
    is_rejected,
    key_of,
    running,
    steps_off,
    ticker_of,
)


@on_each_database
async def test_a_limit_two_steps_off_fills_by_itself_at_its_own_price(paper: PaperRig) -> None:
    async with running(paper):
        news = paper.gateway.news()
        intent = await _buy_below(paper)
        await paper.clock.advance(60)
        placed, filled = await heard(news), await heard(news)
    (fill,) = filled.fills
    assert (placed.status, filled.status) == (OrderStatus.OPEN, OrderStatus.FILLED)
    assert filled == await paper.gateway.find(key_of(intent))
    assert (fill.price, fill.amount, fill.is_maker) == (intent.price, intent.amount, True)
    assert fill.fee is not None
    assert fill.fee.amount == money.multiply(filled.cost or money.ZERO, TERMS.maker_fee)
    assert (await paper.gateway.balances())["USDT"].used == 0


@on_each_database
@pytest.mark.parametrize(("side", "steps"), [(OrderSide.BUY, -300), (OrderSide.SELL, 300)])
async def test_it_fills_at_the_first_tick_that_is_beyond_and_not_before(
    paper: PaperRig, side: OrderSide, steps: int
) -> None:
    async with running(paper):
        limit = steps_off((await ticker_of(paper.gateway)).last, steps)
        intent = a_limit(limit, side=side)
        await paper.gateway.submit(intent)
        due = _first_tick_beyond(paper, intent)
        await paper.clock.advance((time_of(due - 1) - paper.clock.now()).total_seconds())
        assert await _status(paper, intent) is OrderStatus.OPEN
        await paper.clock.advance(0.25)
        assert await _status(paper, intent) is OrderStatus.FILLED


@on_each_database
async def test_a_process_that_was_away_fills_what_traded_through_meanwhile(
    paper: PaperRig,
) -> None:
    intent = await _buy_below(paper)
    due = _first_tick_beyond(paper, intent)
    await paper.clock.advance(300)
    async with running(paper.restarted()) as restarted:
        found = await restarted.gateway.find(key_of(intent))
    assert found is not None
    assert [fill.at for fill in found.fills] == [time_of(due)]


@on_each_database
async def test_an_order_of_another_process_is_filled_once_when_that_one_is_gone(
    paper: PaperRig,
) -> None:
    async with running(paper):
        other = paper.restarted()
        intent = await _buy_below(other)
        await paper.clock.advance(60)
        assert await _status(paper, intent) is OrderStatus.FILLED


@on_each_database
async def test_two_processes_over_the_same_books_fill_an_order_once(paper: PaperRig) -> None:
    other = paper.restarted()
    before = await paper.gateway.balances()
    async with running(paper):
        loop = asyncio.create_task(other.gateway.run())
        await paper.clock.until_asleep(2)
        intent = await _buy_below(other)
        await paper.clock.advance(60)
        found = await paper.gateway.find(key_of(intent))
        loop.cancel()
        await asyncio.wait([loop])
    assert found is not None
    assert len(found.fills) == 1
    assert (await paper.gateway.balances())["BTC"].free == before["BTC"].free + intent.amount


@on_each_database
async def test_a_canceled_order_never_fills_wherever_it_was_canceled(paper: PaperRig) -> None:
    async with running(paper):
        mine, others = await _buy_below(paper), await _buy_below(paper)
        await paper.gateway.cancel(key_of(mine))
        await paper.restarted().gateway.cancel(key_of(others))
        await paper.clock.advance(60)
        for intent in (mine, others):
            assert await _status(paper, intent) is OrderStatus.CANCELED


@on_each_database
async def test_a_restart_forgets_nothing(paper: PaperRig) -> None:
    intents = [an_intent(), an_intent(side=OrderSide.SELL), a_limit(Decimal(20_000))]
    for intent in intents:
        await paper.gateway.submit(intent)
    restarted = paper.restarted().gateway
    assert await restarted.balances() == await paper.gateway.balances()
    for intent in intents:
        found = await restarted.find(key_of(intent))
        assert found is not None
        assert found == await paper.gateway.find(key_of(intent))


async def test_the_same_seed_and_times_give_the_same_fills() -> None:
    reports = []
    for _ in range(2):
        rig = PaperRig(MemoryLedger(), ManualClock(START))
        async with running(rig):
            market, limit = an_intent(), await _buy_below(rig)
            await rig.clock.advance(60)
            await rig.gateway.submit(market)
            found = [await rig.gateway.find(key_of(intent)) for intent in (market, limit)]
        reports.append([_facts(report) for report in found])
    assert reports[0] == reports[1]


@on_each_database
async def test_the_deposit_is_made_once_even_by_two_first_starts_at_once(
    paper: PaperRig,
) -> None:
    first, second = paper, paper.restarted()
    balances = await asyncio.gather(first.gateway.balances(), second.gateway.balances())
    assert balances[0] == balances[1]
    assert balances[0]["USDT"].free == 10_000


@on_each_database
async def test_other_balances_in_the_settings_do_not_refill_an_account(paper: PaperRig) -> None:
    await paper.gateway.submit(an_intent(amount=Decimal("0.1")))
    left = await paper.gateway.balances()
    richer = replace(TERMS, balances={"USDT": Decimal(1_000_000), "DOGE": Decimal(5)})
    later = PaperExchange(paper.books, paper.clock, richer)
    after = await later.balances()
    assert {asset: after[asset] for asset in left} == left
    assert after["DOGE"].free == 0


@on_each_database
async def test_orders_of_two_processes_at_once_get_ids_of_their_own(paper: PaperRig) -> None:
    gateways = [paper.gateway, paper.restarted().gateway]
    before = await paper.gateway.balances()
    reports = await asyncio.gather(
        *(gateways[n % 2].submit(an_intent(amount=Decimal("0.001"))) for n in range(20))
    )
    assert len({report.exchange_order_id for report in reports}) == 20
    assert len({fill.trade_id for report in reports for fill in report.fills}) == 20
    spent = money.total(
        money.add(report.cost or money.ZERO, fill.fee.amount)
        for report in reports
        for fill in report.fills
        if fill.fee
    )
    assert (await paper.gateway.balances())["USDT"].free == before["USDT"].free - spent


@on_each_database
async def test_money_for_one_order_is_never_spent_by_two_at_once(paper: PaperRig) -> None:
    gateways = [paper.gateway, paper.restarted().gateway]
    answers = await asyncio.gather(
        *(gateways[n % 2].submit(an_intent(amount=Decimal("0.1"))) for n in range(6)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, OrderReport) for answer in answers) == 1
    refused = [answer for answer in answers if isinstance(answer, ExchangeRejected)]
    assert {answer.refusal.code for answer in refused} == {RefusalCode.INSUFFICIENT_FUNDS}


@on_each_database
@pytest.mark.parametrize("failing", [{"reading", "writing"}, {"writing"}, {"committing"}])
async def test_storage_that_fails_for_a_while_costs_no_fill(
    paper: PaperRig, failing: set[str]
) -> None:
    flaky = FlakyBooks(paper.books)
    paper.gateway = PaperExchange(flaky, paper.clock, TERMS, paper.faults)
    async with running(paper):
        intent = await _buy_below(paper)
        due = _first_tick_beyond(paper, intent)
        flaky.failing = failing
        await paper.clock.advance(120)
        flaky.failing = set()
        await paper.clock.advance(5)
        found = await paper.gateway.find(key_of(intent))
    assert found is not None
    assert [fill.at for fill in found.fills] == [time_of(due)]


class FlakyBooks:
    """Books whose database is away now and then."""

    def __init__(self, books: LedgerStore) -> None:
        self._books = books
        self.failing: set[str] = set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[LedgerUpdate]:
        if "writing" in self.failing:
            raise StorageUnavailable("the database cannot be reached")
        async with self._books.transaction() as books:
            yield books
            if "committing" in self.failing:
                raise StorageUnavailable("the disk of the database is full")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[LedgerView]:
        if "reading" in self.failing:
            raise StorageUnavailable("the database cannot be reached")
        async with self._books.snapshot() as books:
            yield books


async def _buy_below(rig: PaperRig) -> OrderIntent:
    intent = a_limit(steps_off((await ticker_of(rig.gateway)).bid, -2))
    await rig.gateway.submit(intent)
    return intent


async def _status(rig: PaperRig, intent: OrderIntent) -> OrderStatus | None:
    report = await rig.gateway.find(key_of(intent))
    return None if report is None else report.status


def _first_tick_beyond(rig: PaperRig, intent: OrderIntent) -> int:
    """Worked out from the prices alone."""
    process, start = PriceProcess(TERMS.seed), tick_of(rig.clock.now()) + 1
    assert intent.price is not None
    for tick in range(start, start + timedelta(minutes=10) // timedelta(milliseconds=250)):
        last = process.last(LISTINGS[0], tick)
        if last < intent.price if intent.side is OrderSide.BUY else last > intent.price:
            return tick
    raise AssertionError("the price never went there")


def _facts(report: OrderReport | None) -> object:
    assert report is not None
    return report.status, report.at, [(fill.price, fill.amount, fill.fee) for fill in report.fills]


async def test_insufficient_funds_names_what_is_needed_and_what_is_free(paper: PaperRig) -> None:
    free = (await paper.gateway.balances())["BTC"].free
    with pytest.raises(ExchangeRejected) as caught:
        await paper.gateway.submit(an_intent(side=OrderSide.SELL, amount=Decimal(3)))
    message = caught.value.refusal.message
    assert "3 BTC" in message
    assert f"{money.plain(free)} BTC" in message


@pytest.mark.parametrize(("side", "word"), [(OrderSide.BUY, "above"), (OrderSide.SELL, "below")])
async def test_a_refused_trigger_says_on_which_side_of_the_last_price_it_must_stand(
    paper: PaperRig, side: OrderSide, word: str
) -> None:
    last = (await ticker_of(paper.gateway)).last
    assert last is not None
    wrong = a_triggered(OrderType.STOP_MARKET, side, last)
    refusal = await is_rejected(paper, wrong, RefusalCode.INVALID_INPUT)
    assert f"{word} the last price {money.plain(last)}" in refusal.message
