from dataclasses import replace
from decimal import Decimal

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from app.domain.accounts import AccountMode
from app.domain.fills import Fee
from app.domain.orders.changes import submitted
from app.domain.portfolio.positions import Position, PositionKey, booked
from app.errors import SchemaMismatch, StorageError
from app.storage.database import Database
from app.storage.tables import metadata
from app.storage.upkeep.migrations import check, migrate
from tests.conftest import START, on_each_database
from tests.support.makers import make_fill, make_order

pytestmark = on_each_database


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_the_migrations_lead_to_exactly_the_tables_of_the_code(database: Database) -> None:
    async with database.migrating() as connection:
        assert await connection.run_sync(differences) == []


async def test_down_to_nothing_and_up_again(database: Database) -> None:
    await migrate(database, "base")
    async with database.migrating() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert tables == ["alembic_version"]
    with pytest.raises(SchemaMismatch, match="orderdeck migrate"):
        await check(database)
    await migrate(database)
    await check(database)


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    async with database.snapshot() as view:
        before = await view.events.state()
    await migrate(database)
    async with database.snapshot() as view:
        assert await view.events.state() == before


async def test_a_newer_database_is_refused(database: Database) -> None:
    async with database.migrating() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (check, migrate):
        with pytest.raises(SchemaMismatch, match="newer"):
            await attempt(database)


async def test_what_was_there_before_the_tables_were_built_anew_is_there_after(
    database: Database,
) -> None:
    order = make_order(id="1" * 26, exchange_order_id="x1")
    async with database.transaction() as tx:
        await tx.accounts.insert("paper", "paper", AccountMode.PAPER, START)
        await tx.orders.insert(order, "{}")
        await tx.fills.insert([make_fill(order)])
        tx.events.append(submitted(order).event)
    for revision in ("0002", "head"):
        await migrate(database, revision)
    async with database.snapshot() as view:
        assert await view.orders.find(order.id) == order
        assert await view.fills.of_order(order.id) == [make_fill(order)]
    # And who refers to whom is watched as before.
    with pytest.raises(StorageError):
        async with database.transaction() as tx:
            await tx.fills.insert([replace(make_fill(order), id="2" * 26, order_id="0" * 26)])


async def test_fees_that_await_their_value_are_known_after_an_upgrade(database: Database) -> None:
    order = make_order(id="1" * 26, exchange_order_id="x1")
    key = PositionKey(account="paper", symbol=order.symbol, type=order.position_type)
    fees = {"2": None, "3": "USDT", "4": "BTC", "5": "BNB"}
    fills = [
        make_fill(
            order,
            id=number * 26,
            exchange_trade_id=number,
            fee=None if currency is None else Fee(currency=currency, amount=Decimal("0.1")),
        )
        for number, currency in fees.items()
    ]
    async with database.transaction() as tx:
        await tx.accounts.insert("paper", "paper", AccountMode.PAPER, START)
        await tx.orders.insert(order, "{}")
        await tx.fills.insert(fills)
        await tx.positions.save(booked(Position(key=key, updated_at=START), fills).position)
    for revision in ("0012", "head"):
        await migrate(database, revision)
    async with database.transaction() as tx:
        waiting = await tx.fills.awaiting_value(key, after="", limit=10)
        assert [fill.id for fill in waiting] == ["5" * 26]
        assert [await tx.fills.value_fee(fill.id, Decimal(7)) for fill in fills] == [
            False, False, False, True,
        ]  # fmt: skip
