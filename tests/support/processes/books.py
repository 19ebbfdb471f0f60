"""Reads our records and the paper exchange's from the database, and checks that they agree."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import RowMapping, Table, select

from app.bus import Bus
from app.domain import money
from app.domain.order_kinds import OrderSide
from app.domain.orders.events import LoggedEvent
from app.domain.orders.order import OrderStatus
from app.storage import tables
from app.storage.database import Database, Snapshot
from schema import ids

Facts = Counter[tuple[object, ...]]
UNANSWERED = {str(OrderStatus.SUBMITTING), str(OrderStatus.IN_DOUBT)}
_MANY = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Books:
    """Our orders, fills and event log, and the paper exchange's orders, trades and balances."""

    orders: tuple[RowMapping, ...]
    fills: tuple[RowMapping, ...]
    log: tuple[LoggedEvent, ...]
    paper_orders: tuple[RowMapping, ...]
    paper_trades: tuple[RowMapping, ...]
    balances: Mapping[str, Decimal]

    @property
    def cursors(self) -> list[str]:
        return [logged.position.encode() for logged in self.log]

    @property
    def ids_by_client_id(self) -> dict[str, str]:
        """The global id of each order, by its client order id."""
        return {
            row["client_order_id"]: ids.encode(ids.Kind.ORDER, row["id"]) for row in self.orders
        }


async def read_books(database_url: str) -> Books:
    """Read everything from one snapshot, whether the server runs or not."""
    database = Database(database_url, Bus())
    try:
        async with database.snapshot() as view:
            balances = await _rows(view, tables.paper_balances)
            return Books(
                orders=await _rows(view, tables.orders),
                fills=await _rows(view, tables.fills),
                log=tuple(await view.events.after(0, limit=_MANY)),
                paper_orders=await _rows(view, tables.paper_orders),
                paper_trades=await _rows(view, tables.paper_trades),
                balances={row["asset"]: money.add(row["free"], row["used"]) for row in balances},
            )
    finally:
        await database.close()


async def _rows(view: Snapshot, table: Table) -> tuple[RowMapping, ...]:
    return tuple(await view.sql.all(select(table)))


def differences(books: Books) -> list[str]:
    """The differences between our records and the exchange's, in words."""
    unanswered = [row["id"] for row in books.orders if row["status"] in UNANSWERED]
    return [
        *(f"order {order_id} is not answered" for order_id in unanswered),
        *compare("order", _our_orders(books), _paper_orders(books)),
        *compare("fill", _our_fills(books), _paper_fills(books)),
    ]


def only_at_the_exchange(books: Books) -> Facts:
    """The exchange's fills that we do not have yet."""
    return _paper_fills(books) - _our_fills(books)


def assert_no_order_twice(books: Books) -> None:
    for rows, name in (
        (books.orders, "client_order_id"),
        (books.orders, "wire_id"),
        (books.paper_orders, "wire_id"),
    ):
        counted = Counter(row[name] for row in rows)
        assert [value for value, count in counted.items() if count > 1] == [], name


def assert_log_is_whole(books: Books) -> None:
    """Assert that numbers have no gap, revisions start at 1, and the last state is the order's."""
    assert [logged.position.seq for logged in books.log] == list(range(1, len(books.log) + 1))
    revisions: dict[str, list[int]] = {row["id"]: [] for row in books.orders}
    last = {}
    for logged in books.log:
        order = logged.event.order
        revisions[order.id].append(order.revision)
        last[order.id] = order
    for row in books.orders:
        seen, order = revisions[row["id"]], last[row["id"]]
        assert seen == list(range(1, row["revision"] + 1)), f"{row['id']}: {seen}"
        assert (order.status, order.filled, order.cost) == (
            row["status"],
            row["filled"],
            row["cost"],
        )


def assert_money_is_conserved(books: Books, initial: Mapping[str, Decimal]) -> None:
    """Assert that the balances are the initial ones plus all trades, minus all fees."""
    expected = dict(initial)
    by_number = {row["number"]: row for row in books.paper_orders}
    for trade in books.paper_trades:
        order = by_number[trade["order_number"]]
        base, quote = order["symbol"].split("/")
        cost = money.multiply(trade["price"], trade["amount"])
        is_buy = order["side"] == OrderSide.BUY
        for asset, change in (
            (base, trade["amount"] if is_buy else -trade["amount"]),
            (quote, -cost if is_buy else cost),
            (trade["fee_currency"], -trade["fee_amount"]),
        ):
            expected[asset] = money.add(expected.get(asset, money.ZERO), change)
    there = {asset: amount for asset, amount in books.balances.items() if asset in expected}
    assert there == expected


def _our_orders(books: Books) -> Facts:
    return Counter(
        (row["wire_id"], row["exchange_order_id"], row["status"], row["filled"])
        for row in books.orders
        if row["exchange_order_id"] is not None
    )


def _paper_orders(books: Books) -> Facts:
    return Counter(
        (row["wire_id"], f"P{row['number']}", row["status"], row["filled"])
        for row in books.paper_orders
    )


def _our_fills(books: Books) -> Facts:
    wire_ids = {row["id"]: row["wire_id"] for row in books.orders}
    return Counter(
        (wire_ids[row["order_id"]], row["exchange_trade_id"], *_money(row))
        for row in books.fills
        if row["superseded_revision"] is None
    )


def _paper_fills(books: Books) -> Facts:
    wire_ids = {row["number"]: row["wire_id"] for row in books.paper_orders}
    return Counter(
        (wire_ids[row["order_number"]], f"T{row['number']}", *_money(row))
        for row in books.paper_trades
    )


def _money(row: RowMapping) -> tuple[Any, ...]:
    names = ("price", "amount", "fee_currency", "fee_amount", "is_maker", "at")
    return tuple(row[name] for name in names)


def compare(what: str, ours: Facts, theirs: Facts) -> Iterable[str]:
    """The facts that only one side has, in words."""
    yield from (f"only here: {what} {fact}" for fact in (ours - theirs).elements())
    yield from (f"only at the exchange: {what} {fact}" for fact in (theirs - ours).elements())
