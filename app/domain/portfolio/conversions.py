"""Converter: values assets in one currency, by routes over markets and their prices."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import Market
from app.domain.order_kinds import PositionType
from app.domain.portfolio.valuations import HOME_CURRENCIES, Mark

MAX_HOPS = 3
_ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hop:
    """One step of a route: a market from base to quote, or inverse."""

    symbol: str
    is_inverse: bool


Route = tuple[Hop, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rate:
    """An exact fraction, so that a value is rounded once, and only if a market is inverse."""

    numerator: Decimal = _ONE
    denominator: Decimal = _ONE

    def then(self, hop: Hop, price: Decimal) -> "Rate":
        if hop.is_inverse:
            below = money.multiply(self.denominator, price)
            return Rate(numerator=self.numerator, denominator=below)
        above = money.multiply(self.numerator, price)
        return Rate(numerator=above, denominator=self.denominator)

    def convert(self, amount: Decimal) -> Decimal:
        product = money.multiply(amount, self.numerator)
        return product if self.denominator == _ONE else money.divide(product, self.denominator)


@dataclass(frozen=True, kw_only=True, slots=True)
class Converter:
    """Values everything in one currency, at the known prices."""

    currency: str
    routes: Mapping[str, Route]
    marks: Mapping[str, Mark]

    def rate(self, asset: str) -> Rate | None:
        """The asset's rate; None without a route, or if a price on it is not known."""
        route = self.routes.get(asset)
        if route is None:
            return None
        rate = Rate()
        for hop in route:
            mark = self.marks.get(hop.symbol)
            if mark is None or mark.price <= money.ZERO:
                return None
            rate = rate.then(hop, mark.price)
        return rate

    def value(self, asset: str, amount: Decimal) -> Decimal | None:
        rate = self.rate(asset)
        return None if rate is None else rate.convert(amount)

    def total(self, amounts: Iterable[tuple[str, Decimal]]) -> Decimal:
        """The total value of all that can be valued; amounts of one asset are summed first."""
        sums: defaultdict[str, Decimal] = defaultdict(lambda: money.ZERO)
        for asset, amount in amounts:
            sums[asset] = money.add(sums[asset], amount)
        values = (self.value(asset, amount) for asset, amount in sums.items())
        return money.total(value for value in values if value is not None)

    def is_stale(self, asset: str) -> bool:
        marks = (self.marks.get(hop.symbol) for hop in self.routes.get(asset, ()))
        return any(mark is not None and mark.is_stale for mark in marks)


def routes_to(currency: str, markets: Iterable[Market]) -> Mapping[str, Route]:
    """Routes to the currency over at most 3 markets: the shortest, then the most usual."""
    hops = _hops_into(markets)
    routes: dict[str, Route] = {currency: ()}
    rim: Sequence[str] = [currency]
    for _ in range(MAX_HOPS):
        found: dict[str, Route] = {}
        for place in by_usualness(rim):
            for asset, hop in hops[place].items():
                if asset not in routes:
                    found.setdefault(asset, (hop, *routes[place]))
        routes |= found
        rim = list(found)
    return routes


def by_usualness(assets: Iterable[str]) -> Sequence[str]:
    """The usual home currencies first, then by name."""
    return sorted(assets, key=lambda asset: (_rank(asset), asset))


def _rank(asset: str) -> int:
    return HOME_CURRENCIES.index(asset) if asset in HOME_CURRENCIES else len(HOME_CURRENCIES)


def _hops_into(markets: Iterable[Market]) -> Mapping[str, Mapping[str, Hop]]:
    """By target: one hop from each neighbour, in the market's own direction if possible."""
    found: defaultdict[str, dict[str, Hop]] = defaultdict(dict)
    for market in markets:
        if market.type is PositionType.SPOT and market.active:
            found[market.quote][market.base] = Hop(symbol=market.symbol, is_inverse=False)
            back = Hop(symbol=market.symbol, is_inverse=True)
            found[market.base].setdefault(market.quote, back)
    return found
