"""Positions against the log: the fills in the log always add up to the stored positions."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from app.bus import Bus
from app.domain.accounts import AccountMode
from app.domain.fills import Fee, Fill
from app.domain.order_kinds import OrderSide
from app.domain.orders.changes import submitted
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import FillReport
from app.domain.portfolio.positions import Position, PositionKey, assets_of, booked
from app.services.orders.ledger import IdMakers, OrderLedger
from app.storage.database import Database
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.makers import AT, counting_ids, make_order, make_report

ACCOUNT = "paper"
SYMBOLS = ("BTC/USDT", "ETH/USDT", "ETH/BTC")
EXAMPLES = 8


@dataclass(frozen=True, kw_only=True)
class Trade:
    """One trade of an order, as an exchange reports it."""

    amount: Decimal
    price: Decimal
    # The fee's currency: the base, the quote or a third one.
    fee_in: str
    fee: Decimal


@dataclass(frozen=True, kw_only=True)
class Traded:
    """An order with the trades that filled it."""

    symbol: str
    side: OrderSide
    trades: tuple[Trade, ...]


# Few different amounts, so that many positions come back to zero, or cross it.
amounts = st.sampled_from([Decimal(1), Decimal(2)])
trades = st.builds(
    Trade,
    amount=amounts,
    price=st.decimals("0.01", "70000", places=2),
    fee_in=st.sampled_from(["quote", "base", "third"]),
    fee=st.sampled_from([Decimal(0), Decimal("0.00012345")]),
)
orders = st.builds(
    Traded,
    symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(OrderSide),
    trades=st.lists(trades, min_size=1, max_size=2).map(tuple),
)


@settings(max_examples=EXAMPLES)
@given(traded=st.lists(orders, min_size=3, max_size=8))
def test_the_fills_of_the_log_add_up_to_the_positions_that_were_kept(
    sqlite_template: Path, traded: Sequence[Traded]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(sqlite_template, Path(folder) / "orderdeck.db")
        asyncio.run(check(f"sqlite+aiosqlite:///{folder}/orderdeck.db", traded))


async def check(url: str, traded: Sequence[Traded]) -> None:
    database, clock = Database(url, Bus()), ManualClock(START)
    try:
        async with database.transaction() as tx:
            await tx.accounts.insert(ACCOUNT, "known", AccountMode.PAPER, START)
        ledger = OrderLedger(database, clock, IdMakers(new=counting_ids(), new_wire=str))
        for number, one in enumerate(traded):
            await record(database, ledger, number, one)
        kept, added_up = await positions(database), added(await fills_of_log(database))
        assert kept == added_up
        assert {key.symbol for key in kept} == {one.symbol for one in traded}
    finally:
        await database.close()


async def record(database: Database, ledger: OrderLedger, number: int, traded: Traded) -> None:
    """Apply a report per trade, each with one trade more, as an exchange sends them."""
    whole = sum((trade.amount for trade in traded.trades), Decimal(0))
    order = make_order(
        id=f"9{number:025d}", account=ACCOUNT, client_order_id=f"mine-{number}",
        wire_id=f"w{number}", symbol=traded.symbol, side=traded.side, amount=whole,
    )  # fmt: skip
    async with database.transaction() as tx:
        await tx.orders.insert(order, "{}")
        tx.events.append(submitted(order).event)
    told = [reported(traded, number, part) for part in range(len(traded.trades))]
    for known in range(1, len(told) + 1):
        is_last = known == len(told)
        report = make_report(
            OrderStatus.FILLED if is_last else OrderStatus.PARTIALLY_FILLED,
            *told[:known],
            symbol=traded.symbol,
            wire_id=order.wire_id,
            exchange_order_id=f"x{number}",
        )
        await ledger.apply(ACCOUNT, report)


def reported(traded: Traded, number: int, part: int) -> FillReport:
    trade = traded.trades[part]
    base, quote = assets_of(traded.symbol)
    currency = {"base": base, "quote": quote, "third": "BNB"}[trade.fee_in]
    return FillReport(
        trade_id=f"{number}-{part}",
        price=trade.price,
        amount=trade.amount,
        fee=Fee(currency=currency, amount=trade.fee),
        is_maker=True,
        at=AT + timedelta(seconds=number),
    )


async def positions(database: Database) -> Mapping[PositionKey, Position]:
    async with database.snapshot() as view:
        return {one.key: one for one in await view.positions.all(frozenset({ACCOUNT}))}


async def fills_of_log(database: Database) -> Sequence[Fill]:
    async with database.snapshot() as view:
        logged = await view.events.after(0, limit=1000)
    return [one.event.fill for one in logged if one.event.fill is not None]


def added(fills: Sequence[Fill]) -> Mapping[PositionKey, Position]:
    found: dict[PositionKey, Position] = {}
    for fill in fills:
        key = PositionKey(account=ACCOUNT, symbol=fill.symbol, type=make_order().position_type)
        before = found.get(key, Position(key=key, updated_at=START))
        found[key] = booked(before, [fill]).position
    return found
