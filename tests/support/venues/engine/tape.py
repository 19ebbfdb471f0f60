"""The prices of one market: the quote, the order book and the history of trades as candles."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from tests.support.venues.engine.digits import ZERO

DAY_MILLISECONDS = 24 * 60 * 60 * 1000
_LEVELS = 5

Level = tuple[Decimal, Decimal]


@dataclass(frozen=True, kw_only=True)
class Quote:
    bid: Decimal
    ask: Decimal
    bid_amount: Decimal = Decimal(1000)
    ask_amount: Decimal = Decimal(1000)


@dataclass(frozen=True, kw_only=True)
class Print:
    at: int
    price: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Candle:
    """The trades of a span of time, aggregated."""

    opened_at: int
    closed_at: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    count: int
    first: int


class Tape:
    def __init__(self, quote: Quote, *, price: Decimal, tick: Decimal, at: int) -> None:
        self.quote = quote
        self.update_id = 1
        self._tick = tick
        self._prints = [Print(at=at, price=price, amount=Decimal(1))]

    @property
    def last(self) -> Print:
        return self._prints[-1]

    def move(self, quote: Quote, last: Print) -> None:
        self.quote = quote
        self.update_id += 1
        self._prints.append(last)

    def day(self, now: int) -> Candle:
        """The last 24 hours."""
        return self._sum(now - DAY_MILLISECONDS, now)

    def starts(self, span: int, until: int) -> range:
        """The start times of candles since the first price; a span without trades has one too."""
        first = self._prints[0].at // span * span
        return range(first, until + 1, span)

    def candle(self, start: int, span: int) -> Candle:
        return self._sum(start, start + span - 1)

    def bids(self) -> list[Level]:
        return self._levels(self.quote.bid, -self._tick, self.quote.bid_amount)

    def asks(self) -> list[Level]:
        return self._levels(self.quote.ask, self._tick, self.quote.ask_amount)

    def _levels(self, best: Decimal, tick: Decimal, amount: Decimal) -> list[Level]:
        prices = (money.add(best, money.multiply(tick, Decimal(index))) for index in range(_LEVELS))
        return [(price, amount) for price in prices if price > ZERO]

    def _sum(self, opened_at: int, closed_at: int) -> Candle:
        numbers = [
            number
            for number, print_ in enumerate(self._prints)
            if opened_at <= print_.at <= closed_at
        ]
        prints = [self._prints[number] for number in numbers]
        prices = [print_.price for print_ in prints] or [self._price_before(opened_at)]
        return Candle(
            opened_at=opened_at,
            closed_at=closed_at,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            volume=money.total(print_.amount for print_ in prints),
            quote_volume=_worth(prints),
            count=len(prints),
            first=numbers[0] + 1 if numbers else -1,
        )

    def _price_before(self, at: int) -> Decimal:
        earlier = [print_.price for print_ in self._prints if print_.at < at]
        return earlier[-1] if earlier else self._prints[0].price


def _worth(prints: Iterable[Print]) -> Decimal:
    return money.total(money.multiply(print_.price, print_.amount) for print_ in prints)
