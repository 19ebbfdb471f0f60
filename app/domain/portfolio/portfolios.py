"""An account's total value in one currency: equity, profit, allocation, and what has no price."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Balance
from app.domain.markets.markets import Market
from app.domain.order_kinds import PositionType
from app.domain.portfolio.conversions import Converter
from app.domain.portfolio.positions import Position, PositionKey, RoundTripResult, assets_of
from app.domain.portfolio.valuations import ValuedPosition, old_price, unpriced, unvalued_fees
from app.domain.problems import Problem
from app.errors import RefusalCode

# A stale price does not spoil an equity record if it concerns less than this share of the total.
MATERIAL_PERCENT = Decimal(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class AssetValue:
    """An account's balance of one asset, and its value."""

    asset: str
    free: Decimal
    used: Decimal
    value: Decimal | None

    @property
    def total(self) -> Decimal:
        return money.add(self.free, self.used)


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocation:
    """An asset's share of the total value."""

    asset: str
    value: Decimal
    percent: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class PortfolioFacts:
    """An account's balances, and its positions from fills."""

    balances: Mapping[str, Balance]
    # Open positions, including amounts from outside.
    valued: Sequence[ValuedPosition]
    # Open and closed positions.
    positions: Sequence[Position]
    # The currency in which equity is recorded.
    home: str

    @property
    def assets(self) -> frozenset[str]:
        """Every asset that has to be valued."""
        held = {balance.asset for balance in self.balances.values() if _total(balance)}
        keys = [known.key for known in self.positions] + [known.key for known in self.valued]
        return frozenset(held | {_quote(key) for key in keys} | {self.home})


def worths(balances: Iterable[Balance], by: Converter) -> Sequence[AssetValue]:
    """The assets' values, highest first; assets without a value last."""
    found = [
        AssetValue(
            asset=balance.asset,
            free=balance.free,
            used=balance.used,
            value=by.value(balance.asset, _total(balance)),
        )
        for balance in balances
        if _total(balance)
    ]
    by_name = sorted(found, key=lambda worth: worth.asset)
    return sorted(by_name, key=_value_or_least, reverse=True)


def equity(stock: PortfolioFacts, by: Converter) -> Decimal:
    """The value of all balances, plus the unrealized profit of margin positions and swaps."""
    balances = ((balance.asset, _total(balance)) for balance in stock.balances.values())
    return by.total([*balances, *_unrealized(_beyond_balances(stock))])


def dust(stock: PortfolioFacts, by: Converter) -> Decimal:
    """The value of the positions that are too small for any order."""
    return by.total(
        (_quote(position.key), position.notional)
        for position in stock.valued
        if position.is_dust and position.notional is not None
    )


def ended_in_dust(stock: PortfolioFacts, since: datetime | None) -> Sequence[RoundTripResult]:
    """The trades of which only dust is left: they count as closed with their last fill."""
    return [
        RoundTripResult(
            symbol=held.key.symbol,
            pnl=money.subtract(held.holding.realized, held.holding.realized_before),
        )
        for held in stock.valued
        if held.is_dust
        and held.holding.amount
        and (since is None or held.position.updated_at >= since)
    ]


def unrealized(stock: PortfolioFacts, by: Converter) -> Decimal:
    """The unrealized profit of all positions whose price and cost are known."""
    return by.total(_unrealized(stock.valued))


def realized(
    stock: PortfolioFacts, by: Converter, before: Mapping[PositionKey, Decimal] | None = None
) -> Decimal:
    """The realized profit of all positions, less what each had realized `before`, if given."""
    known = before or {}
    return by.total(
        (
            _quote(position.key),
            money.subtract(position.holding.realized, known.get(position.key, money.ZERO)),
        )
        for position in stock.positions
    )


def fees(stock: PortfolioFacts, by: Converter) -> Decimal:
    return by.total((_quote(known.key), known.holding.fees) for known in stock.positions)


