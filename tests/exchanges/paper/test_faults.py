import asyncio
import gc
from dataclasses import replace

import pytest

from app.domain.accounts import Connectivity
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.errors import (
    ExchangeDoubt,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
    RefusalCode,
)
from app.exchanges.news import KEPT_REPORTS
from app.exchanges.paper.faults import Call, Faults
from app.exchanges.paper.news import FaultyNews
from tests.support.exchanges.rigs import PaperRig, an_intent, heard, key_of


async def test_a_refusal_by_switch_books_nothing(paper: PaperRig) -> None:
    refusal = Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message="not today")
    paper.faults.refusal = refusal
    intent = an_intent()
    with pytest.raises(ExchangeRejected, match="not today"):
        await paper.gateway.submit(intent)
    assert await paper.gateway.find(key_of(intent)) is None


async def test_a_disconnected_exchange_says_so_and_answers_nothing(paper: PaperRig) -> None:
    paper.faults.is_disconnected = True
    assert paper.gateway.connection.connectivity is Connectivity.DISCONNECTED
    gateway = paper.gateway
    for asked in (
        gateway.balances(),
        gateway.markets(),
        gateway.tickers([]),
        gateway.submit(an_intent()),
    ):
        with pytest.raises(ExchangeUnavailable):
            await asked
    paper.faults.is_disconnected = False
    assert gateway.connection.connectivity is Connectivity.CONNECTED


async def test_a_delay_holds_back_the_order_or_only_the_answer(paper: PaperRig) -> None:
    paper.faults.delay_before_seconds = 2
    paper.faults.delay_after_seconds = 3
    intent = an_intent()
    answer = asyncio.create_task(paper.gateway.submit(intent))
    await paper.clock.advance(1.9)
    assert await paper.gateway.find(key_of(intent)) is None
    await paper.clock.advance(0.2)
    assert await _status(paper, intent) is OrderStatus.FILLED
    assert not answer.done()
    await paper.clock.advance(3)
    assert (await answer).status is OrderStatus.FILLED


async def test_who_does_not_wait_for_the_answer_still_hears_the_news(paper: PaperRig) -> None:
    paper.faults.delay_after_seconds = 30
    news = paper.gateway.news()
    intent = an_intent()
    waiting = asyncio.create_task(_submit_within(paper, intent, seconds=5))
    await paper.clock.until_asleep(2)
    await paper.clock.advance(5)
    with pytest.raises(TimeoutError):
        await waiting
    assert (await heard(news)).wire_id == intent.wire_id


async def test_a_lost_answer_is_still_news(paper: PaperRig) -> None:
    news = paper.gateway.news()
    paper.lose_answers(Call.SUBMIT)
    intent = an_intent()
    with pytest.raises(ExchangeDoubt):
        await paper.gateway.submit(intent)
    assert await heard(news) == await paper.gateway.find(key_of(intent))


async def test_news_can_be_told_twice_and_in_the_wrong_order(paper: PaperRig) -> None:
    paper.faults.news_copies = 2
    paper.faults.is_news_reordered = True
    news = paper.gateway.news()
    first = await paper.gateway.submit(an_intent())
    second = await paper.gateway.submit(an_intent())
    told = [await heard(news) for _ in range(4)]
    assert told == [second, second, first, first]


async def test_a_reader_who_never_reads_loses_the_oldest_news_first(paper: PaperRig) -> None:
    report = await paper.gateway.submit(an_intent())
    desk = FaultyNews(Faults())
    reader = desk.reader()
    for number in range(KEPT_REPORTS + 1):
        desk.publish(replace(report, wire_id=f"w{number}"))
    assert (await heard(reader)).wire_id == "w1"


async def test_a_reader_who_went_away_is_forgotten(paper: PaperRig) -> None:
    desk = FaultyNews(Faults())
    reader = desk.reader()
    assert desk.readers == 1
    del reader
    gc.collect()
    assert desk.readers == 0


async def _submit_within(rig: PaperRig, intent: OrderIntent, *, seconds: float) -> OrderReport:
    async with rig.clock.timeout(seconds):
        return await rig.gateway.submit(intent)


async def _status(rig: PaperRig, intent: OrderIntent) -> OrderStatus | None:
    report = await rig.gateway.find(key_of(intent))
    return None if report is None else report.status
