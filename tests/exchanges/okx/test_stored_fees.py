"""Fills that were stored with the sign of OKX's stream, in the whole runtime."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from app.bus import Bus
from app.clocks import SystemClock
from app.domain.fills import Fee, Fill
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.order import Order
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import OrderTerms
from app.domain.portfolio.positions import PositionKey
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.orders import position_bookkeeping
from app.settings import load_settings
from app.storage.database import Database
from tests.conftest import on_each_database
from tests.support.exchanges.wide import ACCOUNT
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.okx.venue import Venue
from tests.support.venues.serving.running import running

KEY = PositionKey(account=ACCOUNT, symbol="ETH/USDT", type=PositionType.SPOT)
CHARGE, REBATE = (Fee(currency="ETH", amount=Decimal(fee)) for fee in ("0.001", "-0.001"))


@dataclass(frozen=True, kw_only=True)
class Desk:
    services: Services
    database: Database


@asynccontextmanager
async def trading(folder: Path, database_url: str) -> AsyncIterator[Desk]:
    clock = SystemClock()
    async with running(Venue(clock)) as venue:
        account = venue.open_account(ACCOUNT, USDT=100_000)
        account.commission = Commission.RECEIVED
        settings = load_settings(environ(folder, database_url, venue, account), folder)
        async with open_runtime(settings, Parts(clock=clock)) as services:
            async with asyncio.timeout(60):
                while not services.accounts.is_in_step(ACCOUNT):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                while not venue.user_streams.listeners(ACCOUNT):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            database = Database(database_url, Bus())
            yield Desk(services=services, database=database)
            await database.close()


def environ(folder: Path, database_url: str, venue: Venue, account: Account) -> dict[str, str]:
    ccxt = venue.ccxt_settings(account)
    keys = {"api_key": ccxt.pop("apiKey"), "secret": ccxt.pop("secret")}
    keys["password"] = ccxt.pop("password")
    main = {"exchange": "okx", "mode": "live", "ccxt": json.dumps(ccxt), **keys}
    known = {"data_dir": folder, "database_url": database_url}
    known |= {f"accounts__{ACCOUNT}__{name}": value for name, value in main.items()}
    return {f"ORDERDECK_{name.upper()}": str(value) for name, value in known.items()}


async def bought(desk: Desk) -> tuple[Order, Fill]:
    """An order of 1 ETH, once its only trade is booked."""
    request = OrderRequest(
        account=ACCOUNT,
        client_order_id="one",
        symbol=KEY.symbol,
        terms=OrderTerms(side=OrderSide.BUY, type=OrderType.MARKET, amount=Decimal(1)),
    )
    placed = await desk.services.orders.place(request)
    async with asyncio.timeout(10):
        while not (found := await stored(desk, placed.order.id))[1]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found[0], found[1][0]


async def stored(desk: Desk, order_id: str) -> tuple[Order, list[Fill]]:
    async with desk.database.snapshot() as view:
        order = await view.orders.find(order_id)
        assert order is not None
        return order, await view.fills.of_order(order_id)


async def held(desk: Desk) -> Decimal:
    async with desk.database.snapshot() as view:
        position = await view.positions.find(KEY)
    assert position is not None
    return position.holding.amount


@on_each_database
async def test_a_charge_that_was_stored_as_a_rebate_is_corrected_by_a_comparison(
    tmp_path: Path, database_url: str
) -> None:
    async with trading(tmp_path, database_url) as desk:
        order, fill = await bought(desk)
        assert (fill.fee, await held(desk)) == (CHARGE, Decimal("0.999"))
        # As it was stored before the sign was known.
        async with desk.database.transaction() as tx:
            await tx.fills.correct_fee(replace(fill, fee=REBATE))
            await position_bookkeeping.rebuild(tx, KEY)
        assert await held(desk) == Decimal("1.001")
        await desk.services.reconciler.reconcile(ACCOUNT)
        after, [corrected] = await stored(desk, order.id)
        assert (corrected.id, corrected.fee, after.fees) == (fill.id, CHARGE, (CHARGE,))
        assert await held(desk) == Decimal("0.999")
        revision = after.revision
        assert corrected.fee_revision == revision
        await desk.services.reconciler.reconcile(ACCOUNT)
        assert (await stored(desk, order.id))[0].revision == revision
