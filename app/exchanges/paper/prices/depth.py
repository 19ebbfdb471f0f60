"""DepthProcess: simulated order books, a pure function of seed, market and tick; none is stored."""

from collections.abc import Iterator
from decimal import Decimal
from hashlib import blake2b
from itertools import islice

from app.domain import money
from app.domain.markets.order_books import BookLevel, OrderBook
from app.domain.order_kinds import OrderSide
from app.exchanges.paper.prices.listings import Listing
from app.exchanges.paper.prices.price_path import PriceProcess, time_of

LEVELS = 50

# Each a (least, most). Worth is in quote: the best level is enough for a small order. The levels
# behind it grow, and are some hundredths of a percent apart.
_BEST_WORTH = (1_200, 1_800)
_MORE_WORTH = (100, 400)
_GAP_MILLIONTHS = (100, 300)
_TRADED_WORTH = (1_000, 8_000)


class DepthProcess:
    """Computes the order book around the price, and the volume traded at it."""

    def __init__(self, seed: int, prices: PriceProcess) -> None:
        self._seed = seed
        self._prices = prices

    def book(self, listing: Listing, tick: int, depth: int) -> OrderBook:
        bids, asks = (
            tuple(islice(self.levels(listing, side, tick), depth))
            for side in (OrderSide.BUY, OrderSide.SELL)
        )
        return OrderBook(bids=bids, asks=asks, at=time_of(tick))

    def levels(self, listing: Listing, side: OrderSide, tick: int) -> Iterator[BookLevel]:
        """The levels of this side, best first, computed one by one as they are consumed.

        Taking from a level changes nothing: the next order finds it whole.
        """
        last = self._prices.last(listing, tick)
        away = -listing.price_step if side is OrderSide.BUY else listing.price_step
        steps, worth = 1, 0
        for number in range(LEVELS):
            gap, growth = self._dice(f"{listing.symbol}|{side}|{tick}|{number}")
            if number:
                steps += _gap(last, listing, gap)
            worth += _between(_MORE_WORTH if number else _BEST_WORTH, growth)
            yield BookLevel(
                price=money.add(last, money.multiply(away, Decimal(steps))),
                amount=_amount(worth, last, listing),
            )

    def traded(self, listing: Listing, tick: int) -> Decimal:
        """The base volume of one tick."""
        worth = _between(_TRADED_WORTH, self._dice(f"{listing.symbol}|traded|{tick}")[0])
        return _amount(worth, self._prices.last(listing, tick), listing)

    def _dice(self, name: str) -> tuple[int, int]:
        """Two pseudo-random 32-bit numbers."""
        digest = blake2b(f"{self._seed}|depth|{name}".encode(), digest_size=8).digest()
        return int.from_bytes(digest[:4]), int.from_bytes(digest[4:])


def _between(bounds: tuple[int, int], die: int) -> int:
    least, most = bounds
    return least + ((most - least) * die >> 32)


def _gap(last: Decimal, listing: Listing, die: int) -> int:
    price_steps = int(last / listing.price_step)
    return max(1, price_steps * _between(_GAP_MILLIONTHS, die) // 1_000_000)


def _amount(worth: int, last: Decimal, listing: Listing) -> Decimal:
    amount = money.floor_to_step(money.divide(Decimal(worth), last), listing.amount_step)
    return max(amount, listing.amount_step)
