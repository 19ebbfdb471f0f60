"""What is allowed: one row a rule, written whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from pydantic import TypeAdapter
from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from app.domain.risk.limits import RiskLimits, TradingStateRecord
from app.domain.risk.rules import ALL, Rules
from app.domain.risk.trading_windows import TradingWindow
from app.storage import tables
from app.storage.engine.sql import Sql

T = TypeVar("T")

_rules = tables.rules.c
_LIMITS = TypeAdapter(RiskLimits)
_STANDING = TypeAdapter(TradingStateRecord)
_SWITCH = TypeAdapter(datetime)
_WINDOW = TypeAdapter(TradingWindow)
# Whoever takes a turn holds the rules as others do, and must not wait for them.
_ALL = (
    select(_rules.kind, _rules.account, _rules.value)
    .where(_rules.kind != "TURN")
    .order_by(_rules.kind, _rules.account)
)
_HELD = _ALL.with_for_update(read=True)
_LOCKED = _ALL.with_for_update()
_TURN = select(_rules.kind).where(_rules.kind == bindparam("turn")).with_for_update()


class _Kind(StrEnum):
    LIMITS = "LIMITS"
    STANDING = "STANDING"
    SWITCH = "SWITCH"
    # Whoever counts trades waits here until those before have been counted.
    TURN = "TURN"
    WINDOW = "WINDOW"


class RuleStore:
    """Rules are read by every order and seldom changed."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def read(self) -> Rules:
        return _loaded(await self._sql.all(_ALL))

    async def hold(self) -> Rules:
        """The same, and nobody changes them before the commit."""
        return _loaded(await self._sql.all(_HELD))

    async def lock(self) -> Rules:
        """To be changed: whoever holds them is waited for, and nobody else looks meanwhile."""
        return _loaded(await self._sql.all(_LOCKED))

    async def take_turn(self) -> None:
        """Count trades one order after the other, in whichever process."""
        await self._sql.first(_TURN, {"turn": str(_Kind.TURN)})

    async def save_window(self, window: TradingWindow) -> None:
        await self._save(_Kind.WINDOW, ALL, _dumped(_WINDOW, window))

    async def save_limits(self, limits: RiskLimits) -> None:
        await self._save(_Kind.LIMITS, ALL, _dumped(_LIMITS, limits))

    async def save_standing(self, account: str, standing: TradingStateRecord) -> None:
        await self._save(_Kind.STANDING, account, _dumped(_STANDING, standing))

    async def forget_standing(self, account: str) -> None:
        await self._forget(_Kind.STANDING, account)

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
        standings={name: _standing(text) for name, text in _of(texts, _Kind.STANDING).items()},
        switches={name: _switch(text) for name, text in _of(texts, _Kind.SWITCH).items()},
    )


def _of(texts: Mapping[tuple[_Kind, str], str], kind: _Kind) -> dict[str, str]:
    return {account: text for (one, account), text in texts.items() if one is kind}


def _dumped(adapter: TypeAdapter[T], value: T) -> str:
    return adapter.dump_json(value).decode()


# The same texts come with every order.
@lru_cache(maxsize=8)
def _window(text: str) -> TradingWindow:
    return _WINDOW.validate_json(text)


@lru_cache(maxsize=8)
def _limits(text: str) -> RiskLimits:
    return _LIMITS.validate_json(text)


@lru_cache(maxsize=64)
def _standing(text: str) -> TradingStateRecord:
    return _STANDING.validate_json(text)


@lru_cache(maxsize=64)
def _switch(text: str) -> datetime:
    return _SWITCH.validate_json(text)
