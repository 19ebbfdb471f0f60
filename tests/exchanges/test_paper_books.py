"""Whatever is ordered, canceled and waited for: no balance is negative, and no money is lost."""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import money
from app.domain.accounts import AccountMode
from app.domain.order_reports import OrderIntent, OrderReport
from app.domain.orders import OrderSide, OrderStatus, OrderType, TimeInForce
from app.errors import ExchangeRejected
from app.storage.database import Database
from app.storage.paper import PaperBooks
from tests.exchanges.conftest import START
from tests.exchanges.rigs import (
    TERMS,
    PaperRig,
    an_intent,
    key_of,
    running,
    steps_off,
    ticker_of,
)
from tests.fakes import ManualClock

_accounts = count(1)


@dataclass(frozen=True, kw_only=True)
class Place:
    """An order for so many amount steps, its limit so many price steps from the last price."""

    symbol: str
    side: OrderSide
    type: OrderType
    time_in_force: TimeInForce
    steps: int
    amount_steps: int


@dataclass(frozen=True, kw_only=True)
class Cancel:
    index: int


@dataclass(frozen=True, kw_only=True)
class Wait:
    ticks: int


places = st.builds(
    Place,
    symbol=st.sampled_from(["BTC/USDT", "BTC/USD", "SOL/USDT"]),
    side=st.sampled_from(OrderSide),
    type=st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT]),
    time_in_force=st.sampled_from(TimeInForce),
    steps=st.integers(-400, 400),
    amount_steps=st.integers(1, 9_000),
)
actions = st.lists(
    places
    | places
    | st.builds(Cancel, index=st.integers(0, 9))
    | st.builds(Wait, ticks=st.integers(1, 30)),
    min_size=3,
    max_size=12,
)


@dataclass
class Session:
    rig: PaperRig
    placed: list[OrderIntent] = field(default_factory=list)

    async def perform(self, action: Place | Cancel | Wait) -> None:
        match action:
            case Place():
                await self._place(action)
            case Cancel(index=index) if self.placed:
                intent = self.placed[index % len(self.placed)]
                assert await self.rig.gateway.cancel(key_of(intent)) is not None
            case Wait(ticks=ticks):
                await self.rig.clock.advance(ticks / 4)
            case _:
                pass

    async def _place(self, place: Place) -> None:
        gateway = self.rig.gateway
        market = (await gateway.markets())[place.symbol]
        last = (await ticker_of(gateway, place.symbol)).last
        assert market.amount_step is not None
        intent = an_intent(
            symbol=place.symbol,
            side=place.side,
            type=place.type,
            time_in_force=place.time_in_force,
            amount=money.multiply(market.amount_step, Decimal(place.amount_steps)),
            price=steps_off(last, place.steps) if place.type is OrderType.LIMIT else None,
        )
        try:
            await gateway.submit(intent)
        except ExchangeRejected:
            return
        self.placed.append(intent)

    async def check(self) -> None:
        balances = await self.rig.gateway.balances()
        expected = {asset: [TERMS.balances.get(asset, money.ZERO)] for asset in balances}
        used = {asset: [money.ZERO] for asset in balances}
        for intent in self.placed:
            report = await self.rig.gateway.find(key_of(intent))
            assert report is not None
            _check_report(intent, report)
            base, quote = intent.symbol.split("/")
            sign = Decimal(1 if intent.side is OrderSide.BUY else -1)
            for fill in report.fills:
                assert fill.fee is not None
                expected[base].append(money.multiply(sign, fill.amount))
                expected[quote].append(
                    money.multiply(-sign, money.multiply(fill.price, fill.amount))
                )
                expected[fill.fee.currency].append(-fill.fee.amount)
            if report.status is OrderStatus.OPEN:
                held = quote if intent.side is OrderSide.BUY else base
                used[held].append(_reserve(intent))
        for asset, balance in balances.items():
            assert balance.free >= 0
            assert balance.used == money.total(used[asset])
            assert money.add(balance.free, balance.used) == money.total(expected[asset])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions)
async def test_every_asset_is_what_was_paid_in_plus_what_was_traded(
    database: Database, plan: list[Place | Cancel | Wait]
) -> None:
    account = f"desk{next(_accounts)}"
    async with database.transaction() as tx:
        await tx.accounts.insert(account, "paper", AccountMode.PAPER, START)
    rig = PaperRig(PaperBooks(database, account), ManualClock(START))
    session = Session(rig)
    async with running(rig):
        for action in plan:
            await session.perform(action)
            await session.check()


def _check_report(intent: OrderIntent, report: OrderReport) -> None:
    filled = money.total(fill.amount for fill in report.fills)
    assert report.filled == filled <= intent.amount
    assert (report.status is OrderStatus.FILLED) == (filled == intent.amount)
    assert report.cost == money.total(
        money.multiply(fill.price, fill.amount) for fill in report.fills
    )


def _reserve(intent: OrderIntent) -> Decimal:
    if intent.side is OrderSide.SELL:
        return intent.amount
    assert intent.price is not None
    cost = money.multiply(intent.amount, intent.price)
    return money.multiply(cost, money.add(Decimal(1), max(TERMS.maker_fee, TERMS.taker_fee)))
