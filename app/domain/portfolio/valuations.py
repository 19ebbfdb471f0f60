"""Valued positions: fills compared with balances and exposures, at mark prices."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domain import money
from app.domain.accounts import Balance
from app.domain.markets.dust import is_dust
from app.domain.markets.markets import Market, Ticker
from app.domain.order_kinds import PositionType
from app.domain.portfolio.exposures import Exposure
from app.domain.portfolio.positions import Holding, Position, PositionKey, assets_of
from app.domain.problems import Problem
from app.errors import RefusalCode

# The currencies that accounts are valued in, most usual first.
HOME_CURRENCIES = ("USDT", "USD", "USDC", "FDUSD", "EUR", "BTC")
FROM_OUTSIDE = "FROM_OUTSIDE"
_TWO = Decimal(2)


class PositionSide(StrEnum):
    """Whether a position gains when the price rises or when it falls."""

    LONG = "LONG"
    SHORT = "SHORT"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """The price that a position is valued at, and its time."""

    price: Decimal
    at: datetime
    is_stale: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ValuedPosition:
    """A position with its mark price, as the API shows it."""

    position: Position
    # Including what came from or went outside, which fills do not show.
    amount: Decimal
    basis: Decimal | None
    mark: Mark | None
    # The exchange's own data, if it keeps the position itself.
    exposure: Exposure | None = None
    # Whether it is too small for any order of its market.
    is_dust: bool = False

    @property
    def key(self) -> PositionKey:
        return self.position.key

    @property
    def holding(self) -> Holding:
        return self.position.holding

    @property
    def own_amount(self) -> Decimal:
        """The part that orders of this product have traded, as far as it is still there."""
        ours = self.holding.amount
        if money.multiply(ours, self.amount) <= money.ZERO:
            return money.ZERO
        return min(ours, self.amount, key=abs)

    @property
    def side(self) -> PositionSide:
        return PositionSide.SHORT if self.amount < money.ZERO else PositionSide.LONG

    @property
    def entry_price(self) -> Decimal | None:
        if self.basis is None or not self.amount:
            return None
        return money.divide(self.basis, self.amount)

    @property
    def notional(self) -> Decimal | None:
        if self.mark is None:
            return None
        return money.multiply(self.amount.copy_abs(), self.mark.price)

    @property
    def unrealized(self) -> Decimal | None:
        if self.mark is None or self.basis is None:
            return None
        return money.subtract(money.multiply(self.amount, self.mark.price), self.basis)

    @property
    def unrealized_percent(self) -> Decimal | None:
        if self.unrealized is None or not self.basis:
            return None
        return money.percent(self.unrealized, self.basis.copy_abs())


def mark_of(ticker: Ticker | None) -> Mark | None:
    """The last price, else the middle of bid and ask."""
    if ticker is None:
        return None
    price = ticker.last
    if price is None and ticker.bid is not None and ticker.ask is not None:
        price = money.divide(money.add(ticker.bid, ticker.ask), _TWO)
    if price is None:
        return None
    return Mark(price=price, at=ticker.at, is_stale=ticker.is_stale)


def home_currency(markets: Iterable[Market]) -> str | None:
    """The account's home currency: the most usual one that its markets are quoted in."""
    quotes = {market.quote for market in markets}
    return next((home for home in HOME_CURRENCIES if home in quotes), min(quotes, default=None))


@dataclass(frozen=True, kw_only=True, slots=True)
class ReconciledHoldings:
    """An account's positions, after its fills were compared with its balances."""

    positions: tuple[Position, ...]
    # By position: how much more or less there is than its fills add up to.
    outside: Mapping[PositionKey, Decimal] = field(default_factory=dict)
    exposures: Mapping[PositionKey, Exposure] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def amount_of(self, position: Position) -> Decimal:
        return money.add(position.holding.amount, self.outside.get(position.key, money.ZERO))

    def valued(
        self, position: Position, mark: Mark | None, market: Market | None = None
    ) -> ValuedPosition:
        found = self._valued(position, mark)
        price = None if mark is None else mark.price
        return replace(found, is_dust=is_dust(found.amount, market, price))

    def _valued(self, position: Position, mark: Mark | None) -> ValuedPosition:
        outside = self.outside.get(position.key, money.ZERO)
        exposure = self.exposures.get(position.key)
        if exposure is None:
            return valued(position, outside, mark)
        basis: Decimal | None = position.holding.basis
        if outside:
            basis = _basis_of(exposure)
        return ValuedPosition(
            position=position, amount=exposure.amount, basis=basis, mark=mark, exposure=exposure
        )


def held_against(
    positions: Sequence[Position],
    balances: Mapping[str, Balance],
    markets: Mapping[str, Market],
    account: str,
    now: datetime,
) -> ReconciledHoldings:
    """Compare with balances, which include deposits, withdrawals and trades without fills."""
    spot = [position for position in positions if position.key.type is PositionType.SPOT]
    home, listed = home_currency(markets.values()), _by_base(markets)
    outside: dict[PositionKey, Decimal] = {}
    found, problems = list(positions), []
    for asset in sorted({*balances, *(assets_of(known.key.symbol)[0] for known in spot)}):
        ours = [known for known in spot if assets_of(known.key.symbol)[0] == asset]
        rest = _beyond(balances.get(asset), ours, listed.get(asset, ()))
        if not rest or asset == home:
            continue
        key = _position_for(ours, listed.get(asset, ()), account, home)
        if key is None:
            problems.append(_without_market(asset, rest))
            continue
        outside[key] = rest
        problems.append(_from_outside(key, rest))
        if key not in {known.key for known in found}:
            found.append(Position(key=key, updated_at=now))
    return ReconciledHoldings(positions=tuple(found), outside=outside, problems=tuple(problems))


