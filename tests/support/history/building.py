"""Builds the history: many orders told by a few stories, and their positions."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ulid import ULID

from app.domain.order_kinds import OrderSide
from tests.support.history.stories import Ending, Row, Story, tell

ACCOUNT = "paper"
# At a real exchange, with a deep market as well.
REAL_ACCOUNT = "main"
ACCOUNTS = (ACCOUNT, ACCOUNT, ACCOUNT, REAL_ACCOUNT, "third")
COINS = ("BTC", "ETH", "SOL", "XRP", *(f"COIN{number}" for number in range(36)))
DEEP = (ACCOUNT, REAL_ACCOUNT)
DEEP_COIN = "BTC"
SPAN = timedelta(days=180)
EVENTS_EACH = 4
_BATCH = 10_000
# The last orders of the history close what earlier ones have left open.
_CLOSING = 4000
_Market = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class HistorySize:
    """How much was traded, and in the deep market how much of it."""

    orders: int = 250_000
    deep_fills: int = 20_000
    equity_points: int = 20_000
    decisions: int = 100_000


@dataclass
class _Book:
    """What one market's fills add up to: whole numbers, and fees in tenths."""

    # The price of the open buy.
    bought_at: int | None = None
    opened_at: int = 0
    last: int = 0
    realized_tenths: int = 0
    fees_tenths: int = 0
    fills: int = 0
    last_fill: str = ""
    rounds: list[tuple[int, int, int, str]] = field(default_factory=list)

    def add(self, price: int, at: int, last_fill: str) -> OrderSide:
        """Book an order of 2 with a fee of 0.2 that buys, or sells what the last one bought."""
        self.last, self.fills, self.last_fill = at, self.fills + 2, last_fill
        self.realized_tenths -= 2
        self.fees_tenths += 2
        if self.bought_at is None:
            self.bought_at, self.opened_at = price, at
            return OrderSide.BUY
        gained = 20 * (price - self.bought_at)
        self.realized_tenths += gained
        self.rounds.append((self.opened_at, at, gained - 4, last_fill))
        self.bought_at = None
        return OrderSide.SELL