def allocations(found: Sequence[AssetValue]) -> Sequence[Allocation]:
    """The shares of all assets with a positive value; they add up to exactly 100."""
    parts = [(worth.asset, worth.value) for worth in found if worth.value and worth.value > 0]
    if not parts:
        return []
    whole = money.total(value for _, value in parts)
    rest = [(asset, value, money.percent(value, whole)) for asset, value in parts[1:]]
    (asset, value), others = parts[0], money.total(percent for *_, percent in rest)
    every = [(asset, value, money.subtract(money.HUNDRED, others)), *rest]
    return [Allocation(asset=asset, value=value, percent=part) for asset, value, part in every]


def has_gaps(stock: PortfolioFacts, by: Converter, markets: Mapping[str, Market]) -> bool:
    """Whether something that matters has no price or a stale one: then no equity is recorded."""
    whole = equity(stock, by)
    return any(
        _lacks_price(worth, by, markets) or _is_materially_stale(worth, by, whole)
        for worth in worths(stock.balances.values(), by)
    ) or any(position.unrealized is None for position in _beyond_balances(stock))


def problems_of(
    stock: PortfolioFacts, by: Converter, missing: Mapping[str, str]
) -> Iterator[Problem]:
    """What could not be valued or is valued at a stale price, each reported once."""
    for asset in sorted(stock.assets):
        if asset not in by.routes:
            yield _without_way(asset, by.currency)
    hops = {hop.symbol for asset in stock.assets for hop in by.routes.get(asset, ())}
    for symbol in sorted(hops | {position.key.symbol for position in stock.valued}):
        mark = by.marks.get(symbol)
        if mark is None:
            yield unpriced(symbol, missing.get(symbol, "nobody has traded or offers anything"))
        elif mark.is_stale:
            yield old_price(symbol, mark)
    yield from (unvalued_fees(known) for known in stock.positions if known.unvalued_fees)


def kept_elsewhere(currency: str, home: str) -> Problem:
    """Equity recorded in one currency is reported in another."""
    return Problem(
        subject=currency,
        code="TODAYS_RATE",
        message=f"equity is recorded in {home}: its curve is converted to {currency} at today's"
        f" rate; drawdown and sharpe are those in {home}",
    )


def unrecorded(last: datetime | None) -> Problem:
    """Equity that lacks something that matters is not recorded and gives no drawdown."""
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


def _lacks_price(worth: AssetValue, by: Converter, markets: Mapping[str, Market]) -> bool:
    """Whether an asset with a route has no value; less than can be traded does not count."""
    if worth.value is not None or worth.asset not in by.routes:
        return False
    first = markets.get(by.routes[worth.asset][0].symbol)
    least = first.min_amount if first is not None and first.base == worth.asset else None
    return least is None or worth.total >= least


def _is_materially_stale(worth: AssetValue, by: Converter, whole: Decimal) -> bool:
    if worth.value is None or not by.is_stale(worth.asset):
        return False
    scaled = money.multiply(worth.value.copy_abs(), money.HUNDRED)
    return scaled > money.multiply(whole.copy_abs(), MATERIAL_PERCENT)


def _beyond_balances(stock: PortfolioFacts) -> list[ValuedPosition]:
    """The positions that are not part of any balance."""
    return [position for position in stock.valued if position.key.type is not PositionType.SPOT]


def _unrealized(valued: Iterable[ValuedPosition]) -> Iterator[tuple[str, Decimal]]:
    for position in valued:
        if position.unrealized is not None:
            yield _quote(position.key), position.unrealized


def _value_or_least(worth: AssetValue) -> tuple[bool, Decimal]:
    return worth.value is not None, worth.value or money.ZERO


def _quote(key: PositionKey) -> str:
    return assets_of(key.symbol)[1]


def _total(balance: Balance) -> Decimal:
    return money.add(balance.free, balance.used)
