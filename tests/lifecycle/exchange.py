"""An exchange whose truth is known: it does what it is told to, and answers as badly as wished."""

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from itertools import count

from app.domain import money
from app.domain.account_checks import AccountCheck
from app.domain.accounts import Balance, Capabilities, Connection, Connectivity
from app.domain.fills import Fee
from app.domain.markets.markets import Market, Ticker
from app.domain.order_kinds import OrderSide, OrderType, PositionType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import (
    FillReport,
    OrderDetails,
    OrderIntent,
    OrderKey,
    OrderReport,
    ReportedTerms,
)
from app.domain.orders.terms import AmendableTerms, OrderTerms
from app.domain.portfolio.exposures import Exposure
from app.errors import (
    ExchangeDoubt,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
    RefusalCode,
)
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.market_sources import NoMarketData

SYMBOL = "BTC/USDT"
_MARKET = Market(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    type=PositionType.SPOT,
    active=True,
    amount_step=Decimal(1),
    price_step=Decimal(1),
    min_amount=None,
    min_notional=None,
)
# Exchanges take a request for so long after it was sent.
ACCEPTANCE = timedelta(seconds=10)
_RICH = Decimal(10) ** 15


class Killed(BaseException):
    """The process died here: nothing after it ever ran."""


class Answer(StrEnum):
    """How a request fares."""

    CLEAR = "clear"
    REJECTED = "rejected"
    # It says no, and has done it all the same.
    DENIED = "denied"
    # It surely never left; it is lost on the way; it is under way still; only the answer is lost.
    UNAVAILABLE = "unavailable"
    LOST_BEFORE = "lost before"
    LATE = "late"
    LOST_AFTER = "lost after"
    # The process dies before or after the exchange did what was asked.
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


@dataclass(slots=True)
class Held:
    """An order as the exchange has it."""

    number: int
    intent: OrderIntent
    terms: AmendableTerms
    amendments: int = 0
    status: OrderStatus = OrderStatus.OPEN
    trades: list[FillReport] = field(default_factory=list)
    changed_at: datetime = START
    # Whether it was amended later than any exchange would still take the request.
    is_untimely: bool = False

    @property
    def name(self) -> str:
        return f"x{self.number}"

    @property
    def filled(self) -> Decimal:
        return money.total(trade.amount for trade in self.trades)

    @property
    def cost(self) -> Decimal:
        return money.total(money.multiply(trade.amount, trade.price) for trade in self.trades)

    @property
    def rest(self) -> Decimal:
        return money.subtract(self.terms.amount, self.filled)


