"""Whatever is ordered, amended, canceled and waited for: no money is lost, and none is made."""

from collections import Counter
from collections.abc import Callable
from itertools import count

import pytest

from app.domain.order_kinds import PLACEABLE, OrderType
from app.domain.orders.order import OrderStatus
from app.errors import RefusalCode
from app.exchanges.paper.account.ledger import LedgerStore
from app.exchanges.paper.price_sources.protocols import PriceSource
from app.exchanges.paper.price_sources.simulated import SimulatedSource
from app.exchanges.paper.prices.simulated_markets import PaperTerms
from app.ports import Clock
from app.storage.paper import PaperLedgers
from tests.conftest import on_each_database
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.mirrored import mirrored_source
from tests.support.exchanges.random_sessions import Auditor, Entries, Session, read

_ORDERS = 10_000
_GROUPS = 4
_STEPS = 60
# Seeds of sessions that end badly.
_BOLD = ((3, SimulatedSource), (0, mirrored_source))

MakePrices = Callable[[PaperTerms, Clock], PriceSource]


async def _audited(session: Session, steps: int) -> Entries:
    auditor = Auditor()
    for _ in range(steps):
        await session.step()
        entries = await read(session.books)
        auditor.check(entries)
    return entries


@pytest.mark.slow
@pytest.mark.parametrize("group", range(_GROUPS))
async def test_money_is_conserved_after_every_step_of_thousands_of_orders(group: int) -> None:
    placed, amended = 0, 0
    ends, reasons = Counter[tuple[OrderType, OrderStatus]](), Counter[RefusalCode]()
    for seed in count(group * 10_000):
        if placed >= _ORDERS // _GROUPS:
            break
        session = Session(MemoryLedger(), seed, processes=1 + seed % 2)
        entries = await _audited(session, _STEPS)
        placed, amended = placed + len(session.placed), amended + session.amended
        ends += Counter((order.type, order.status) for order in entries.orders)
        reasons += Counter(order.refusal.code for order in entries.orders if order.refusal)
    assert amended > 50
    assert all(ends[kind, OrderStatus.FILLED] for kind in PLACEABLE)
    assert all(ends[kind, OrderStatus.CANCELED] for kind in PLACEABLE if kind.has_price)
    assert ends[OrderType.LIMIT, OrderStatus.PARTIALLY_FILLED]
    assert RefusalCode.REJECTED_BY_EXCHANGE in reasons


async def test_money_is_conserved_at_the_prices_of_another_exchange_too() -> None:
    ends, amended = Counter[tuple[OrderType, OrderStatus]](), 0
    for seed in range(12):
        session = Session(MemoryLedger(), seed, processes=1 + seed % 2, make_prices=mirrored_source)
        entries = await _audited(session, _STEPS)
        ends += Counter((order.type, order.status) for order in entries.orders)
        amended += session.amended
    assert amended > 5
    assert all(ends[kind, OrderStatus.FILLED] for kind in PLACEABLE)
    assert all(ends[kind, OrderStatus.CANCELED] for kind in PLACEABLE if kind.has_price)


@on_each_database
@pytest.mark.parametrize("seed", range(2))
async def test_money_is_conserved_in_the_books_of_the_database(
    books: PaperLedgers, seed: int
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


@pytest.mark.parametrize(("seed", "make_prices"), _BOLD)
async def test_no_money_is_made_of_borrowed_money(seed: int, make_prices: MakePrices) -> None:
    session = Session(MemoryLedger(), seed, processes=2, on_margin=90, make_prices=make_prices)
    entries = await _audited(session, _STEPS)
    assert any(order.is_liquidation for order in entries.orders)


@pytest.mark.parametrize("seed", [3, 50])
async def test_the_same_is_liquidated_at_the_same_ticks_whoever_looks_and_how_often(
    seed: int,
) -> None:
    one = await _played(seed, 1, 0, on_margin=90)
    assert any(order.is_liquidation for order in one.orders)
    assert _facts(await _played(seed, 3, 60, on_margin=90)) == _facts(one)


@on_each_database
async def test_the_database_keeps_what_is_borrowed_as_the_dictionaries_do(
    books: PaperLedgers,
) -> None:
    kept = await _played(0, 2, 40, on_margin=90, books=books)
    assert any(balance.written_off for balance in kept.balances.values())
    assert _facts(kept) == _facts(await _played(0, 1, 100, on_margin=90))


@on_each_database
async def test_the_database_and_the_dictionaries_keep_the_same_books(books: PaperLedgers) -> None:
    session = Session(books, 5, processes=2, attention=40)
    for _ in range(_STEPS):
        await session.step()
    await session.settle()
    assert _facts(await read(books)) == _facts(await _played(5, 1, 100))


async def _played(
    seed: int,
    processes: int,
    attention: int,
    *,
    on_margin: int = 0,
    books: LedgerStore | None = None,
) -> Entries:
    session = Session(
        books or MemoryLedger(), seed, processes=processes, attention=attention, on_margin=on_margin
    )
    for _ in range(_STEPS):
        await session.step()
    await session.settle()
    return await read(session.books)


def _facts(entries: Entries) -> object:
    """All but the names that the sender gave."""
    orders = [(order.number, order.status, order.filled, order.price, order.refusal, order.reserved,
               order.triggered_at, order.updated_at) for order in entries.orders]  # fmt: skip
    trades = {number: tuple(trades) for number, trades in entries.trades.items()}
    return orders, trades, entries.balances, entries.positions
