"""Random trading sessions on the paper exchange, repeatable by seed, and their invariants."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.domain import money
from app.domain.order_kinds import PLACEABLE, OrderSide, OrderType, PositionType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.domain.orders.terms import AmendableTerms
from app.domain.paper_ledger import PaperBalance, PaperOrder, PaperPosition, PaperTrade
from app.domain.portfolio.positions import Holding, Move, move
from app.errors import ExchangeRejected, RefusalCode
from app.exchanges.paper.account.ledger import LedgerStore
from app.exchanges.paper.bookkeeping import Bookkeeper, LedgerContext
from app.exchanges.paper.faults import Faults
from app.exchanges.paper.news import FaultyNews
from app.exchanges.paper.price_sources.protocols import PriceSource
from app.exchanges.paper.price_sources.simulated import SimulatedSource
from app.exchanges.paper.prices.price_path import tick_of
from app.exchanges.paper.prices.simulated_markets import PaperTerms, SimulatedMarkets
from app.ports import Clock
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.rigs import an_intent, key_of
from tests.support.makers import changed

TERMS = PaperTerms(
    balances={
        "USDT": Decimal(20_000),
        "USD": Decimal(2_000_000),
        "BTC": Decimal(12),
        "SOL": Decimal(90),
    },
    maker_fee=Decimal("0.0008"),
    taker_fee=Decimal("0.001"),
    seed=7,
)
_SYMBOLS = ("BTC/USDT", "BTC/USDT", "BTC/USD", "SOL/USDT")
_ON_MARGIN = ("BTC/USDT", "BTC/USDT", "SOL/USDT")
_STOPS = {OrderType.STOP_MARKET, OrderType.STOP_LIMIT}
_WORTHS = (6, 300, 300, 900, 900, 2_500, 4_000, 15_000, 19_960, 900_000)
# Order values that need borrowed money.
_BOLD = (4_000, 45_000, 80_000, 95_000)
_OUTCOMES = {
    RefusalCode.INSUFFICIENT_FUNDS,
    RefusalCode.INVALID_INPUT,
    RefusalCode.REJECTED_BY_EXCHANGE,
    RefusalCode.MIN_NOTIONAL,
    RefusalCode.ALREADY_CLOSED,
    RefusalCode.INVALID_STATE,
}


@dataclass(frozen=True, kw_only=True)
class Entries:
    """All entries in the ledger of one account."""

    balances: Mapping[str, PaperBalance]
    orders: Sequence[PaperOrder]
    trades: Mapping[int, Sequence[PaperTrade]]
    positions: Sequence[PaperPosition] = ()


async def read(books: LedgerStore) -> Entries:
    async with books.snapshot() as view:
        last = (await view.last_numbers()).order
        found = [await view.find_order(number) for number in range(1, last + 1)]
        orders = [order for order in found if order is not None]
        trades = {order.number: await view.trades(order.number) for order in orders}
        return Entries(
            balances=await view.balances(),
            orders=orders,
            trades=trades,
            positions=await view.positions(),
        )


def a_bookkeeper(books: LedgerStore, clock: ManualClock, price_source: PriceSource) -> Bookkeeper:
    """A bookkeeper over the ledger, as another process would have it."""
    faults = Faults()
    surroundings = LedgerContext(
        price_source=price_source, clock=clock, faults=faults, news=FaultyNews(faults)
    )
    return Bookkeeper(books, surroundings)


class JumpingClock(ManualClock):
    """A clock for tests in which nothing sleeps: it moves without waking anything."""

    def move(self, seconds: float) -> None:
        self._passed += timedelta(seconds=seconds)


@dataclass
class Session:
    """Random orders on one account, served by one or several processes."""

    books: LedgerStore
    seed: int
    processes: int = 1
    # The chance in percent that open orders are matched at a tick without a new order.
    attention: int = 50
    # The chance in percent that an order is on margin; if above 0, days may pass in one step.
    on_margin: int = 0
    make_prices: Callable[[PaperTerms, Clock], PriceSource] = SimulatedSource
    placed: list[OrderIntent] = field(default_factory=list)
    amended: int = 0

    def __post_init__(self) -> None:
        self.clock = JumpingClock(START)
        self.keepers = [self._a_keeper() for _ in range(self.processes)]
        self.venue = SimulatedMarkets(TERMS)
        # Two generators: what happens must not depend on which process handles it.
        self.dice = random.Random(self.seed)
        self.chance = random.Random(f"{self.seed} {self.processes} {self.attention}")

    @property
    def keeper(self) -> Bookkeeper:
        return self.chance.choice(self.keepers)

    async def step(self) -> None:
        match self.dice.randrange(10):
            case 0 | 1 | 2 | 3 | 4 | 5:
                await self._place()
            case 6:
                await self._amend()
            case 7:
                await self._cancel()
            case 8 if self.dice.randrange(3) == 0:
                self._restart()
            case 9 if self.on_margin and self.dice.randrange(2):
                await self._sleep(self.dice.choice((3, 10, 30)))
            case _:
                await self._wait(self.dice.choice((1, 1, 2, 5, 40)))

    async def settle(self) -> None:
        """Let every process match up to now."""
        self.clock.move(2)
        for keeper in self.keepers:
            await keeper.match()

    async def _place(self) -> None:
        intent = self._an_intent()
        if await _answered(self.keeper.submit(intent)):
            self.placed.append(intent)

    async def _amend(self) -> None:
        if not self.placed:
            return
        intent = self.dice.choice(self.placed[-6:])
        other = self._an_intent(symbol=intent.symbol, side=intent.side, type=intent.type)
        wanted = AmendableTerms(
            amount=self.dice.choice((intent.amount, other.amount)),
            price=self.dice.choice((intent.price, other.price)),
            trigger_price=self.dice.choice((intent.trigger_price, other.trigger_price)),
        )
        self.amended += await _answered(self.keeper.amend(key_of(intent), wanted))

    async def _cancel(self) -> None:
        if self.placed:
            await self.keeper.cancel(key_of(self.dice.choice(self.placed[-8:])))

    def _restart(self) -> None:
        mine = self.chance.randrange(len(self.keepers))
        self.keepers[mine] = self._a_keeper()

    def _a_keeper(self) -> Bookkeeper:
        return a_bookkeeper(self.books, self.clock, self.make_prices(TERMS, self.clock))

    async def _sleep(self, days: int) -> None:
        """Let days pass, longer than what matching catches up on, before anything matches."""
        self.clock.move(timedelta(days=days).total_seconds())
        await self.keeper.match()

    async def _wait(self, ticks: int) -> None:
        for _ in range(ticks):
            self.clock.move(0.25)
            if self.chance.randrange(100) < self.attention:
                await self.keeper.match()

    def _an_intent(self, **fixed: Any) -> OrderIntent:
        dice = self.dice
        symbol = dice.choice(_ON_MARGIN if self.on_margin else _SYMBOLS)
        intent = an_intent(
            symbol=symbol,
            side=dice.choice(list(OrderSide)),
            type=dice.choice(PLACEABLE),
            time_in_force=dice.choice((TimeInForce.GTC, *TimeInForce)),
            reduce_only=dice.randrange(20) == 0,
        )
        if self.on_margin and dice.randrange(100) < self.on_margin:
            leverage = dice.choice((None, *map(Decimal, ("2.5", "3", "5", "5", "5"))))
            intent = changed(intent, position_type=PositionType.MARGIN, leverage=leverage)
            intent = changed(intent, reduce_only=dice.randrange(4) == 0)
        intent = changed(intent, **fixed)
        if not intent.type.has_price and dice.randrange(8):
            intent = changed(intent, time_in_force=TimeInForce.GTC)
        listing = self.venue.listing(intent.symbol)
        last = self.venue.last(intent.symbol, tick_of(self.clock.now()))
        worth = dice.choice(_BOLD if intent.position_type is PositionType.MARGIN else _WORTHS)
        amount = money.floor_to_step(Decimal(worth) / last, listing.amount_step)
        price, other = (_away(dice, last, listing.price_step) for _ in range(2))
        is_above = (intent.side is OrderSide.BUY) is (intent.type in _STOPS)
        if dice.randrange(8):
            other = abs(other) if is_above else -abs(other)
        return changed(
            intent,
            amount=max(amount, listing.amount_step),
            price=money.add(last, price) if intent.type.has_price else None,
            trigger_price=money.add(last, other) if intent.type.has_trigger else None,
        )


class Auditor:
    """Checks the ledger after every step: no money appears or disappears."""

    def __init__(self) -> None:
        self._orders: dict[int, PaperOrder] = {}
        self._trades: dict[int, Sequence[PaperTrade]] = {}
        self._owned = dict(TERMS.balances)
        self._reserved: dict[str, Decimal] = {}
        # The margin positions, computed from the fills independently.
        self._holdings: dict[str, Holding] = {}

    def check(self, entries: Entries) -> None:
        fresh: list[tuple[PaperTrade, PaperOrder]] = []
        for order in entries.orders:
            old = self._orders.get(order.number)
            if order is not old and order != old:
                fresh += self._follow(old, order, entries.trades[order.number])
            assert entries.trades[order.number] == self._trades[order.number]
        assert len(entries.orders) == len(self._orders)
        for trade, order in sorted(fresh, key=lambda pair: pair[0].number):
            (self._move_on_margin if order.is_on_margin else self._move)(order, trade)
        set_aside = dict(self._reserved)
        for position in entries.positions:
            assert position.holding == self._holdings.get(position.symbol, Holding())
            _add(set_aside, position.quote, position.margin)
        for asset, balance in entries.balances.items():
            assert balance.used >= 0
            assert balance.short >= 0
            assert money.add(balance.used, balance.short) == set_aside.get(asset, 0)
            assert balance.free <= 0 or not balance.short
            owned = money.add(self._owned.get(asset, money.ZERO), balance.written_off)
            assert balance.total == owned

    def _follow(
        self, old: PaperOrder | None, order: PaperOrder, trades: Sequence[PaperTrade]
    ) -> list[tuple[PaperTrade, PaperOrder]]:
        assert old is None or old.waits, "a closed order must not change"
        _assert_adds_up(order, trades)
        known = self._trades.get(order.number, ())
        assert list(trades[: len(known)]) == list(known)
        base, quote = order.symbol.split("/")
        held = quote if order.side is OrderSide.BUY or order.is_on_margin else base
        _add(self._reserved, held, order.reserved)
        _add(self._reserved, held, -old.reserved if old else money.ZERO)
        self._orders[order.number], self._trades[order.number] = order, trades
        return [(trade, order) for trade in trades[len(known) :]]

    def _move(self, order: PaperOrder, trade: PaperTrade) -> None:
        base, quote = order.symbol.split("/")
        sign = Decimal(1 if order.side is OrderSide.BUY else -1)
        cost = money.multiply(trade.price, trade.amount)
        assert (trade.fee.currency, trade.fee.amount) == (quote, _fee(trade))
        _add(self._owned, base, money.multiply(sign, trade.amount))
        _add(self._owned, quote, money.multiply(-sign, cost))
        _add(self._owned, quote, -trade.fee.amount)

    def _move_on_margin(self, order: PaperOrder, trade: PaperTrade) -> None:
        before = self._holdings.get(order.symbol, Holding())
        sign = Decimal(1 if order.side is OrderSide.BUY else -1)
        amount = money.multiply(sign, trade.amount)
        by = Move(amount=amount, price=trade.price, fee=_fee(trade), at=trade.at)
        after = self._holdings[order.symbol] = move(before, by).holding
        if order.reduce_only:
            assert abs(after.amount) < abs(before.amount)
            assert after.amount * before.amount >= 0
        _add(self._owned, order.quote, money.subtract(after.realized, before.realized))


def _fee(trade: PaperTrade) -> Decimal:
    rate = TERMS.maker_fee if trade.is_maker else TERMS.taker_fee
    return money.multiply(money.multiply(trade.price, trade.amount), rate)


def _add(amounts: dict[str, Decimal], asset: str, amount: Decimal) -> None:
    amounts[asset] = money.add(amounts.get(asset, money.ZERO), amount)


def _assert_adds_up(order: PaperOrder, trades: Sequence[PaperTrade]) -> None:
    assert order.status is not OrderStatus.SUBMITTING
    assert order.filled == money.total(trade.amount for trade in trades) <= order.amount
    assert order.reserved >= 0
    assert order.is_on_margin or order.reserved == _reserve(order)
    assert order.waits or not order.reserved
    assert (order.refusal is not None) == (order.status is OrderStatus.EXPIRED)
    if order.status is OrderStatus.FILLED:
        assert order.filled == order.amount
    if order.waits:
        assert order.filled < order.amount
        assert (order.filled > 0) == (order.status is OrderStatus.PARTIALLY_FILLED)
    if order.awaits_trigger:
        assert order.filled == 0


def _reserve(order: PaperOrder) -> Decimal:
    if not order.waits:
        return money.ZERO
    rest = money.subtract(order.amount, order.filled)
    if order.side is OrderSide.SELL:
        return rest
    price = order.price or order.trigger_price
    assert price is not None
    highest = max(TERMS.maker_fee, TERMS.taker_fee)
    return money.multiply(money.multiply(price, rest), money.add(Decimal(1), highest))


def _away(dice: random.Random, last: Decimal, step: Decimal) -> Decimal:
    """A random distance from the price: mostly a few steps, sometimes a few percent."""
    farthest = dice.choice((3, 300, 3_000, int(last / step) // 20))
    return money.multiply(Decimal(dice.randint(-farthest, farthest)), step)


async def _answered(answer: Awaitable[object]) -> bool:
    try:
        await answer
    except ExchangeRejected as error:
        if error.refusal.code not in _OUTCOMES:
            raise
        return False
    return True