class KnownExchange(NoMarketData):
    """Implements the port over a truth in memory, which outlives every process of ours."""

    capabilities = Capabilities(
        order_types=tuple(OrderType),
        time_in_force=tuple(TimeInForce),
        amend_order=True,
        streaming_orders=True,
        streaming_tickers=True,
        positions=False,
    )

    def __init__(self, clock: ManualClock, is_written: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_written = is_written
        self._numbers, self._trades = count(1), count(1)
        self.held: dict[str, Held] = {}
        self.sent: Counter[str] = Counter()
        self.told: list[OrderReport] = []
        self.under_way: list[Callable[[], object]] = []
        self.next_answer = Answer.CLEAR
        self.is_blind = False
        # When it was asked for an order and answered that there is none.
        self.missed: defaultdict[str, list[datetime]] = defaultdict(list)

    @property
    def connection(self) -> Connection:
        return Connection(connectivity=Connectivity.CONNECTED)

    async def markets(self) -> Mapping[str, Market]:
        return {SYMBOL: _MARKET}

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        price = Decimal(100)
        ticker = Ticker(
            symbol=SYMBOL,
            bid=price,
            ask=price,
            last=price,
            percentage=None,
            quote_volume=None,
            at=self._clock.now(),
        )
        return {symbol: ticker for symbol in symbols if symbol == SYMBOL}

    async def balances(self) -> Mapping[str, Balance]:
        return {
            asset: Balance(asset=asset, free=_RICH, used=money.ZERO) for asset in ("BTC", "USDT")
        }

    async def exposures(self) -> Sequence[Exposure]:
        return ()

    async def submit(self, intent: OrderIntent) -> OrderReport:
        assert self._is_written(intent.wire_id), "sent before it was written down"
        self.sent[intent.wire_id] += 1
        return await self._answer(lambda: self._take(intent))

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        held = self.named(key.wire_id, key.exchange_order_id)
        if held is None:
            return None
        return await self._answer(lambda: self._cancel(held))

    async def amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        held = self.named(key.wire_id, key.exchange_order_id)
        if held is None:
            return None
        return await self._answer(lambda: self._amend(held, wanted))

    async def find(self, key: OrderKey) -> OrderReport | None:
        self._see()
        held = self.named(key.wire_id, key.exchange_order_id)
        if held is None:
            self.missed[key.wire_id].append(self._clock.now())
            return None
        return self.report(held)

    async def open_orders(self) -> Sequence[OrderReport]:
        self._see()
        return [self.report(held) for held in self.held.values() if held.status.is_open]

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        self._see()
        closed = [held for held in self.held.values() if not held.status.is_open]
        return [
            self.report(held)
            for held in closed
            if held.changed_at >= since and held.intent.symbol in symbols
        ]

    async def news(self) -> AsyncIterator[OrderReport]:
        """Told by hand, in whichever order."""
        return
        yield

    async def examine(self) -> AccountCheck:
        return AccountCheck()

    async def gap(self) -> None:
        await asyncio.Event().wait()

    async def run(self) -> None:
        return

    def named(self, wire_id: str, exchange_order_id: str | None) -> Held | None:
        """By our name; by its own for what others have placed."""
        by_number = (held for held in self.held.values() if held.name == exchange_order_id)
        return self.held.get(wire_id) or next(by_number, None)

    def place_elsewhere(self, amount: Decimal) -> None:
        """An order of somebody else who trades on the same account."""
        self._take(
            OrderIntent(
                wire_id=f"elsewhere-{next(self._numbers)}",
                symbol=SYMBOL,
                terms=OrderTerms(
                    side=OrderSide.BUY, type=OrderType.LIMIT, amount=amount, price=Decimal(90)
                ),
            )
        )

    def place_again(self, held: Held) -> Held:
        """Another order under the same name, as exchanges allow once the first is closed."""
        again = replace(held, number=next(self._numbers), status=OrderStatus.OPEN, trades=[])
        self.held[f"{held.intent.wire_id} again"] = again
        return again

    def fill(self, held: Held, amount: Decimal, price: Decimal) -> None:
        """A trade; also after a cancel, when it had happened just before."""
        number = next(self._trades)
        fee = Fee(currency="USDT", amount=Decimal(number) / 1000)
        held.trades.append(
            FillReport(
                trade_id=f"t{number}",
                price=price,
                amount=amount,
                fee=fee,
                is_maker=True,
                at=self._clock.now(),
            )
        )
        if not held.rest:
            held.status = OrderStatus.FILLED
        elif held.status.is_open:
            held.status = OrderStatus.PARTIALLY_FILLED
        self._tell(held)

    def expire(self, held: Held) -> None:
        held.status = OrderStatus.EXPIRED
        self._tell(held)

    def report(self, held: Held) -> OrderReport:
        return OrderReport(
            symbol=held.intent.symbol,
            wire_id=held.intent.wire_id,
            exchange_order_id=held.name,
            status=held.status,
            at=self._clock.now(),
            fills=tuple(held.trades),
            terms=ReportedTerms(version=held.amendments, terms=held.terms),
            filled=held.filled,
            cost=held.cost,
            details=OrderDetails(
                client_order_id=held.intent.wire_id,
                symbol=held.intent.symbol,
                side=held.intent.side,
                type=held.intent.type,
                time_in_force=held.intent.time_in_force,
                reduce_only=held.intent.reduce_only,
                created_at=START,
            ),
        )

    def _take(self, intent: OrderIntent) -> Held:
        terms = AmendableTerms(
            amount=intent.amount, price=intent.price, trigger_price=intent.trigger_price
        )
        held = Held(number=next(self._numbers), intent=intent, terms=terms)
        self.held[intent.wire_id] = held
        self._tell(held)
        if intent.type is OrderType.MARKET:
            self.fill(held, terms.amount, Decimal(100))
        return held

    def _cancel(self, held: Held) -> Held:
        if held.status.is_open:
            held.status = OrderStatus.CANCELED
            self._tell(held)
        return held

    def _amend(self, held: Held, wanted: AmendableTerms) -> Held:
        if held.terms == wanted:
            return held
        if not held.status.is_open or wanted.amount < held.filled:
            code = RefusalCode.ALREADY_CLOSED if not held.status.is_open else _BELOW
            raise ExchangeRejected(Refusal(code=code, message="too late"))
        held.terms, held.amendments = wanted, held.amendments + 1
        if not held.rest:
            held.status = OrderStatus.CANCELED
        self._tell(held)
        return held

    async def _answer(self, act: Callable[[], Held]) -> OrderReport:
        answer, self.next_answer = self.next_answer, Answer.CLEAR
        match answer:
            case Answer.REJECTED:
                raise ExchangeRejected(Refusal(code=_BELOW, message="the exchange says no"))
            case Answer.UNAVAILABLE:
                raise ExchangeUnavailable("it never left")
            case Answer.KILLED_BEFORE:
                raise Killed
            case Answer.LATE:
                self.under_way.append(partial(self._act_late, act, self._clock.now()))
        if answer in {Answer.LOST_BEFORE, Answer.LATE}:
            raise ExchangeDoubt("lost")
        held = act()
        if answer is Answer.KILLED_AFTER:
            raise Killed
        if answer is Answer.DENIED:
            raise ExchangeRejected(Refusal(code=_BELOW, message="order creation timeout"))
        if answer is Answer.LOST_AFTER:
            raise ExchangeDoubt("done, but not told")
        return self.report(held)

    def _act_late(self, act: Callable[[], Held], sent_at: datetime) -> None:
        held = act()
        held.is_untimely |= self._clock.now() - sent_at > ACCEPTANCE

    def arrive(self, index: int) -> None:
        """What was under way comes in; who sent it has long given up."""
        try:
            self.under_way.pop(index)()
        except ExchangeRejected:
            return

    def _see(self) -> None:
        if self.is_blind:
            raise ExchangeDoubt("lookups fail")

    def _tell(self, held: Held) -> None:
        """As streams do: everything, or totals alone, or the latest trade alone."""
        held.changed_at = self._clock.now()
        whole = self.report(held)
        self.told.append(whole)
        self.told.append(replace(whole, fills=()))
        self.told.append(replace(whole, fills=whole.fills[-1:], filled=None, cost=None))


_BELOW = RefusalCode.REJECTED_BY_EXCHANGE


def written(database: str, wire_id: str) -> bool:
    """Whether the intent stands in the database file and its log, read from outside."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as outside:
        found = outside.execute(
            "SELECT count(*) FROM orders JOIN events ON events.order_id = orders.id"
            " WHERE wire_id = ? AND status = 'SUBMITTING' AND kind = 'SUBMITTED'",
            (wire_id,),
        ).fetchone()
    outside.close()
    return bool(found[0] == 1)
