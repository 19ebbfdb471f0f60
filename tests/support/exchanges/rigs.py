"""Order intents, assertions, and the rig of the paper exchange that the contract tests use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any, Protocol

import pytest

from app.domain import money
from app.domain.markets.markets import Ticker
from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderKey, OrderReport
from app.domain.orders.terms import AmendableTerms, OrderTerms
from app.errors import ExchangeRejected, Refusal, RefusalCode
from app.exchanges.paper.account.ledger import LedgerStore
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.faults import Call, Faults
from app.exchanges.paper.prices.simulated_markets import PaperTerms
from app.ports import ExchangeGateway
from tests.support.clock import ManualClock
from tests.support.makers import changed

SYMBOL = "BTC/USDT"
STEP = Decimal("0.01")
TERMS = PaperTerms(
    balances={"USDT": Decimal(10_000), "USD": Decimal(1_000), "BTC": Decimal("0.5")},
    maker_fee=Decimal("0.0008"),
    taker_fee=Decimal("0.001"),
    seed=7,
)
STOPS = {OrderType.STOP_MARKET, OrderType.STOP_LIMIT}
_numbers = count(1)


def an_intent(**changes: Any) -> OrderIntent:
    """An intent with its own wire id: a small market buy of bitcoin, except for the changes."""
    intent = OrderIntent(
        wire_id=f"w{next(_numbers):017}",
        symbol=SYMBOL,
        terms=OrderTerms(side=OrderSide.BUY, type=OrderType.MARKET, amount=Decimal("0.01")),
    )
    return changed(intent, **changes)


def a_limit(price: Decimal, **changes: Any) -> OrderIntent:
    return an_intent(type=OrderType.LIMIT, price=price, **changes)


def a_triggered(kind: OrderType, side: OrderSide, trigger: Decimal, **changes: Any) -> OrderIntent:
    """An order with a trigger; its limit, if it has one, is the trigger price."""
    price = trigger if kind.has_price else None
    return changed(an_intent(type=kind, side=side, trigger_price=trigger, price=price), **changes)


def terms_of(intent: OrderIntent) -> AmendableTerms:
    return AmendableTerms(
        amount=intent.amount, price=intent.price, trigger_price=intent.trigger_price
    )


def key_of(intent: OrderIntent, exchange_order_id: str | None = None) -> OrderKey:
    return OrderKey(
        symbol=intent.symbol, wire_id=intent.wire_id, exchange_order_id=exchange_order_id
    )


def steps_off(price: Decimal | None, steps: int) -> Decimal:
    assert price is not None
    return money.add(price, money.multiply(STEP, Decimal(steps)))


async def ticker_of(gateway: ExchangeGateway, symbol: str = SYMBOL) -> Ticker:
    return (await gateway.tickers([symbol]))[symbol]


async def heard(news: AsyncIterator[OrderReport]) -> OrderReport:
    """The next report, which must arrive within seconds."""
    async with asyncio.timeout(5):
        return await anext(news)


class GatewayRig(Protocol):
    """What the contract tests need: a gateway with money on its account, and faults to inject."""

    @property
    def gateway(self) -> ExchangeGateway: ...

    def lose_questions(self, call: Call) -> None: ...

    def lose_answers(self, call: Call) -> None: ...

    def cut_off(self, call: Call) -> None: ...

    def recover(self) -> None: ...


class PaperRig:
    """The paper exchange and its faults."""

    def __init__(self, books: LedgerStore, clock: ManualClock) -> None:
        self.faults = Faults()
        self.clock = clock
        self.books = books
        self.gateway = PaperExchange(books, clock, TERMS, self.faults)

    def lose_questions(self, call: Call) -> None:
        self.faults.lost_before.add(call)

    def lose_answers(self, call: Call) -> None:
        self.faults.lost_after.add(call)

    def cut_off(self, call: Call) -> None:
        self.faults.unavailable.add(call)

    def recover(self) -> None:
        for calls in (self.faults.lost_before, self.faults.lost_after, self.faults.unavailable):
            calls.clear()

    def restarted(self) -> "PaperRig":
        """A new exchange over the same ledger, as after a restart."""
        return PaperRig(self.books, self.clock)


async def settled(rig: GatewayRig, intent: OrderIntent) -> OrderReport:
    """Place an order; what became of it, looked up where an exchange answers with an id alone."""
    answer = await rig.gateway.submit(intent)
    if answer.filled is not None:
        return answer
    found = await rig.gateway.find(key_of(intent, answer.exchange_order_id))
    assert found is not None
    return found


async def refused_by(rig: GatewayRig, intent: OrderIntent) -> Refusal:
    """Why an order is refused, whether it is the answer or what became of it at once."""
    before = await rig.gateway.balances()
    try:
        report = await settled(rig, intent)
    except ExchangeRejected as error:
        refusal: Refusal | None = error.refusal
    else:
        refusal = report.refusal
        assert (report.status, report.fills) == (OrderStatus.REJECTED, ())
    assert await rig.gateway.balances() == before
    assert refusal is not None
    return refusal


def agree(one: OrderReport | None, other: OrderReport | None) -> bool:
    """Whether both reports are equal in all fields that both of them have."""
    assert one is not None
    assert other is not None
    apart = [
        name
        for name in ("filled", "cost", "terms", "details")
        if None in (getattr(one, name), getattr(other, name))
    ]
    silent: dict[str, Any] = dict.fromkeys(apart)
    return replace(one, **silent) == replace(other, **silent)


async def is_rejected(rig: GatewayRig, intent: OrderIntent, code: RefusalCode) -> Refusal:
    """Assert that an intent is rejected with this code and leaves no trace; return the refusal."""
    before = await rig.gateway.balances()
    with pytest.raises(ExchangeRejected) as caught:
        await rig.gateway.submit(intent)
    assert caught.value.refusal.code is code
    # An exchange cannot look up orders of a market that it does not list.
    if intent.symbol in await rig.gateway.markets():
        assert await rig.gateway.find(key_of(intent)) is None
    assert await rig.gateway.balances() == before
    return caught.value.refusal


@asynccontextmanager
async def running(rig: PaperRig) -> AsyncIterator[PaperRig]:
    """The rig with its matching loop running, which sleeps until the clock advances."""
    loop = asyncio.create_task(rig.gateway.run())
    await rig.clock.until_asleep()
    try:
        yield rig
    finally:
        loop.cancel()
        await asyncio.wait([loop])
