"""Positions kept fill by fill, fee by fee and correction by correction, against a whole replay."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from app.bus import Bus
from app.domain.accounts import AccountMode
from app.domain.fills import Fee, Fill
from app.domain.order_kinds import OrderSide, PositionType
from app.domain.orders.changes import submitted
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import FillReport
from app.domain.portfolio.positions import Position, PositionKey, RoundTrip, booked
from app.services.orders import position_bookkeeping
from app.services.orders.ledger import IdMakers, OrderLedger
from app.storage import tables
from app.storage.database import Database
from tests.conftest import START, on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import AT, counting_ids, make_order, make_report

ACCOUNT = "paper"
# One market for each example, so that they can share a database.
markets = count(1)
new_id = counting_ids()


@dataclass(frozen=True, kw_only=True)
class Trade:
    """An order filled at once, by a trade that the exchange tells, or as a total alone."""

    side: OrderSide
    amount: Decimal
    price: Decimal
    fee_in: str
    is_guessed: bool


@dataclass(frozen=True, kw_only=True)
class Correct:
    """The trades of a guessed order come in."""

    which: int
    fee_in: str


@dataclass(frozen=True, kw_only=True)
class Recharge:
    """The exchange's list of trades tells another fee for one of them."""

    which: int
    fee: Decimal
    fee_in: str


@dataclass(frozen=True, kw_only=True)
class Value:
    """The value of some fees in a third currency becomes known."""

    which: int
    fees: tuple[Decimal, ...]


prices = st.decimals("0.01", "70000", places=2)
currencies = st.sampled_from(["quote", "base", "BNB"])
steps = st.one_of(
    st.builds(
        Trade,
        side=st.sampled_from(OrderSide),
        # Few different amounts, so that many positions come back to zero, or cross it.
        amount=st.sampled_from([Decimal(1), Decimal(2)]),
        price=prices,
        fee_in=currencies,
        is_guessed=st.booleans(),
    ),
    st.builds(Correct, which=st.integers(0, 20), fee_in=currencies),
    st.builds(
        Recharge,
        which=st.integers(0, 20),
        fee=st.decimals("-2", "2", places=3),
        fee_in=currencies,
    ),
    st.builds(
        Value,
        which=st.integers(0, 20),
        fees=st.lists(st.decimals("0.0001", "9", places=4), min_size=1, max_size=3).map(tuple),
    ),
)


