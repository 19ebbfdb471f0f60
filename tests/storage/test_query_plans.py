"""No question that an order, a fill, a comparison or a page asks reads the whole history."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url

from app.bus import Bus
from app.domain.order_kinds import OrderSide, OrderSource, PositionType
from app.domain.orders.filters import FillFilter, OrderFilter, OrderSort
from app.domain.pages import PageRequest
from app.domain.portfolio.equity_curves import EquityKey
from app.domain.portfolio.positions import PositionKey
from app.storage.database import Database, Snapshot
from tests.conftest import START

ACCOUNT = "paper"
ALL = frozenset({"paper", "main", "third"})
BTC = frozenset({"BTC/USDT"})
KEY = PositionKey(account=ACCOUNT, symbol="BTC/USDT", type=PositionType.SPOT)
EQUITY = EquityKey(account=ACCOUNT, currency="USDT")
OURS = (OrderSource.API, OrderSource.BOT)
PAGE = PageRequest(size=50)
LONG_AGO = START - timedelta(days=90)
A_MINUTE_AGO = START - timedelta(minutes=1)
GROWING = frozenset(
    {
        "orders", "fills", "events", "entries", "audit", "paper_orders", "paper_trades",
        "bot_decisions", "position_rounds", "equity_points",
    }
)  # fmt: skip
# The virtual machine's instructions: a page of each account takes some 30,000.
MOST_STEPS = 100_000
MOST_ROWS = 2_000

Question = Callable[[Snapshot], Awaitable[object]]
Asked = tuple[str, Any]


def orders_page(sort: OrderSort, **wanted: Any) -> Question:
    return lambda view: view.orders.page(OrderFilter(**({"accounts": ALL} | wanted)), sort, PAGE)


def fills_page(**wanted: Any) -> Question:
    return lambda view: view.fills.page(FillFilter(**({"accounts": ALL} | wanted)), PAGE)


OF_ACCOUNT = OrderFilter(accounts=frozenset({ACCOUNT}))
QUESTIONS: Mapping[str, Question] = {
    # Each order.
    "open orders": lambda view: view.orders.count(
        OrderFilter(accounts=frozenset({ACCOUNT}), open=True)
    ),
    "orders this minute": lambda view: view.orders.count(
        OrderFilter(
            accounts=frozenset({ACCOUNT}), sources=frozenset(OURS), created_after=A_MINUTE_AGO
        )
    ),
    "open reductions": lambda view: view.orders.matching(
        OrderFilter(
            accounts=frozenset({ACCOUNT}),
            symbols=BTC,
            side=OrderSide.SELL,
            open=True,
            position_type=PositionType.SPOT,
        )
    ),
    "pending amendments": lambda view: view.amendments.waiting(ACCOUNT),
    "open entries": lambda view: view.entries.open(ACCOUNT),
    "trades": lambda view: view.entries.trades(OURS, START - timedelta(hours=12), A_MINUTE_AGO),
    # The newest entry is of another source.
    "trades of the bot": lambda view: view.entries.trades(
        [OrderSource.BOT], START - timedelta(hours=12), A_MINUTE_AGO
    ),
    "replay": lambda view: view.orders.find_by_client_id(ACCOUNT, "unknown"),
    "reported by wire id": lambda view: view.orders.find_by_wire_id(ACCOUNT, "unknown"),
    "reported by exchange": lambda view: view.orders.find_by_exchange_id(ACCOUNT, "BTC/USDT", "0"),
    "fills of an order": lambda view: view.fills.of_order("0"),
    "last paper numbers": lambda view: view.paper.of(ACCOUNT).last_numbers(),
    "open paper orders": lambda view: view.paper.of(ACCOUNT).open_orders(),
    "paper trades": lambda view: view.paper.of(ACCOUNT).trades(70_000),
    "paper liquidations": lambda view: view.paper.of(ACCOUNT).liquidations(LONG_AGO),
    # Each comparison.
    "traded markets": lambda view: view.orders.symbols(ACCOUNT, changed_since=A_MINUTE_AGO),
    "open at the exchange": lambda view: view.orders.answered_open(ACCOUNT),
    "guessed": lambda view: view.orders.guessed(ACCOUNT, changed_since=A_MINUTE_AGO),
    "in doubt": lambda view: view.orders.in_doubt(ACCOUNT),
    "doubts": lambda view: view.orders.doubts(),
    "uncanceled": lambda view: view.orders.uncanceled(ACCOUNT),
    "submitting": lambda view: view.orders.submitting(ACCOUNT),
    # Each cycle of the bot.
    "decided": lambda view: view.bots.decided_until(ACCOUNT, [("rsi_reversion", "ETH/USDT", "1m")]),
    "newest decisions": lambda view: view.bots.decisions(ALL, 50),
    "decisions after": lambda view: view.bots.decisions_after(ALL, "01", 50),
    # The log.
    "state of the log": lambda view: view.events.state(),
    "events after": lambda view: view.events.after(500_000, limit=100),
    "events of an order": lambda view: view.events.of_order(
        "0", after=0, until_revision=9, limit=51
    ),
    # Positions and portfolios.
    "positions": lambda view: view.positions.all(ALL),
    "unvalued fees": lambda view: view.positions.unvalued(),
    "fills behind": lambda view: view.fills.behind(KEY, START, after="", limit=100),
    "results": lambda view: view.positions.results(ACCOUNT, since=START - timedelta(hours=1)),
    "last equity": lambda view: view.equity.last(EQUITY),
    "equity then": lambda view: view.equity.at(EQUITY, LONG_AGO),
    # Pages.
    **{f"orders by {sort}": orders_page(sort) for sort in OrderSort},
    "orders of a market": orders_page(OrderSort.CREATED_AT_DESC, symbols=BTC),
    "orders until then": orders_page(OrderSort.CREATED_AT_DESC, created_before=LONG_AGO),
    "open orders page": orders_page(OrderSort.CREATED_AT_DESC, open=True),
    "fills": fills_page(),
    "fills since": fills_page(since=LONG_AGO),
    "fills of a market": fills_page(symbols=BTC),
    "audit log": lambda view: view.audit.page(PAGE),
}
each_question = pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())


@contextmanager
def recording() -> Iterator[list[Asked]]:
    """The statements of everything that runs meanwhile, with their parameters."""
    asked: list[Asked] = []

    def record(_connection: object, _cursor: object, text: str, values: Any, *_: object) -> None:
        asked.append((text, values))

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", record)


async def asked_by(database: Database, question: Question) -> list[Asked]:
    async with database.snapshot() as view:
        with recording() as asked:
            await question(view)
    assert asked
    return asked


@each_question
async def test_sqlite_scans_no_table_that_grows(
    database: Database, database_url: str, question: Question
) -> None:
    asked = await asked_by(database, question)
    connection = sqlite3.connect(make_url(database_url).database or "")
    try:
        for text, values in asked:
            for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {text}", values):
                verb, table, *rest = step.split()
                is_limited = "LIMIT" in text or "ix_orders_open" in " ".join(rest)
                assert verb != "SCAN" or table not in GROWING or is_limited, step
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("long_history_url", ["sqlite"], indirect=True)
async def test_sqlite_takes_few_steps_with_a_long_history(long_history_url: str) -> None:
    database = Database(long_history_url, Bus())
    connection = sqlite3.connect(make_url(long_history_url).database or "")
    try:
        for name, question in QUESTIONS.items():
            steps = [
                counted_steps(connection, *asked) for asked in await asked_by(database, question)
            ]
            assert max(steps) < MOST_STEPS, name
    finally:
        connection.close()
        await database.close()


def counted_steps(connection: sqlite3.Connection, text: str, values: Any) -> int:
    """How many hundreds of instructions SQLite needs, in instructions."""
    hundreds = 0

    def count() -> None:
        nonlocal hundreds
        hundreds += 1

    connection.set_progress_handler(count, 100)
    connection.execute(text, values).fetchall()
    connection.set_progress_handler(None, 0)
    return 100 * hundreds


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("long_history_url", ["postgresql"], indirect=True)
async def test_postgresql_reads_few_rows_of_a_long_history(long_history_url: str) -> None:
    database = Database(long_history_url, Bus())
    try:
        for name, question in QUESTIONS.items():
            for text, values in await asked_by(database, question):
                async with database.migrating() as connection:
                    explained = await connection.exec_driver_sql(
                        f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", values
                    )
                    [found] = explained.scalar_one()
                plan = found["Plan"]
                assert rows_read(plan) < MOST_ROWS, (name, plan)
    finally:
        await database.close()


def rows_read(node: Mapping[str, Any]) -> int:
    """The rows of tables that grow that a plan has read, those that it dropped included."""
    rows = sum(rows_read(part) for part in node.get("Plans", ()))
    if node.get("Relation Name") in GROWING:
        read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        rows += int(read * node["Actual Loops"])
    return rows
