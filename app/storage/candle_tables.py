"""The table of candles, which is read and written by the stretch."""

from sqlalchemy import Column, String, Table

from app.storage.tables import metadata
from app.storage.types import ExactDecimal, UtcTime

# Closed candles alone. They are of a source, not of an account: who sees the same market shares
# them. Without numbers of their own, those of a series lie side by side.
candles = Table(
    "candles",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("timeframe", String(16), primary_key=True),
    Column("at", UtcTime, primary_key=True, autoincrement=False),
    Column("open", ExactDecimal, nullable=False),
    Column("high", ExactDecimal, nullable=False),
    Column("low", ExactDecimal, nullable=False),
    Column("close", ExactDecimal, nullable=False),
    Column("volume", ExactDecimal, nullable=False),
    sqlite_with_rowid=False,
)