class Market:
    """One market's orders, applied through the ledger."""

    def __init__(self, database: Database) -> None:
        coin = f"C{next(markets)}"
        self.key = PositionKey(account=ACCOUNT, symbol=f"{coin}/USDT", type=PositionType.SPOT)
        self._currencies = {"quote": "USDT", "base": coin, "BNB": "BNB"}
        self._database = database
        self._ledger = OrderLedger(database, ManualClock(START), IdMakers(new=new_id, new_wire=str))
        self._guessed: list[Order] = []
        self._whole: list[tuple[Order, FillReport]] = []

    async def do(self, step: Trade | Correct | Recharge | Value) -> None:
        match step:
            case Trade():
                await self.trade(step)
            case Correct(which=which) if self._guessed:
                await self.correct(self._guessed.pop(which % len(self._guessed)), step.fee_in)
            case Recharge(which=which) if self._whole:
                await self.recharge(*self._whole[which % len(self._whole)], step)
            case Value():
                await self.value(step)

    async def trade(self, trade: Trade) -> None:
        number = new_id()
        order = make_order(
            id=number, account=ACCOUNT, client_order_id=number, wire_id=number,
            symbol=self.key.symbol, side=trade.side, amount=trade.amount, price=trade.price,
        )  # fmt: skip
        async with self._database.transaction() as tx:
            await tx.orders.insert(order, "{}")
            tx.events.append(submitted(order).event)
        if trade.is_guessed:
            self._guessed.append(order)
            await self._tell(order)
        else:
            told = self._told(order, "whole", trade.amount, trade.fee_in)
            self._whole.append((order, told))
            await self._tell(order, told)

    async def correct(self, order: Order, fee_in: str) -> None:
        """Two trades replace the total, one after the other."""
        half = order.amount / 2
        first = self._told(order, "first", half, fee_in)
        await self._tell(order, first)
        await self._tell(order, first, self._told(order, "second", half, fee_in))

    async def recharge(self, order: Order, told: FillReport, step: Recharge) -> None:
        fee = Fee(currency=self._currencies[step.fee_in], amount=step.fee)
        await self._tell(order, replace(told, fee=fee, is_fee_final=True))

    async def value(self, step: Value) -> None:
        async with self._database.snapshot() as view:
            waiting = await view.fills.awaiting_value(self.key, after="", limit=100)
        some = [fill.id for fill in waiting[step.which % (len(waiting) or 1) :]]
        values = dict(zip(some, step.fees, strict=False))
        # Twice, as if two processes had valued them at once.
        for _ in range(2):
            async with self._database.transaction() as tx:
                await position_bookkeeping.value_fees(tx, self.key, values)

    async def check(self) -> None:
        """What is kept is what all valid fills add up to, at each checkpoint too."""
        async with self._database.snapshot() as view:
            fills = await view.positions.fills(self.key, after=None, limit=10_000)
            kept = await view.positions.find(self.key)
            rounds = await view.positions.rounds(ACCOUNT)
            checkpoints = await view.positions.checkpoints_since(self.key, "")
        after = booked(Position(key=self.key, updated_at=AT), fills)
        if kept is None:
            assert not fills
            return
        assert numbers(kept) == numbers(after.position)
        ours = {fill.id for fill in fills}
        assert [one for one in rounds if one.ended_by in ours] == by_time(after.ended)
        for checkpoint in checkpoints:
            until = [fill for fill in fills if fill.id <= (checkpoint.last_fill or "")]
            assert numbers(checkpoint) == numbers(replayed(self.key, until))

    async def _tell(self, order: Order, *trades: FillReport) -> None:
        report = make_report(
            OrderStatus.FILLED, *trades, symbol=order.symbol, wire_id=order.wire_id,
            exchange_order_id=order.id, filled=order.amount, cost=order.amount * (order.price or 0),
        )  # fmt: skip
        await self._ledger.apply(ACCOUNT, report)

    def _told(self, order: Order, name: str, amount: Decimal, fee_in: str) -> FillReport:
        assert order.price is not None
        return FillReport(
            trade_id=f"{order.id}-{name}",
            # Not the price of the guess.
            price=order.price + (0 if name == "whole" else 1),
            amount=amount,
            fee=Fee(currency=self._currencies[fee_in], amount=Decimal("0.00012345")),
            is_maker=True,
            at=AT + timedelta(milliseconds=int(order.id)),
        )


def numbers(position: Position) -> tuple[object, ...]:
    return position.holding, position.unvalued_fees, position.fills, position.last_fill


def replayed(key: PositionKey, fills: Sequence[Fill]) -> Position:
    return booked(Position(key=key, updated_at=AT), fills).position


