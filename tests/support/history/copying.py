"""Copies a history from its SQLite file into a migrated PostgreSQL database."""

import csv
import io
import itertools
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import make_url

_TABLES = (
    "accounts", "orders", "fills", "entries", "events", "audit", "positions", "position_rounds",
    "equity_points", "bot_decisions", "paper_orders", "paper_trades",
)  # fmt: skip
_BATCH = 20_000


async def copy(path: Path, url: str) -> None:
    parsed = make_url(url)
    connection = await asyncpg.connect(
        user=parsed.username, database=parsed.database, host=parsed.query["host"]
    )
    history = sqlite3.connect(path)
    try:
        # Without checking each reference: SQLite has checked them.
        await connection.execute("SET session_replication_role = replica")
        for table in _TABLES:
            await _copy(history, connection, table)
        [head] = history.execute("SELECT head FROM log").fetchone()
        await connection.execute("UPDATE log SET head = $1", head)
        # As autovacuum does after so many changes.
        await connection.execute("VACUUM ANALYZE")
    finally:
        history.close()
        await connection.close()


async def _copy(history: sqlite3.Connection, connection: Any, table: str) -> None:
    rows = history.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608
    columns = [column for column, *_ in rows.description]
    await connection.copy_to_table(table, source=_lines(rows), columns=columns, format="csv")


async def _lines(rows: sqlite3.Cursor) -> AsyncIterator[bytes]:
    """The rows as CSV, in which an empty cell is NULL."""
    while batch := list(itertools.islice(rows, _BATCH)):
        text = io.StringIO()
        csv.writer(text).writerows(batch)
        yield text.getvalue().encode()
