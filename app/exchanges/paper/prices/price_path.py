"""PriceProcess: simulated prices as a pure function of seed, market and time; none is stored."""

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

# Waves of noise, each four times as long as the one before: length in ticks, and the most that it
# moves the price, in millionths. From an hour on, four times as long is twice as high, as in a
# random walk; the shorter waves are higher than that, so that the price reverts to its mean. In
# sum they stay below one half, so that even twice the volatility leaves a positive price.
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
# Waves up to this length are a market's own; all markets of one base share the longer ones, so
# that BTC/USD and BTC/USDT never drift apart.
_OWN_WAVE_TICKS = 16

# Five minutes of three markets, in about a megabyte.
_KEPT_PRICES = 4_096

LATTICE_BITS = 63
WEIGHT_BITS = 20
_SCALE = 1_000_000 * 100 << LATTICE_BITS


@dataclass(frozen=True, kw_only=True, slots=True)
class Wave:
    """One wave of noise in a price: its name (which seeds it), length and amplitude."""

    name: str
    length: int
    amplitude: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Quote:
    """A market's prices during one tick."""

    bid: Decimal
    ask: Decimal
    last: Decimal
    at: datetime

    def best_against(self, side: OrderSide) -> Decimal:
        """The best price that an order of this side can take."""
        return self.ask if side is OrderSide.BUY else self.bid


def tick_of(at: datetime) -> int:
    return (at - _EPOCH) // TICK


def time_of(tick: int) -> datetime:
    return _EPOCH + tick * TICK


class PriceProcess:
    """The prices for one seed: the same in every process and at any time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        # Cached: orders and subscribers of all accounts ask for the prices of the same ticks.
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
        """The quote with its change in a day; no volume, because nobody trades here."""
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
            open=before,
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
    """The prices of this seed, shared by all accounts that use it."""
    return PriceProcess(seed)


def _noise(name: str, length: int, tick: int) -> int:
    """A value that moves smoothly between random values that are `length` ticks apart."""
    cell, offset = divmod(tick, length)
    start = lattice_value(name, cell)
    if offset == 0:
        return start
    rise = lattice_value(name, cell + 1) - start
    return start + (rise * weight_of(offset, length) >> WEIGHT_BITS)


def weight_of(offset: int, length: int) -> int:
    """How far a wave has moved from one value to the next, as a fraction of 2**20."""
    one = 1 << WEIGHT_BITS
    x = offset * one // length
    return x * x * (3 * one - 2 * x) >> (2 * WEIGHT_BITS)


@lru_cache(maxsize=16_384)
def lattice_value(name: str, cell: int) -> int:
    """A pseudo-random value, uniform from -2**63 to 2**63."""
    digest = blake2b(f"{name}|{cell}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) - (1 << LATTICE_BITS)