def by_time(rounds: Sequence[RoundTrip]) -> list[RoundTrip]:
    return sorted(rounds, key=lambda one: one.closed_at)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints and slices so small that a few fills need several."""
    monkeypatch.setattr(position_bookkeeping, "CHECKPOINT_FILLS", 3)
    monkeypatch.setattr(position_bookkeeping, "CHECKPOINTS_KEPT", 2)
    monkeypatch.setattr(position_bookkeeping, "SLICE", 2)


async def add_account(database: Database) -> None:
    async with database.transaction() as tx:
        if await tx.accounts.find(ACCOUNT) is None:
            await tx.accounts.insert(ACCOUNT, "known", AccountMode.PAPER, START)


@on_each_database
async def test_a_charge_that_was_stored_as_a_rebate_is_taken_from_the_position(
    database_url: str,
) -> None:
    database = Database(database_url, Bus())
    await add_account(database)
    market = Market(database)
    await market.do(traded(OrderSide.BUY, 2000, fee_in="base"))
    await market.do(traded(OrderSide.BUY, 2000, fee_in="base"))
    day = AT + timedelta(days=1)
    amounts, states = [], []
    for fee in ("-0.001", "0.001"):
        await market.do(Recharge(which=0, fee=Decimal(fee), fee_in="base"))
        async with database.snapshot() as view:
            kept = await view.positions.find(market.key)
            [first, _] = await view.positions.fills(market.key, after=None, limit=10)
            states.append(await view.fills.state_behind(market.key, day))
        assert kept is not None
        assert first.fee is not None
        assert first.fee.amount == Decimal(fee)
        amounts.append(kept.holding.amount)
    await market.check()
    await database.close()
    assert amounts[0] - amounts[1] == Decimal("0.002")
    # What was added up before the correction counts no more.
    assert states[0] != states[1]


@on_each_database
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=st.lists(steps, min_size=4, max_size=16))
def test_what_is_kept_is_what_all_fills_add_up_to(
    database_url: str, often: None, done: Sequence[Trade | Correct | Recharge | Value]
) -> None:
    async def run() -> None:
        database = Database(database_url, Bus())
        try:
            await add_account(database)
            market = Market(database)
            for step in done:
                await market.do(step)
                await market.check()
        finally:
            await database.close()

    asyncio.run(run())


def traded(side: OrderSide, price: int, **changes: object) -> Trade:
    values = {"amount": Decimal(1), "fee_in": "BNB", "is_guessed": False} | changes
    return Trade(side=side, price=Decimal(price), **values)  # type: ignore[arg-type]


@on_each_database
async def test_a_fee_of_a_trade_that_ended_long_ago_is_its_own(
    database: Database, often: None
) -> None:
    await add_account(database)
    market = Market(database)
    for number in range(6):
        side = OrderSide.SELL if number % 2 else OrderSide.BUY
        await market.trade(traded(side, 100 + number))
    await market.value(Value(which=0, fees=(Decimal("0.5"), Decimal("0.25"))))
    async with database.snapshot() as view:
        position = await view.positions.find(market.key)
        rounds = await view.positions.rounds(ACCOUNT)
    assert position is not None
    assert position.holding.realized == Decimal("2.25")
    assert position.unvalued_fees == 4
    assert [one.pnl for one in rounds] == [Decimal("0.25"), Decimal(1), Decimal(1)]


@on_each_database
async def test_round_trips_from_before_ids_were_kept_are_replayed_once(
    database: Database, often: None
) -> None:
    await add_account(database)
    market = Market(database)
    for number in range(4):
        side = OrderSide.SELL if number % 2 else OrderSide.BUY
        await market.trade(traded(side, 100 + number))
    async with database.migrating() as connection:
        await connection.execute(update(tables.position_rounds).values(ended_by=None))
    await market.value(Value(which=0, fees=(Decimal("0.5"),)))
    await market.check()
    async with database.snapshot() as view:
        rounds = await view.positions.rounds(ACCOUNT)
    assert [one.pnl for one in rounds] == [Decimal("0.5"), Decimal(1)]


@on_each_database
async def test_a_correction_replays_no_more_than_what_follows_its_checkpoint(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(position_bookkeeping, "CHECKPOINT_FILLS", 10)
    await add_account(database)
    market = Market(database)
    for number in range(50):
        await market.trade(traded(OrderSide.BUY, 100 + number))
    # Wrong on purpose: a whole replay would put it right.
    async with database.migrating() as connection:
        await connection.execute(update(tables.position_checkpoints).values(fees=Decimal(7)))
    await market.trade(traded(OrderSide.SELL, 100, is_guessed=True))
    await market.do(Correct(which=0, fee_in="BNB"))
    async with database.snapshot() as view:
        position = await view.positions.find(market.key)
    assert position is not None
    assert position.holding.fees == Decimal(7)
    assert position.fills == 52