def build(path: Path, template: Path, size: HistorySize, until: datetime) -> None:
    """Fill a migrated SQLite file with a history that ends then."""
    folder = path.parent / f"{path.name}-stories"
    folder.mkdir()
    stories = {
        (side, ending): asyncio.run(tell(template, folder, side, ending))
        for side in OrderSide
        for ending in Ending
    }
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        for pragma in ("synchronous = OFF", "journal_mode = MEMORY", "cache_size = -400000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        _History(connection, stories, size, until).write()
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


class _History:
    def __init__(
        self, connection: sqlite3.Connection, stories: Mapping[tuple[OrderSide, Ending], Story],
        size: HistorySize, until: datetime,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._stories = stories
        self._size = size
        self._until = until
        self._books: defaultdict[_Market, _Book] = defaultdict(_Book)
        self._trades = 0

    def write(self) -> None:
        now = _milliseconds(self._until - SPAN)
        for name in dict.fromkeys(ACCOUNTS):
            is_real = name == REAL_ACCOUNT
            exchange, mode = ("binance", "LIVE") if is_real else ("paper", "PAPER")
            row = {"name": name, "exchange": exchange, "mode": mode, "created_at": now}
            self._insert("accounts", row)
        self._write_orders()
        self._write_positions()
        self._write_equity()
        self._write_decisions()
        head = EVENTS_EACH * self._size.orders
        self._connection.execute("UPDATE log SET head = ?", (head,))

    def _write_orders(self) -> None:
        by_id: dict[int, Row] = {}
        batches: defaultdict[int, list[list[Any]]] = defaultdict(list)
        for number in range(self._size.orders):
            for row, cells in self._order(number):
                by_id[id(row)] = row
                batches[id(row)].append(cells)
            if number % _BATCH == _BATCH - 1:
                self._flush(by_id, batches)
        self._flush(by_id, batches)

    def _flush(self, rows: Mapping[int, Row], batches: dict[int, list[list[Any]]]) -> None:
        """Orders come first in each story, so that what refers to them finds them."""
        for table in dict.fromkeys(row.table for row in rows.values()):
            for key, row in rows.items():
                if row.table == table:
                    self._connection.executemany(_insertion(table, row.columns), batches[key])
        batches.clear()

    def _order(self, number: int) -> Iterator[tuple[Row, list[Any]]]:
        account, coin, is_filled = self._plan(number)
        price, at = 100 + number * 7919 % 900, self._at(number)
        ids = [str(ULID.from_int((at << 80) + 4 * number + place)) for place in range(3)]
        names = {
            "id": ids[0], "fill1": ids[1], "fill2": ids[2],
            "wire": f"h{number:017d}", "client": f"history-{number}", "exchange": f"h{number}",
            "trade1": f"{number}-1", "trade2": f"{number}-2",
            "account": account, "coin": coin, "price": price, "cost": 2 * price,
            "iso": _iso(at),
        }  # fmt: skip
        ending, side = Ending.CANCELED, OrderSide.BUY
        if is_filled:
            ending = Ending.FILLED_PAYING_BNB if coin == DEEP_COIN else Ending.FILLED
            side = self._books[account, coin].add(price, at, ids[2])
        event = 0
        for row in self._stories[side, ending]:
            cells = row.filled_in(names, at)
            if row.table == "events":
                event += 1
                cells[0] = EVENTS_EACH * number + event
            elif row.table == "paper_orders":
                _set(row, cells, number=number + 1, change=number + 1)
            elif row.table == "paper_trades":
                self._trades += 1
                _set(row, cells, number=self._trades, order_number=number + 1)
            yield row, cells

    def _plan(self, number: int) -> tuple[str, str, bool]:
        """Account, coin, and whether the order is filled; in the end every market is flat."""
        step = max(self._size.orders // (self._size.deep_fills // 2), 1)
        if number % step < len(DEEP) and number // step < self._size.deep_fills // 2:
            return DEEP[number % step], DEEP_COIN, True
        account, coin = ACCOUNTS[number % 5], COINS[1 + number // 5 % (len(COINS) - 1)]
        if number >= self._size.orders - _CLOSING:
            return account, coin, self._books[account, coin].bought_at is not None
        return account, coin, number // 200 % 2 == 0

    def _at(self, number: int) -> int:
        span = SPAN // timedelta(milliseconds=1)
        return _milliseconds(self._until) - span + span * number // self._size.orders

    def _write_positions(self) -> None:
        for (account, coin), book in self._books.items():
            key = {"account": account, "symbol": f"{coin}/USDT", "type": "SPOT"}
            realized = _tenths(book.realized_tenths)
            holding = {"amount": "0", "basis": "0", "realized_before": realized}
            if book.bought_at is not None:
                raise AssertionError(f"{account} still holds {coin}: the history is too short")
            self._insert(
                "positions",
                key | holding | {
                    "realized": realized, "fees": _tenths(book.fees_tenths), "unvalued_fees": 0,
                    "updated_at": book.last, "metadata": "{}", "fills": book.fills,
                    "last_fill": book.last_fill,
                },
            )  # fmt: skip
            for opened_at, closed_at, pnl, ended_by in book.rounds:
                times = {"opened_at": opened_at, "closed_at": closed_at}
                values = {"pnl": _tenths(pnl), "ended_by": ended_by}
                self._insert("position_rounds", key | times | values)

    def _write_equity(self) -> None:
        step = SPAN // timedelta(milliseconds=1) // self._size.equity_points
        last = _milliseconds(self._until)
        for number in range(self._size.equity_points, 0, -1):
            self._insert(
                "equity_points",
                {
                    "account": ACCOUNT, "currency": "USDT", "at": last - number * step,
                    "equity": str(100_000 + number % 977), "units": "1",
                },
            )  # fmt: skip

    def _write_decisions(self) -> None:
        step = SPAN // timedelta(milliseconds=1) // self._size.decisions
        for number in range(self._size.decisions):
            at = _milliseconds(self._until - SPAN) + number * step
            self._insert(
                "bot_decisions",
                {
                    "id": str(ULID.from_int(at << 80)), "at": at, "cycle": number,
                    "account": ACCOUNT, "strategy": "rsi_reversion", "timeframe": "1m",
                    "symbol": f"{COINS[number % 4]}/USDT", "candle_at": at, "signal": "HOLD",
                    "outcome": "REFUSED_BY_RISK" if number % 2 else "HOLD",
                    "reason": "nothing to do",
                },
            )  # fmt: skip

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        self._connection.execute(_insertion(table, tuple(row)), tuple(row.values()))


def _insertion(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608


def _set(row: Row, cells: list[Any], **values: int) -> None:
    for name, value in values.items():
        cells[row.columns.index(name)] = value


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def _iso(milliseconds: int) -> str:
    at = datetime.fromtimestamp(milliseconds // 1000, tz=UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}000Z"


def _tenths(number: int) -> str:
    return f"{number / 10:.1f}"
