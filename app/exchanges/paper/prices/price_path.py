"""Prices that nobody stores: each is a pure function of the seed, the market and the time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from hashlib import blake2b

from app.domain import money
from app.domain.markets.markets import Ticker
from app.domain.order_kinds import OrderSide
from app.exchanges.paper.prices.listings import Listing

TICK = timedelta(milliseconds=250)
_TICKS_PER_DAY = timedelta(days=1) // TICK
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Waves of noise, each four times as long as the one before: ticks, and the most that it moves the
# price, in millionths. From an hour on, four times as long is twice as high, as with a random walk;
# the short ones are higher than that, so that the price keeps coming back to where it was. Together
# they stay below one half, so that even twice the volatility leaves a positive price.
_WAVES = (
    (1, 400),
    (4, 400),
    (16, 250),
    (64, 150),
    (256, 150),
    (1_024, 400),
    (4_096, 1_800),
    (16_384, 5_000),
    (65_536, 11_000),
    (262_144, 25_000),
    (1_048_576, 50_000),
    (4_194_304, 100_000),
    (16_777_216, 200_000),
)
# Waves up to this length are a market's own; the longer ones are shared by all of the same base,
# so that BTC/USD and BTC/USDT never part.
_OWN_WAVE_TICKS = 16

# Of one world: five minutes of three markets, in about a megabyte.
_KEPT_PRICES = 4_096

LATTICE_BITS = 63
WEIGHT_BITS = 20
_SCALE = 1_000_000 * 100 << LATTICE_BITS


@dataclass(frozen=True, kw_only=True, slots=True)
class Wave:
    """A part of a price: how long it is, how high, and whose."""

    name: str
    length: int
    amplitude: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """What a market is worth during one tick."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    at: datetime

    def best_against(self, side: OrderSide) -> Decimal:
        """The price at which an order of this side trades at once."""
        return self.ask if side is OrderSide.BUY else self.bid


def tick_of(at: datetime) -> int:
    return (at - _EPOCH) // TICK


def time_of(tick: int) -> datetime:
    return _EPOCH + tick * TICK


class PriceProcess:
    """The prices of one world: the same seed, the same world, in every process and at any time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        # Orders, waiting orders and watchers of all accounts ask for the prices of the same ticks.
        self.last = lru_cache(maxsize=_KEPT_PRICES)(self._last)
        self.waves = cache(self._name_waves)

    def quote(self, listing: Listing, tick: int) -> Quote:
        """The last price and, one step to each side of it, the best bid and ask."""
        last = self.last(listing, tick)
        return Quote(
            bid=money.subtract(last, listing.price_step),
            ask=money.add(last, listing.price_step),
            last=last,
            at=time_of(tick),
        )

    def ticker(self, listing: Listing, tick: int) -> Ticker:
        """The quote and its change in a day; nobody trades here, so there is no volume."""
        quote = self.quote(listing, tick)
        before = self.last(listing, tick - _TICKS_PER_DAY)
        change = money.divide(money.subtract(quote.last, before), before)
        return Ticker(
            symbol=listing.symbol,
            bid=quote.bid,
            ask=quote.ask,
            last=quote.last,
            percentage=money.floor_to_step(money.multiply(change, Decimal(100)), Decimal("0.01")),
            quote_volume=None,
            at=quote.at,
        )

    def _name_waves(self, listing: Listing) -> tuple[Wave, ...]:
        return tuple(
            Wave(name=self._name(listing, length), length=length, amplitude=amplitude)
            for length, amplitude in _WAVES
        )

    def _last(self, listing: Listing, tick: int) -> Decimal:
        return money.multiply(Decimal(self._steps(listing, tick)), listing.price_step)

    def _steps(self, listing: Listing, tick: int) -> int:
        anchor = int(listing.anchor / listing.price_step)
        height = sum(
            wave.amplitude * _noise(wave.name, wave.length, tick) for wave in self.waves(listing)
        )
        return anchor + anchor * height * listing.volatility_percent // _SCALE

    def _name(self, listing: Listing, length: int) -> str:
        owner = listing.symbol if length <= _OWN_WAVE_TICKS else listing.base
        return f"{self._seed}|{owner}|{length}"


@lru_cache(maxsize=8)
def prices_of(seed: int) -> PriceProcess:
    """The prices of this world, which its accounts share."""
    return PriceProcess(seed)


def _noise(name: str, length: int, tick: int) -> int:
    """Smoothly from one random value to the next, a length of ticks apart."""
    cell, offset = divmod(tick, length)
    start = lattice_value(name, cell)
    if offset == 0:
        return start
    rise = lattice_value(name, cell + 1) - start
    return start + (rise * weight_of(offset, length) >> WEIGHT_BITS)


def weight_of(offset: int, length: int) -> int:
    """How far a wave has gone from one value to the next, as a part of 2**20."""
    one = 1 << WEIGHT_BITS
    x = offset * one // length
    return x * x * (3 * one - 2 * x) >> (2 * WEIGHT_BITS)


@lru_cache(maxsize=16_384)
def lattice_value(name: str, cell: int) -> int:
    """Evenly spread from minus to plus 2**63."""
    digest = blake2b(f"{name}|{cell}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) - (1 << LATTICE_BITS)
