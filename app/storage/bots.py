"""BotStore: the bot, its decisions, and what its strategies hold."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import (
    ColumnElement,
    Integer,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from ulid import ULID

from app.domain.bot.bot import Bot, Decision, DecisionOutcome
from app.domain.fills import Fill
from app.domain.order_kinds import OrderSource, PositionType
from app.domain.portfolio.positions import Holding, Position, PositionKey
from app.domain.signals import Signal
from app.storage import tables
from app.storage.engine.sql import Sql
from app.storage.fills import load_fill

_BOT = TypeAdapter(Bot)
_bots = tables.bots.c
_decisions = tables.bot_decisions.c
_holdings = tables.bot_holdings.c
_LATEST = (
    select(_decisions.candle_at)
    .where(
        _decisions.account == bindparam("account"),
        _decisions.strategy == bindparam("strategy"),
        _decisions.symbol == bindparam("symbol"),
        _decisions.timeframe == bindparam("timeframe"),
    )
    .order_by(_decisions.candle_at.desc())
    .limit(1)
)
_OF_ACCOUNT = select(tables.bot_decisions).where(_decisions.account == bindparam("account"))
_NEWEST = _OF_ACCOUNT.order_by(_decisions.id.desc()).limit(bindparam("limit", type_=Integer))
_AFTER = (
    _OF_ACCOUNT.where(_decisions.id > bindparam("after"))
    .order_by(_decisions.id)
    .limit(bindparam("limit", type_=Integer))
)
_id_of = attrgetter("id")
# As a literal, by which the database recognises the index of these.
_IS_HOLD = _decisions.outcome == literal_column(f"'{DecisionOutcome.HOLD}'")
_PLAIN = (
    "id", "at", "cycle", "account", "strategy", "symbol", "timeframe", "candle_at", "reason",
    "order_id", "price", "held",
)  # fmt: skip
_HOLDING = ("amount", "basis", "realized", "fees", "opened_at", "realized_before")


class BotStore:
    """The one bot as a single row; one row per decision, and per strategy and symbol held."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def read(self) -> Bot:
        return _load(str(await self._sql.scalar(select(_bots.value))))

    async def lock(self) -> Bot:
        """Read the bot to change it; nobody else can until the commit."""
        return _load(str(await self._sql.scalar(select(_bots.value).with_for_update())))

    async def save(self, bot: Bot) -> None:
        await self._sql.run(update(tables.bots).values(value=_BOT.dump_json(bot).decode()))

    async def take(self, runner: str, now: datetime, until: datetime) -> bool:
        """Take or renew the lease on running the bot; returns False if another runner has it."""
        free = or_(_bots.runner.is_(None), _bots.runner == runner, _bots.runs_until <= now)
        taken = update(tables.bots).where(free).values(runner=runner, runs_until=until)
        return await self._sql.run(taken) == 1

    async def release(self, runner: str) -> None:
        mine = update(tables.bots).where(_bots.runner == runner)
        await self._sql.run(mine.values(runner=None, runs_until=None))

    async def decide(self, decision: Decision) -> None:
        """Add a decision. Raises Duplicate if this candle has one already."""
        row = {name: getattr(decision, name) for name in _PLAIN}
        words = {"signal": str(decision.signal), "outcome": str(decision.outcome)}
        await self._sql.run(insert(tables.bot_decisions), row | words)

    async def conclude(self, decision: Decision) -> None:
        """Record the outcome of a decision that is already stored."""
        known = update(tables.bot_decisions).where(_decisions.id == decision.id)
        words = {"outcome": str(decision.outcome), "reason": decision.reason}
        await self._sql.run(known.values(**words))

    async def forget_holds(self, before: datetime, *, limit: int) -> int:
        """Delete the oldest HOLD decisions from before then; ids sort by time."""
        first = str(ULID.from_datetime(before))
        doomed = select(_decisions.id).where(_decisions.id < first, _IS_HOLD)
        some = doomed.order_by(_decisions.id).limit(limit).scalar_subquery()
        return await self._sql.run(delete(tables.bot_decisions).where(_decisions.id.in_(some)))

    async def decided_until(
        self, account: str, names: Iterable[tuple[str, str, str]]
    ) -> dict[tuple[str, str, str], datetime]:
        """The latest decided candle of each strategy, symbol and timeframe that has any."""
        decided = {name: await self._decided_until(account, *name) for name in names}
        return {name: at for name, at in decided.items() if at is not None}

    async def _decided_until(
        self, account: str, strategy: str, symbol: str, timeframe: str
    ) -> datetime | None:
        named = {"strategy": strategy, "symbol": symbol, "timeframe": timeframe}
        row = await self._sql.first(_LATEST, {"account": account, **named})
        return None if row is None else row["candle_at"]

    async def decisions(self, accounts: frozenset[str], limit: int) -> Sequence[Decision]:
        """The accounts' newest decisions, newest first."""
        found = await self._decisions_of_each(accounts, _NEWEST, {"limit": limit})
        return sorted(found, key=_id_of, reverse=True)[:limit]

    async def decisions_after(
        self, accounts: frozenset[str], after: str, limit: int
    ) -> Sequence[Decision]:
        """The decisions after an id, oldest first."""
        found = await self._decisions_of_each(accounts, _AFTER, {"after": after, "limit": limit})
        return sorted(found, key=_id_of)[:limit]

    async def _decisions_of_each(
        self, accounts: Iterable[str], prepared: Select[Any], values: Mapping[str, Any]
    ) -> Sequence[Decision]:
        """Account by account: no index has several accounts' decisions in one order."""
        return [
            _load_decision(row)
            for account in sorted(accounts)
            for row in await self._sql.all(prepared, {**values, "account": account})
        ]

    async def last_decision_id(self) -> str:
        return str(await self._sql.scalar(select(func.max(_decisions.id))) or "")

    async def holding(self, account: str, strategy: str, symbol: str) -> Position | None:
        """What a strategy holds of a symbol; its position's lock must be held to change it."""
        found = select(tables.bot_holdings).where(*_key_matches(account, strategy, symbol))
        row = await self._sql.first(found)
        return None if row is None else _load_holding(row)

    async def holdings(self, account: str) -> Sequence[tuple[str, Position]]:
        """Every strategy's open holdings."""
        found = select(tables.bot_holdings).where(_holdings.account == account)
        rows = await self._sql.all(found.order_by(_holdings.strategy, _holdings.symbol))
        held = [(row["strategy"], _load_holding(row)) for row in rows]
        return [(strategy, position) for strategy, position in held if position.holding.amount]

    async def save_holding(self, strategy: str, position: Position) -> None:
        key = position.key
        values = {
            **{name: getattr(position.holding, name) for name in _HOLDING},
            "updated_at": position.updated_at,
        }
        mine = update(tables.bot_holdings).where(*_key_matches(key.account, strategy, key.symbol))
        if not await self._sql.run(mine.values(**values)):
            row = {"account": key.account, "strategy": strategy, "symbol": key.symbol, **values}
            await self._sql.run(insert(tables.bot_holdings), row)

    async def fills(
        self, account: str, strategy: str, symbol: str, *, after: str | None, limit: int
    ) -> Sequence[Fill]:
        """A strategy's next fills of a symbol, in the order in which they were booked."""
        fills, orders = tables.fills.c, tables.orders.c
        found = select(tables.fills).join(tables.orders, orders.id == fills.order_id)
        rows = await self._sql.all(
            found.where(
                fills.account == account,
                fills.symbol == symbol,
                fills.id > (after or ""),
                orders.strategy == strategy,
                orders.source == str(OrderSource.BOT),
                fills.superseded_revision.is_(None),
            )
            .order_by(fills.id)
            .limit(limit)
        )
        return [load_fill(row) for row in rows]


def _key_matches(account: str, strategy: str, symbol: str) -> tuple[ColumnElement[bool], ...]:
    return (
        _holdings.account == account,
        _holdings.strategy == strategy,
        _holdings.symbol == symbol,
    )


@lru_cache(maxsize=4)
def _load(text: str) -> Bot:
    return _BOT.validate_json(text)


def _load_decision(row: RowMapping) -> Decision:
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    return Decision(**values, signal=Signal(row["signal"]), outcome=DecisionOutcome(row["outcome"]))


def _load_holding(row: RowMapping) -> Position:
    key = PositionKey(account=row["account"], symbol=row["symbol"], type=PositionType.SPOT)
    holding = Holding(**{name: row[name] for name in _HOLDING})
    return Position(key=key, holding=holding, updated_at=row["updated_at"])
