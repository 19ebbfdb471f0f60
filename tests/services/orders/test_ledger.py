"""The ledger: reports that are new, repeated, or worked out against an old revision."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.accounts import AccountMode
from app.domain.orders import changes
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import OrderReport
from app.services.orders.ledger import IdMakers, News, OrderLedger
from app.storage.database import Database
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import counting_ids, make_order, make_report, make_trade

ORDER = make_order()
PART = make_report(OrderStatus.PARTIALLY_FILLED, make_trade(1, "0.4"))


class CountedIds:
    """Counts the ids made: working out a report takes one for each new fill."""

    def __init__(self) -> None:
        self._new = counting_ids()
        self.made = 0

    def __call__(self) -> str:
        self.made += 1
        return self._new()


@pytest.fixture
def ids() -> CountedIds:
    return CountedIds()


@pytest.fixture
async def ledger(database: Database, clock: ManualClock, ids: CountedIds) -> OrderLedger:
    async with database.transaction() as tx:
        await tx.accounts.insert(ORDER.account, "paper", AccountMode.PAPER, clock.now())
        await tx.orders.insert(ORDER, "fingerprint")
        tx.events.append(changes.submitted(ORDER).event)
    return OrderLedger(database, clock, IdMakers(new=ids, new_wire=lambda: "w"))


async def hear(ledger: OrderLedger, report: OrderReport) -> Order | None:
    news = await ledger.news_in(ORDER.account, report)
    if not isinstance(news, News):
        return None
    return await ledger.apply(ORDER.account, report, news=news)


@on_each_database
async def test_a_report_is_worked_out_once(ledger: OrderLedger, ids: CountedIds) -> None:
    order = await hear(ledger, PART)
    assert order is not None
    assert (order.status, order.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.4"))
    assert ids.made == 1


@on_each_database
async def test_a_report_that_says_nothing_new_is_no_news(ledger: OrderLedger) -> None:
    await hear(ledger, PART)
    assert await ledger.news_in(ORDER.account, PART) is None
    assert await ledger.news_in(ORDER.account, replace(PART, at=PART.at)) is None


def _as_it_is(order: Order) -> list[changes.Change]:
    return [changes.metadata_set(order, {"note": "changed meanwhile"}, order.updated_at)]


@on_each_database
async def test_news_of_an_order_that_has_changed_since_is_worked_out_anew(
    ledger: OrderLedger, ids: CountedIds
) -> None:
    news = await ledger.news_in(ORDER.account, PART)
    assert isinstance(news, News)
    await ledger.change(ORDER.id, _as_it_is)
    order = await ledger.apply(ORDER.account, PART, news=news)
    assert order is not None
    assert (order.filled, order.metadata) == (Decimal("0.4"), {"note": "changed meanwhile"})
    assert ids.made == 2


@on_each_database
async def test_news_that_was_applied_already_is_applied_once(
    ledger: OrderLedger, database: Database
) -> None:
    first, second = [await ledger.news_in(ORDER.account, PART) for _ in range(2)]
    assert isinstance(first, News)
    assert isinstance(second, News)
    for news in (first, second):
        await ledger.apply(ORDER.account, PART, news=news)
    async with database.snapshot() as view:
        assert len(await view.fills.of_order(ORDER.id)) == 1


async def test_the_answer_that_a_sender_is_about_to_get_is_no_news(ledger: OrderLedger) -> None:
    assert await ledger.news_in(ORDER.account, make_report(OrderStatus.OPEN)) is None
