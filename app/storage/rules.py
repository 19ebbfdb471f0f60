"""RuleStore: trading window, risk limits, trading states and dead-man switches, as JSON rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from app.domain.risk.clearings import Clearing
from app.domain.risk.limits import RiskLimits, TradingStateRecord
from app.domain.risk.rules import ALL, Rules
from app.domain.risk.trading_windows import TradingWindow
from app.storage import tables
from app.storage.engine.sql import Sql

T = TypeVar("T")

_rules = tables.rules.c
_LIMITS = TypeAdapter(RiskLimits)
_CLEARING = TypeAdapter(Clearing)
_STATE = TypeAdapter(TradingStateRecord)
_SWITCH = TypeAdapter(datetime)
_WINDOW = TypeAdapter(TradingWindow)
# Without the TURN row: orders lock it exclusively, and reading the rules must not wait for that.
_ALL = (
    select(_rules.kind, _rules.account, _rules.value)
    .where(_rules.kind != "TURN")
    .order_by(_rules.kind, _rules.account)
)
_SHARED = _ALL.with_for_update(read=True)
_LOCKED = _ALL.with_for_update()
_TURN = select(_rules.kind).where(_rules.kind == bindparam("turn")).with_for_update()


class _Kind(StrEnum):
    # Sorts behind LIMITS, which always is there: all who lock the rules wait at the same row first.
    CLEARING = "TO_CLEAR"
    LIMITS = "LIMITS"
    STANDING = "STANDING"
    SWITCH = "SWITCH"
    # A lock: orders that count trades queue here, so that each sees those before it.
    TURN = "TURN"
    WINDOW = "WINDOW"


class RuleStore:
    """One row per rule and account, written as a whole; read by every order, seldom changed."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def read(self) -> Rules:
        return _loaded(await self._sql.all(_ALL))

    async def hold(self) -> Rules:
        """Read the rules with a shared lock: nobody changes them before the commit."""
        return _loaded(await self._sql.all(_SHARED))

    async def lock(self) -> Rules:
        """Read the rules to change them: waits for shared locks, and keeps new ones out."""
        return _loaded(await self._sql.all(_LOCKED))

    async def take_turn(self) -> None:
        """Wait for the exclusive turn to count trades, across all processes."""
        await self._sql.first(_TURN, {"turn": str(_Kind.TURN)})

    async def save_window(self, window: TradingWindow) -> None:
        await self._save(_Kind.WINDOW, ALL, _dumped(_WINDOW, window))

    async def save_limits(self, limits: RiskLimits) -> None:
        await self._save(_Kind.LIMITS, ALL, _dumped(_LIMITS, limits))

    async def save_standing(self, account: str, standing: TradingStateRecord) -> None:
        await self._save(_Kind.STANDING, account, _dumped(_STATE, standing))

    async def forget_standing(self, account: str) -> None:
        await self._forget(_Kind.STANDING, account)

    async def save_clearing(self, account: str, clearing: Clearing) -> None:
        await self._save(_Kind.CLEARING, account, _dumped(_CLEARING, clearing))

    async def forget_clearing(self, account: str) -> None:
        await self._forget(_Kind.CLEARING, account)

    async def save_switch(self, account: str, fires_at: datetime) -> None:
        await self._save(_Kind.SWITCH, account, _dumped(_SWITCH, fires_at))

    async def forget_switch(self, account: str) -> None:
        await self._forget(_Kind.SWITCH, account)

    async def _save(self, kind: _Kind, account: str, value: str) -> None:
        found = update(tables.rules).where(_rules.kind == str(kind), _rules.account == account)
        if not await self._sql.run(found.values(value=value)):
            row = {"kind": str(kind), "account": account, "value": value}
            await self._sql.run(insert(tables.rules), row)

    async def _forget(self, kind: _Kind, account: str) -> None:
        found = delete(tables.rules).where(_rules.kind == str(kind), _rules.account == account)
        await self._sql.run(found)


def _loaded(rows: Sequence[RowMapping]) -> Rules:
    texts = {(_Kind(row["kind"]), row["account"]): row["value"] for row in rows}
    return Rules(
        window=_window(texts[_Kind.WINDOW, ALL]),
        limits=_limits(texts[_Kind.LIMITS, ALL]),
        standings={name: _state(text) for name, text in _of(texts, _Kind.STANDING).items()},
        switches={name: _switch(text) for name, text in _of(texts, _Kind.SWITCH).items()},
        clearings={name: _clearing(text) for name, text in _of(texts, _Kind.CLEARING).items()},
    )


def _of(texts: Mapping[tuple[_Kind, str], str], kind: _Kind) -> dict[str, str]:
    return {account: text for (found, account), text in texts.items() if found is kind}


def _dumped(adapter: TypeAdapter[T], value: T) -> str:
    return adapter.dump_json(value).decode()


# Cached, because every order reads the same texts.
@lru_cache(maxsize=8)
def _window(text: str) -> TradingWindow:
    return _WINDOW.validate_json(text)


@lru_cache(maxsize=8)
def _limits(text: str) -> RiskLimits:
    return _LIMITS.validate_json(text)


@lru_cache(maxsize=64)
def _state(text: str) -> TradingStateRecord:
    return _STATE.validate_json(text)


@lru_cache(maxsize=64)
def _clearing(text: str) -> Clearing:
    return _CLEARING.validate_json(text)


@lru_cache(maxsize=64)
def _switch(text: str) -> datetime:
    return _SWITCH.validate_json(text)
