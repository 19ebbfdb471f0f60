"""Whatever is ordered, amended, canceled and waited for: no money is lost, and none is made."""

from collections import Counter
from itertools import count

import pytest

from app.domain.orders import OrderStatus, OrderType
from app.errors import RefusalCode
from app.storage.paper import PaperBooks
from tests.conftest import on_each_database
from tests.exchanges.followed_rigs import followed_floor
from tests.exchanges.memory import MemoryBooks
from tests.exchanges.sessions import Auditor, Entries, Session, read

_ORDERS = 10_000
_GROUPS = 4
_STEPS = 60


async def _audited(session: Session, steps: int) -> Entries:
    auditor = Auditor()
    for _ in range(steps):
        await session.step()
        entries = await read(session.books)
        auditor.check(entries)
    return entries


@pytest.mark.parametrize("group", range(_GROUPS))
async def test_money_is_conserved_after_every_step_of_thousands_of_orders(group: int) -> None:
    placed, amended = 0, 0
    ends, reasons = Counter[tuple[OrderType, OrderStatus]](), Counter[RefusalCode]()
    for seed in count(group * 10_000):
        if placed >= _ORDERS // _GROUPS:
            break
        session = Session(MemoryBooks(), seed, processes=1 + seed % 2)
        entries = await _audited(session, _STEPS)
        placed, amended = placed + len(session.placed), amended + session.amended
        ends += Counter((order.type, order.status) for order in entries.orders)
        reasons += Counter(order.refusal.code for order in entries.orders if order.refusal)
    assert amended > 50
    assert all(ends[kind, OrderStatus.FILLED] for kind in OrderType)
    assert all(ends[kind, OrderStatus.CANCELED] for kind in OrderType if kind.has_price)
    assert ends[OrderType.LIMIT, OrderStatus.PARTIALLY_FILLED]
    assert RefusalCode.REJECTED_BY_EXCHANGE in reasons


async def test_money_is_conserved_at_the_prices_of_another_exchange_too() -> None:
    ends, amended = Counter[tuple[OrderType, OrderStatus]](), 0
    for seed in range(12):
        session = Session(MemoryBooks(), seed, processes=1 + seed % 2, build_floor=followed_floor)
        entries = await _audited(session, _STEPS)
        ends += Counter((order.type, order.status) for order in entries.orders)
        amended += session.amended
    assert amended > 5
    assert all(ends[kind, OrderStatus.FILLED] for kind in OrderType)
    assert all(ends[kind, OrderStatus.CANCELED] for kind in OrderType if kind.has_price)


@on_each_database
@pytest.mark.parametrize("seed", range(2))
async def test_money_is_conserved_in_the_books_of_the_database(
    books: PaperBooks, seed: int
) -> None:
    session = Session(books, seed, processes=2)
    entries = await _audited(session, _STEPS)
    assert {order.status for order in entries.orders} >= {OrderStatus.FILLED, OrderStatus.CANCELED}


@pytest.mark.parametrize("seed", range(40))
async def test_the_same_orders_at_the_same_times_trade_alike_whoever_looks_and_how_often(
    seed: int,
) -> None:
    ways = [(1, 0), (1, 100), (2, 30), (3, 70)]
    outcomes = [await _played(seed, processes, attention) for processes, attention in ways]
    assert outcomes[0].orders
    for other in outcomes[1:]:
        assert _facts(other) == _facts(outcomes[0])


@on_each_database
async def test_the_database_and_the_dictionaries_keep_the_same_books(books: PaperBooks) -> None:
    session = Session(books, 5, processes=2, attention=40)
    for _ in range(_STEPS):
        await session.step()
    await session.settle()
    assert _facts(await read(books)) == _facts(await _played(5, 1, 100))


async def _played(seed: int, processes: int, attention: int) -> Entries:
    session = Session(MemoryBooks(), seed, processes=processes, attention=attention)
    for _ in range(_STEPS):
        await session.step()
    await session.settle()
    return await read(session.books)


def _facts(entries: Entries) -> object:
    """All but the names that the sender gave."""
    orders = [(order.number, order.status, order.filled, order.price, order.refusal, order.reserved,
               order.triggered_at, order.updated_at) for order in entries.orders]  # fmt: skip
    trades = {number: tuple(trades) for number, trades in entries.trades.items()}
    return orders, trades, entries.balances