def exposed(
    held: ReconciledHoldings, exposures: Iterable[Exposure], account: str, now: datetime
) -> ReconciledHoldings:
    """Compare with the positions that the exchange keeps itself: for those, its data counts."""
    theirs = {
        PositionKey(account=account, symbol=exposure.symbol, type=exposure.type): exposure
        for exposure in exposures
    }
    found = {position.key: position for position in held.positions}
    kept = {key for key in found if key.type is not PositionType.SPOT}
    outside, problems = dict(held.outside), list(held.problems)
    for key in sorted(kept | theirs.keys(), key=lambda key: key.name):
        known = found.setdefault(key, Position(key=key, updated_at=now))
        amount = theirs[key].amount if key in theirs else money.ZERO
        rest = money.subtract(amount, known.holding.amount)
        if rest:
            outside[key] = rest
            problems.append(_kept_otherwise(key, known.holding.amount, amount))
    return ReconciledHoldings(
        positions=tuple(found.values()),
        outside=outside,
        exposures=theirs,
        problems=tuple(problems),
    )


def valued(position: Position, outside: Decimal, mark: Mark | None) -> ValuedPosition:
    """Adds the outside amount: a deposit has no known cost, a withdrawal takes its share along."""
    holding = position.holding
    amount = money.add(holding.amount, outside)
    basis: Decimal | None = holding.basis
    if outside > money.ZERO:
        basis = None
    elif outside and holding.amount:
        basis = money.divide(money.multiply(holding.basis, amount), holding.amount)
    return ValuedPosition(position=position, amount=amount, basis=basis, mark=mark)


def unpriced(symbol: str, why: str) -> Problem:
    return Problem(
        subject=symbol,
        code=str(RefusalCode.EXCHANGE_UNAVAILABLE),
        message=f"there is no price of {symbol}, so it is not valued: {why}",
    )


def old_price(symbol: str, mark: Mark) -> Problem:
    return Problem(
        subject=symbol,
        code="STALE_PRICE",
        message=f"the price of {symbol} is of {mark.at:%Y-%m-%d %H:%M:%S} UTC: nothing newer came",
    )


def unvalued_fees(position: Position) -> Problem:
    return Problem(
        subject=position.key.symbol,
        code="UNVALUED_FEE",
        message=f"{position.unvalued_fees} fees in other currencies are not valued yet and not in"
        " what was realized",
    )


def _beyond(balance: Balance | None, ours: Sequence[Position], listed: Sequence[Market]) -> Decimal:
    """The balance less the fills' amount; a difference below one amount step counts as 0."""
    there = money.ZERO if balance is None else money.add(balance.free, balance.used)
    rest = money.subtract(there, money.total(known.holding.amount for known in ours))
    steps = [market.amount_step for market in listed if market.amount_step is not None]
    is_nothing = bool(steps) and rest.copy_abs() < min(steps)
    return money.ZERO if is_nothing else rest


def _position_for(
    ours: Sequence[Position], listed: Sequence[Market], account: str, home: str | None
) -> PositionKey | None:
    """The position to add an outside amount to: the largest known, else in the home market."""
    if ours:
        return max(ours, key=lambda known: (known.holding.amount, known.key.symbol)).key
    at_home_first = sorted(listed, key=lambda market: (market.quote != home, market.symbol))
    if not at_home_first:
        return None
    symbol = at_home_first[0].symbol
    return PositionKey(account=account, symbol=symbol, type=PositionType.SPOT)


def _by_base(markets: Mapping[str, Market]) -> Mapping[str, Sequence[Market]]:
    """The spot markets of each asset."""
    found: defaultdict[str, list[Market]] = defaultdict(list)
    for market in markets.values():
        if market.type is PositionType.SPOT:
            found[market.base].append(market)
    return found


def _from_outside(key: PositionKey, amount: Decimal) -> Problem:
    asset, _ = assets_of(key.symbol)
    number = money.plain(amount.copy_abs())
    words = (
        f"{number} {asset} came from outside: what was paid for it is not known"
        if amount > money.ZERO
        else f"{number} {asset} left by other ways than trades that are known here"
    )
    return Problem(subject=key.symbol, code=FROM_OUTSIDE, message=words)


def _kept_otherwise(key: PositionKey, ours: Decimal, theirs: Decimal) -> Problem:
    words = (
        f"the exchange keeps a {key.type} position of {money.plain(theirs)} in {key.symbol}, and"
        f" the trades that are known here add up to {money.plain(ours)}"
    )
    return Problem(subject=key.symbol, code=FROM_OUTSIDE, message=words)


def _basis_of(exposure: Exposure) -> Decimal | None:
    price = exposure.entry_price
    return None if price is None else money.multiply(exposure.amount, price)


def _without_market(asset: str, amount: Decimal) -> Problem:
    return Problem(
        subject=asset,
        code=str(RefusalCode.UNKNOWN_SYMBOL),
        message=f"{money.plain(amount)} {asset} cannot be valued: the account has no market of it",
    )
