"""What an account is worth as a whole, in one currency, and what of it could not be told."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Balance
from app.domain.markets.markets import Market
from app.domain.order_kinds import PositionType
from app.domain.portfolio.conversions import Converter
from app.domain.portfolio.positions import Position, PositionKey, assets_of
from app.domain.portfolio.valuations import ValuedPosition, old_price, unpriced, unvalued_fees
from app.domain.problems import Problem
from app.errors import RefusalCode

# An old price of less than this part of everything does no harm to a record.
MATERIAL_PERCENT = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetValue:
    """What an account has of one asset, and the value of that."""

    asset: str
    free: Decimal
    used: Decimal
    value: Decimal | None

    @property
    def total(self) -> Decimal:
        return money.add(self.free, self.used)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocation:
    """An asset's part of all that has a value."""

    asset: str
    value: Decimal
    percent: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class PortfolioFacts:
    """All that an account has and has had, as far as balances and fills tell."""

    balances: Mapping[str, Balance]
    # Open ones, with what came from outside.
    valued: Sequence[ValuedPosition]
    # Closed ones too.
    positions: Sequence[Position]
    # What it is recorded in.
    home: str

    @property
    def assets(self) -> frozenset[str]:
        """Whatever has to be measured."""
        held = {one.asset for one in self.balances.values() if _total(one)}
        keys = [one.key for one in self.positions] + [one.key for one in self.valued]
        return frozenset(held | {_quote(key) for key in keys} | {self.home})


def worths(balances: Iterable[Balance], by: Converter) -> Sequence[AssetValue]:
    """The most valuable first; what has no value last."""
    found = [
        AssetValue(
            asset=one.asset, free=one.free, used=one.used, value=by.value(one.asset, _total(one))
        )
        for one in balances
        if _total(one)
    ]
    by_name = sorted(found, key=lambda worth: worth.asset)
    return sorted(by_name, key=_value_or_least, reverse=True)


def equity(stock: PortfolioFacts, by: Converter) -> Decimal:
    """Every balance, and what margin positions and swaps have gained that no balance shows yet."""
    balances = ((one.asset, _total(one)) for one in stock.balances.values())
    return by.total([*balances, *_unrealized(_beyond_balances(stock))])


def unrealized(stock: PortfolioFacts, by: Converter) -> Decimal:
    """Of all positions whose price and cost are known."""
    return by.total(_unrealized(stock.valued))


def realized(
    stock: PortfolioFacts, by: Converter, before: Mapping[PositionKey, Decimal] | None = None
) -> Decimal:
    """Of all positions, open and closed; less what each had realized before, if that is given."""
    known = before or {}
    return by.total(
        (
            _quote(one.key),
            money.subtract(one.holding.realized, known.get(one.key, money.ZERO)),
        )
        for one in stock.positions
    )


def fees(stock: PortfolioFacts, by: Converter) -> Decimal:
    return by.total((_quote(one.key), one.holding.fees) for one in stock.positions)


def allocations(found: Sequence[AssetValue]) -> Sequence[Allocation]:
    """The parts of what is above nothing; they are exactly 100 together."""
    parts = [(worth.asset, worth.value) for worth in found if worth.value and worth.value > 0]
    if not parts:
        return []
    whole = money.total(value for _, value in parts)
    rest = [(asset, value, money.percent(value, whole)) for asset, value in parts[1:]]
    (asset, value), others = parts[0], money.total(percent for *_, percent in rest)
    every = [(asset, value, money.subtract(money.HUNDRED, others)), *rest]
    return [Allocation(asset=asset, value=value, percent=part) for asset, value, part in every]


def has_gaps(stock: PortfolioFacts, by: Converter, markets: Mapping[str, Market]) -> bool:
    """Whether something that matters has no price, or an old one: nothing for the records."""
    whole = equity(stock, by)
    return any(
        _is_in_the_dark(worth, by, markets) or _is_much_of_it_old(worth, by, whole)
        for worth in worths(stock.balances.values(), by)
    ) or any(one.unrealized is None for one in _beyond_balances(stock))


def problems_of(
    stock: PortfolioFacts, by: Converter, missing: Mapping[str, str]
) -> Iterator[Problem]:
    """What could not be valued or is valued at an old price, each named once."""
    for asset in sorted(stock.assets):
        if asset not in by.routes:
            yield _without_way(asset, by.currency)
    hops = {hop.symbol for asset in stock.assets for hop in by.routes.get(asset, ())}
    for symbol in sorted(hops | {one.key.symbol for one in stock.valued}):
        mark = by.marks.get(symbol)
        if mark is None:
            yield unpriced(symbol, missing.get(symbol, "nobody has traded or offers anything"))
        elif mark.is_stale:
            yield old_price(symbol, mark)
    yield from (unvalued_fees(one) for one in stock.positions if one.unvalued_fees)


def kept_elsewhere(currency: str, home: str) -> Problem:
    """What was recorded in the one currency is told in the other."""
    return Problem(
        subject=currency,
        code="TODAYS_RATE",
        message=f"equity is recorded in {home}: its curve is told in {currency} at today's rate;"
        f" drawdown and sharpe are those in {home}",
    )


def unrecorded(last: datetime | None) -> Problem:
    """Equity that lacks something that matters is not recorded, and no fall is worked out by it."""
    words = "nothing is recorded yet" if last is None else f"it is that of {last:%Y-%m-%d %H:%M:%S}"
    return Problem(
        subject="drawdownPercent",
        code="INCOMPLETE",
        message=f"without a fresh price of all that matters no drawdown is worked out: {words}",
    )


def _without_way(asset: str, currency: str) -> Problem:
    return Problem(
        subject=asset,
        code=str(RefusalCode.UNKNOWN_SYMBOL),
        message=f"{asset} cannot be valued in {currency}: no markets lead from one to the other",
    )


def _is_in_the_dark(worth: AssetValue, by: Converter, markets: Mapping[str, Market]) -> bool:
    """Less than can be traded at all is not missed."""
    if worth.value is not None or worth.asset not in by.routes:
        return False
    first = markets.get(by.routes[worth.asset][0].symbol)
    least = first.min_amount if first is not None and first.base == worth.asset else None
    return least is None or worth.total >= least


def _is_much_of_it_old(worth: AssetValue, by: Converter, whole: Decimal) -> bool:
    if worth.value is None or not by.is_stale(worth.asset):
        return False
    scaled = money.multiply(worth.value.copy_abs(), money.HUNDRED)
    return scaled > money.multiply(whole.copy_abs(), MATERIAL_PERCENT)


def _beyond_balances(stock: PortfolioFacts) -> list[ValuedPosition]:
    """The positions that are not in any balance."""
    return [one for one in stock.valued if one.key.type is not PositionType.SPOT]


def _unrealized(valued: Iterable[ValuedPosition]) -> Iterator[tuple[str, Decimal]]:
    for one in valued:
        if one.unrealized is not None:
            yield _quote(one.key), one.unrealized


def _value_or_least(worth: AssetValue) -> tuple[bool, Decimal]:
    return worth.value is not None, worth.value or money.ZERO


def _quote(key: PositionKey) -> str:
    return assets_of(key.symbol)[1]


def _total(balance: Balance) -> Decimal:
    return money.add(balance.free, balance.used)
