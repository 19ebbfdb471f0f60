"""Stories: the rows that the product itself writes for one order, as templates for many."""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from app.bus import Bus
from app.domain.access.audit import AuditEntry, AuditOutcome, AuditSubject
from app.domain.accounts import AccountMode
from app.domain.fills import Fee, Fill
from app.domain.order_kinds import OrderSide, OrderSource
from app.domain.orders import changes
from app.domain.orders.changes import Change
from app.domain.orders.entries import Entry
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import FillReport
from app.domain.paper_ledger import PaperOrder, PaperTrade
from app.storage.database import Database, Transaction
from tests.support.makers import make_order, make_report, make_terms

AT = datetime(2001, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
_MILLISECONDS = 981_173_106_789
PRICE = 71717
# What stands in the rows of a story, and the name of what replaces it. Longer ones come first.
PLACEHOLDERS = {
    "01AAAAAAAAAAAAAAAAAAAAAAAA": "id",
    "01AAAAAAAAAAAAAAAAAAAAAAAB": "fill1",
    "01AAAAAAAAAAAAAAAAAAAAAAAC": "fill2",
    "zaaaaaaaaaaaaaaaaa": "wire",
    "client-placeholder": "client",
    "exchange-placeholder": "exchange",
    "trade1-placeholder": "trade1",
    "trade2-placeholder": "trade2",
    "account-placeholder": "account",
    "COIN": "coin",
    "2001-02-03T04:05:06.789000Z": "iso",
    str(2 * PRICE): "cost",
    str(PRICE): "price",
}
NAMES = {name: placeholder for placeholder, name in PLACEHOLDERS.items()}
SYMBOL = "COIN/USDT"
TABLES = ("orders", "fills", "events", "entries", "audit", "paper_orders", "paper_trades")


class Ending(Enum):
    """How an order of a history ends."""

    CANCELED = "canceled"
    FILLED = "filled, with fees in quote"
    FILLED_PAYING_BNB = "filled, with fees in a third currency"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of a table; the cells at `texts` are %-templates, those at `times` are its time."""

    table: str
    columns: tuple[str, ...]
    cells: tuple[Any, ...]
    texts: tuple[int, ...]
    times: tuple[int, ...]

    def filled_in(self, names: Mapping[str, Any], milliseconds: int) -> list[Any]:
        cells = list(self.cells)
        for place in self.texts:
            cells[place] = cells[place] % names
        for place in self.times:
            cells[place] = milliseconds
        return cells


Story = Sequence[Row]


async def tell(template: Path, folder: Path, side: OrderSide, ending: Ending) -> Story:
    """Have the product write an order into a database of its own, and read all rows of it."""
    path = folder / f"{side}-{ending.name}.db"
    shutil.copy(template, path)
    database = Database(f"sqlite+aiosqlite:///{path}", Bus())
    try:
        async with database.transaction() as tx:
            await tx.accounts.insert(NAMES["account"], "paper", AccountMode.PAPER, AT)
            await _write(tx, side, ending)
    finally:
        await database.close()
    connection = sqlite3.connect(path)
    try:
        return [row for table in TABLES for row in _rows(connection, table)]
    finally:
        connection.close()


async def _write(tx: Transaction, side: OrderSide, ending: Ending) -> None:
    steps = _steps(side, ending)
    order = steps[-1].event.order
    await tx.orders.insert(order, "{}")
    for step in steps:
        if step.added:
            await tx.fills.insert(step.added)
        tx.events.append(step.event)
    fills = [fill for step in steps for fill in step.added]
    if ending is Ending.FILLED_PAYING_BNB:
        for fill in fills:
            await tx.fills.value_fee(fill.id, Decimal("0.1"))
    if side is OrderSide.BUY:
        await tx.entries.add(_entry(order))
    await tx.audit.insert(_audited(order))
    ledger = tx.paper.of(order.account)
    await ledger.add_order(_paper_order(order))
    await ledger.add_trades(_paper_trade(number, fill) for number, fill in enumerate(fills))


def _steps(side: OrderSide, ending: Ending) -> list[Change]:
    submitted = changes.submitted(
        make_order(
            id=NAMES["id"], account=NAMES["account"], client_order_id=NAMES["client"],
            wire_id=NAMES["wire"], symbol=SYMBOL, side=side, amount=Decimal(2),
            price=Decimal(PRICE), created_at=AT, updated_at=AT,
        )
    )  # fmt: skip
    steps = [submitted, *_told(submitted.event.order, OrderStatus.OPEN)]
    order = steps[-1].event.order
    if ending is Ending.CANCELED:
        asked = changes.cancel_requested(order, AT)
        return [*steps, asked, *_told(asked.event.order, OrderStatus.CANCELED)]
    currency = "BNB" if ending is Ending.FILLED_PAYING_BNB else "USDT"
    trades = [_trade(number, currency) for number in (1, 2)]
    return [*steps, *_told(order, OrderStatus.FILLED, *trades)]


def _told(order: Order, status: OrderStatus, *trades: FillReport) -> list[Change]:
    report = make_report(
        status,
        *trades,
        symbol=SYMBOL,
        wire_id=order.wire_id,
        exchange_order_id=NAMES["exchange"],
        at=AT,
        terms=make_terms(0, order.amount, price=order.price),
    )
    fresh = iter((NAMES["fill1"], NAMES["fill2"]))
    return changes.received(order, (), report, at=AT, new_id=lambda: next(fresh))


def _trade(number: int, currency: str) -> FillReport:
    return FillReport(
        trade_id=NAMES[f"trade{number}"],
        price=Decimal(PRICE),
        amount=Decimal(1),
        fee=Fee(currency=currency, amount=Decimal("0.1")),
        is_maker=True,
        at=AT,
    )


def _entry(order: Order) -> Entry:
    return Entry(
        order_id=order.id, account=order.account, source=OrderSource.API, at=AT,
        expected_price=order.price, rate=Decimal(1),
    )  # fmt: skip


def _audited(order: Order) -> AuditEntry:
    return AuditEntry(
        id=order.id, at=AT, actor="trader", actor_id="1" * 26, action="placeOrder",
        subject=AuditSubject.order(order.id), outcome=AuditOutcome.DONE, code=None,
        request_id="2" * 26,
    )  # fmt: skip


def _paper_order(order: Order) -> PaperOrder:
    return PaperOrder(
        number=1, wire_id=order.wire_id, symbol=order.symbol, terms=order.terms,
        status=order.status, filled=order.filled, reserved=Decimal(0), change=1,
        created_at=AT, updated_at=AT,
    )  # fmt: skip


def _paper_trade(number: int, fill: Fill) -> PaperTrade:
    assert fill.fee is not None
    return PaperTrade(
        number=number, order_number=1, price=fill.price, amount=fill.amount, fee=fill.fee,
        is_maker=True, at=AT,
    )  # fmt: skip


def _rows(connection: sqlite3.Connection, table: str) -> list[Row]:
    found = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
    columns = tuple(column for column, *_ in found.description)
    return [_row(table, columns, cells) for cells in found]


def _row(table: str, columns: tuple[str, ...], cells: Sequence[Any]) -> Row:
    templates = [_template(cell) for cell in cells]
    changing = [place for place, cell in enumerate(cells) if templates[place] != cell]
    return Row(
        table=table,
        columns=columns,
        cells=tuple(
            template if place in changing else cell
            for place, (template, cell) in enumerate(zip(templates, cells, strict=True))
        ),
        texts=tuple(changing),
        times=tuple(place for place, cell in enumerate(cells) if cell == _MILLISECONDS),
    )


def _template(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.replace("%", "%%")
    for placeholder, name in PLACEHOLDERS.items():
        text = text.replace(placeholder, f"%({name})s")
    return text
