"""Orders on margin at the paper exchange, at prices that are set by hand."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.domain import money
from app.domain.accounts import Balance
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.domain.paper_ledger import PaperBalance
from app.domain.portfolio.exposures import Exposure
from app.errors import ExchangeRejected, RefusalCode
from app.exchanges.paper.price_sources.mirrored import POLL_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.mirrored import ManualRig
from tests.support.exchanges.rigs import an_intent, key_of, running, terms_of

BUY, SELL = OrderSide.BUY, OrderSide.SELL
LAST = Decimal(50_000)
CENT = Decimal("0.01")
MONEY = Decimal(10_000)


@pytest.fixture
def rig() -> ManualRig:
    return ManualRig(MemoryLedger(), ManualClock(START))


def on_margin(
    side: OrderSide, amount: str, leverage: str | None = None, **more: Any
) -> OrderIntent:
    return an_intent(
        side=side,
        amount=Decimal(amount),
        position_type=PositionType.MARGIN,
        leverage=None if leverage is None else Decimal(leverage),
        **more,
    )


def a_limit(side: OrderSide, amount: str, price: int, **more: Any) -> OrderIntent:
    return on_margin(side, amount, type=OrderType.LIMIT, price=Decimal(price), **more)


async def quote_of(rig: ManualRig) -> Balance:
    return (await rig.gateway.balances())["USDT"]


async def kept(rig: ManualRig) -> PaperBalance:
    async with rig.books.snapshot() as view:
        return (await view.balances())["USDT"]


async def exposure_of(rig: ManualRig, symbol: str = "BTC/USDT") -> Exposure | None:
    found = await rig.gateway.exposures()
    return next((one for one in found if one.symbol == symbol), None)


async def found(rig: ManualRig, intent: OrderIntent) -> OrderReport:
    report = await rig.gateway.find(key_of(intent))
    assert report is not None
    return report


async def refused(rig: ManualRig, intent: OrderIntent, field: str) -> str:
    """Why it was not taken; nothing has moved."""
    before = await quote_of(rig)
    with pytest.raises(ExchangeRejected) as caught:
        await rig.gateway.submit(intent)
    assert caught.value.refusal.field == (field,)
    assert await quote_of(rig) == before
    return f"{caught.value.refusal.code}: {caught.value.refusal.message}"


async def test_a_short_sets_its_margin_aside_and_never_touches_the_base(rig: ManualRig) -> None:
    before = await rig.gateway.balances()
    report = await rig.gateway.submit(on_margin(SELL, "0.4", "3"))
    cost, fee = Decimal("0.4") * (LAST - CENT), report.fills[0].fee
    assert fee is not None
    margin = money.divide(cost, Decimal(3))
    after = await rig.gateway.balances()
    assert after["BTC"] == before["BTC"]
    assert after["USDT"].used == margin
    assert after["USDT"].free == MONEY - margin - fee.amount
    assert fee.amount == cost * Decimal("0.001")
    told = await exposure_of(rig)
    assert told is not None
    assert (told.amount, told.leverage, told.margin) == (Decimal("-0.4"), Decimal(3), margin)
    assert told.entry_price == LAST - CENT


async def test_what_is_closed_brings_back_its_margin_with_what_it_earned(rig: ManualRig) -> None:
    await rig.gateway.submit(on_margin(SELL, "0.4", "4"))
    rig.prices.move(40_000)
    half = await rig.gateway.submit(on_margin(BUY, "0.2", reduce_only=True))
    assert (await quote_of(rig)).used == Decimal("0.2") * (LAST - CENT) / 4
    rest = await rig.gateway.submit(on_margin(BUY, "0.2", reduce_only=True))
    assert await exposure_of(rig) is None
    paid = [fill for report in (half, rest) for fill in report.fills]
    fees = [Decimal("0.4") * (LAST - CENT) * Decimal("0.001")]
    fees += [fill.fee.amount for fill in paid if fill.fee]
    gained = Decimal("0.4") * ((LAST - CENT) - (Decimal(40_000) + CENT))
    assert await quote_of(rig) == Balance(
        asset="USDT", free=MONEY + gained - sum(fees), used=Decimal(0)
    )


async def test_a_flip_closes_the_one_and_opens_the_other(rig: ManualRig) -> None:
    await rig.gateway.submit(on_margin(BUY, "0.8", "5"))
    await rig.gateway.submit(on_margin(SELL, "1.5"))
    told = await exposure_of(rig)
    assert told is not None
    assert (told.amount, told.leverage) == (Decimal("-0.7"), Decimal(5))
    assert (await quote_of(rig)).used == told.margin


@pytest.mark.parametrize("leverage", ["0.99", "5.01", "2.005", "0", "-3"])
async def test_a_leverage_off_the_scale_is_refused_with_the_scale(
    rig: ManualRig, leverage: str
) -> None:
    why = await refused(rig, on_margin(BUY, "0.1", leverage), "leverage")
    assert "1 to 5 with 2 places" in why


async def test_another_leverage_than_that_in_force_is_refused_and_names_it(rig: ManualRig) -> None:
    await rig.gateway.submit(a_limit(BUY, "0.1", 40_000, leverage=Decimal("2.5")))
    assert "2.5" in await refused(rig, on_margin(BUY, "0.1", "3"), "leverage")
    await rig.gateway.submit(on_margin(BUY, "0.1"))
    told = await exposure_of(rig)
    assert told is not None
    assert told.leverage == Decimal("2.5")
    assert "2.5" in await refused(rig, on_margin(SELL, "0.1", "3"), "leverage")


async def test_the_last_cent_of_margin_can_be_borrowed_on_and_not_one_more(rig: ManualRig) -> None:
    each = money.multiply(LAST + CENT, Decimal("0.2") + Decimal("0.001"))
    most = money.floor_to_step(money.divide(MONEY, each), Decimal("0.00001"))
    # The fee is on all of it, the margin is a fifth.
    more = money.add(most, Decimal("0.00001"))
    why = await refused(rig, on_margin(BUY, str(more), "5"), "amount")
    assert why.startswith("INSUFFICIENT_FUNDS")
    await rig.gateway.submit(on_margin(BUY, str(most), "5"))


async def test_what_waits_reserves_for_what_it_would_open_and_its_fee(rig: ManualRig) -> None:
    await rig.gateway.submit(on_margin(BUY, "0.1", "5"))
    margin = (await quote_of(rig)).used
    opens = a_limit(SELL, "0.3", 60_000)
    await rig.gateway.submit(opens)
    fee = Decimal("0.3") * 60_000 * Decimal("0.001")
    assert (await quote_of(rig)).used == margin + fee + Decimal("0.2") * 60_000 / 5
    wanted = replace(terms_of(opens), amount=Decimal("0.1"))
    await rig.gateway.amend(key_of(opens), wanted)
    assert (await quote_of(rig)).used == margin + fee / 3
    await rig.gateway.cancel(key_of(opens))
    assert (await quote_of(rig)).used == margin


async def test_reductions_take_no_more_together_than_there_is(rig: ManualRig) -> None:
    why = await refused(rig, on_margin(SELL, "0.1", reduce_only=True), "reduceOnly")
    assert why.startswith("INVALID_STATE")
    await rig.gateway.submit(on_margin(BUY, "0.3", "2"))
    assert "INVALID_STATE" in await refused(
        rig, on_margin(BUY, "0.1", reduce_only=True), "reduceOnly"
    )
    first = a_limit(SELL, "0.2", 60_000, reduce_only=True)
    await rig.gateway.submit(first)
    why = await refused(rig, a_limit(SELL, "0.15", 70_000, reduce_only=True), "amount")
    assert why.startswith("INVALID_INPUT")
    assert "can take 0.1 of it" in why
    await rig.gateway.submit(a_limit(SELL, "0.1", 70_000, reduce_only=True))
    with pytest.raises(ExchangeRejected, match=r"can take 0\.2 of it"):
        await rig.gateway.amend(key_of(first), replace(terms_of(first), amount=Decimal("0.25")))


async def test_a_reduction_never_flips_and_ends_when_nothing_is_left(rig: ManualRig) -> None:
    await rig.gateway.submit(on_margin(BUY, "0.3", "2"))
    waiting = a_limit(SELL, "0.3", 60_000, reduce_only=True)
    await rig.gateway.submit(waiting)
    await rig.gateway.submit(on_margin(SELL, "0.1"))
    async with running(rig):
        rig.prices.move(61_000)
        await rig.clock.advance(POLL_SECONDS)
        part = await found(rig, waiting)
        assert (part.status, part.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.2"))
        assert await exposure_of(rig) is None
        await rig.clock.advance(POLL_SECONDS)
        rest = await found(rig, waiting)
    assert (rest.status, rest.filled) == (OrderStatus.EXPIRED, Decimal("0.2"))
    assert rest.refusal is not None
    assert rest.refusal.code is RefusalCode.INVALID_STATE
    assert (await quote_of(rig)).used == 0


async def test_everything_is_closed_at_the_price_that_was_told_and_not_a_cent_before(
    rig: ManualRig,
) -> None:
    await rig.gateway.submit(on_margin(BUY, "0.9", "5"))
    told = await exposure_of(rig)
    assert told is not None
    assert told.liquidation_price is not None
    waiting = a_limit(BUY, "0.01", 30_000)
    spot = an_intent(side=SELL, type=OrderType.LIMIT, price=Decimal(90_000), amount=Decimal("0.01"))
    for intent in (waiting, spot):
        await rig.gateway.submit(intent)
    last = money.floor_to_step(told.liquidation_price, CENT)
    async with running(rig):
        rig.prices.move(str(last + CENT))
        await rig.clock.advance(POLL_SECONDS)
        assert (await exposure_of(rig)) == told
        assert await rig.gateway.closed_orders(START, []) == []
        rig.prices.move(str(last))
        await rig.clock.advance(POLL_SECONDS)
        async with asyncio.timeout(5):
            await rig.gateway.gap()
        assert await exposure_of(rig) is None
        [closed] = await rig.gateway.closed_orders(START, [])
        ended, unharmed = await found(rig, waiting), await found(rig, spot)
    assert closed.details is not None
    assert closed.details.client_order_id == "LIQUIDATED-4"
    assert (closed.details.side, closed.details.position_type) == (SELL, PositionType.MARGIN)
    assert (closed.status, closed.filled) == (OrderStatus.FILLED, Decimal("0.9"))
    assert [fill.price for fill in closed.fills] == [last - CENT]
    assert ended.status is OrderStatus.EXPIRED
    assert ended.refusal is not None
    assert ended.refusal.message.startswith("LIQUIDATED: the margin level of USDT fell to 1.0")
    assert unharmed.status is OrderStatus.OPEN
    assert await rig.gateway.closed_orders(rig.clock.now(), []) != []
    left = await kept(rig)
    assert left.used == left.short == left.written_off == 0
    assert left.free > 0


async def test_the_price_that_is_told_takes_what_else_there_is_into_account(rig: ManualRig) -> None:
    """Each at its own liquidation price brings all of them down, and a step before none."""
    await rig.gateway.submit(on_margin(SELL, "0.3", "3"))
    await rig.gateway.submit(on_margin(BUY, "0.4", "5", symbol="DOGE/USDT"))
    alone = await exposure_of(rig)
    assert alone is not None
    assert alone.liquidation_price is not None
    rig.prices.move(55_000, "DOGE/USDT")
    beside = await exposure_of(rig)
    assert beside is not None
    assert beside.liquidation_price is not None
    assert beside.liquidation_price > alone.liquidation_price
    last = money.ceil_to_step(beside.liquidation_price, CENT)
    async with running(rig):
        rig.prices.move(str(last - CENT))
        await rig.clock.advance(POLL_SECONDS)
        assert len(await rig.gateway.exposures()) == 2
        rig.prices.hidden.add("DOGE/USDT")
        rig.prices.move(str(last))
        await rig.clock.advance(POLL_SECONDS)
        # Where a price is missing, nothing is known, and nothing is done.
        assert len(await rig.gateway.exposures()) == 2
        rig.prices.hidden.clear()
        await rig.clock.advance(POLL_SECONDS)
    assert await rig.gateway.exposures() == []


async def test_what_a_leap_of_the_price_leaves_owed_is_written_off_and_noted(
    rig: ManualRig,
) -> None:
    opened = await rig.gateway.submit(on_margin(BUY, "0.9", "5"))
    rig.prices.move(30_000)
    async with running(rig):
        await rig.clock.advance(POLL_SECONDS)
        [closed] = await rig.gateway.closed_orders(START, [])
    assert opened.cost is not None
    assert closed.cost is not None
    fees = [fill.fee.amount for report in (opened, closed) for fill in report.fills if fill.fee]
    realized = closed.cost - opened.cost - sum(fees)
    left = await kept(rig)
    assert left.free == left.used == left.short == 0
    # What there was and what was realized are what is left, but for the exchange's own loss.
    assert MONEY + realized == -left.written_off < 0


async def test_a_loss_that_another_position_covers_is_owed_and_paid_back(rig: ManualRig) -> None:
    await rig.gateway.submit(on_margin(BUY, "0.4", "5"))
    await rig.gateway.submit(on_margin(BUY, "0.4", "5", symbol="DOGE/USDT"))
    rig.prices.move(20_000)
    rig.prices.move(90_000, "DOGE/USDT")
    await rig.gateway.submit(on_margin(SELL, "0.4", reduce_only=True))
    owing = await kept(rig)
    assert owing.free < -2_000
    assert owing.used == owing.written_off == 0
    why = await refused(rig, an_intent(amount=Decimal("0.001")), "amount")
    assert why.startswith("INSUFFICIENT_FUNDS")
    await rig.gateway.submit(on_margin(SELL, "0.4", symbol="DOGE/USDT", reduce_only=True))
    paid = await kept(rig)
    assert paid.used == paid.short == paid.written_off == 0
    assert 13_000 < paid.free < 14_000


async def test_another_process_knows_what_was_borrowed(rig: ManualRig) -> None:
    await rig.gateway.submit(on_margin(BUY, "0.9", "5"))
    other = rig.restarted()
    async with running(other):
        # The money goes elsewhere, by the first process, and the second one sees to the rest.
        await rig.gateway.submit(an_intent(amount=Decimal("0.018")))
        rig.prices.move(44_500)
        await rig.clock.advance(POLL_SECONDS)
        await rig.clock.advance(POLL_SECONDS)
    assert await rig.gateway.exposures() == []
