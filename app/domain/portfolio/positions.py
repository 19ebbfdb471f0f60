"""Positions computed from fills: amount, cost basis, and realized profit.

Every number is exact but one: the part of the basis that a partial close releases is rounded once,
and what remains is exactly the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain import money
from app.domain.fills import Fill
from app.domain.order_kinds import OrderSide, PositionType


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A fill as it changes a position."""

    # In base, less a fee paid in base: positive if bought, negative if sold.
    amount: Decimal
    price: Decimal
    # The fee, converted to quote from whichever currency it was paid in.
    fee: Decimal
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTrip:
    """A position from flat to flat or to the other side: what performance counts as a trade."""

    opened_at: datetime
    closed_at: datetime
    pnl: Decimal
    # The id of the fill that ended it; unknown for those from before ids were kept.
    ended_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RoundTripResult:
    """A round trip's profit, in the quote of its market."""

    symbol: str
    pnl: Decimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """The numbers of one position. Amount and basis are negative for a short."""

    amount: Decimal = money.ZERO
    # The cost of the open amount, in quote and without fees.
    basis: Decimal = money.ZERO
    # Realized profit in quote, net of all fees so far.
    realized: Decimal = money.ZERO
    fees: Decimal = money.ZERO
    opened_at: datetime | None = None
    # What was realized before the current round trip began.
    realized_before: Decimal = money.ZERO

    @property
    def entry_price(self) -> Decimal | None:
        """The average entry price, to 18 places; None if nothing is open."""
        return money.divide(self.basis, self.amount) if self.amount else None

    def unrealized(self, mark: Decimal) -> Decimal:
        return money.subtract(money.multiply(self.amount, mark), self.basis)


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveResult:
    """The holding after a move, and the round trip that it ended."""

    holding: Holding
    ended: RoundTrip | None = None


def move(holding: Holding, by: Move) -> MoveResult:
    """Apply a fill. One that goes through flat ends a round trip and begins another."""
    paid = replace(
        holding,
        fees=money.add(holding.fees, by.fee),
        realized=money.subtract(holding.realized, by.fee),
    )
    if by.amount == money.ZERO:
        return MoveResult(holding=paid)
    if not _is_against(paid.amount, by.amount):
        return MoveResult(holding=_opened(paid, by.amount, by))
    goes_through = by.amount.copy_abs() > paid.amount.copy_abs()
    closing = paid.amount.copy_negate() if goes_through else by.amount
    left = _closed(paid, closing, by.price)
    if left.amount:
        return MoveResult(holding=left)
    ended = _round(left, by.at)
    flat = replace(left, opened_at=None, realized_before=left.realized)
    rest = money.subtract(by.amount, closing)
    return MoveResult(holding=_opened(flat, rest, by) if rest else flat, ended=ended)


def _is_against(held: Decimal, moved: Decimal) -> bool:
    return (held > 0 > moved) or (held < 0 < moved)


def _opened(holding: Holding, amount: Decimal, by: Move) -> Holding:
    return replace(
        holding,
        amount=money.add(holding.amount, amount),
        basis=money.add(holding.basis, money.multiply(amount, by.price)),
        opened_at=holding.opened_at or by.at,
    )


def _closed(holding: Holding, amount: Decimal, price: Decimal) -> Holding:
    """Close an amount: the profit is its proceeds less its part of the basis."""
    rest = money.add(holding.amount, amount)
    released = holding.basis
    if rest:
        part = money.multiply(holding.basis, amount.copy_negate())
        released = money.divide(part, holding.amount)
    gained = money.subtract(money.multiply(amount.copy_negate(), price), released)
    return replace(
        holding,
        amount=rest,
        basis=money.subtract(holding.basis, released),
        realized=money.add(holding.realized, gained),
    )


def _round(holding: Holding, at: datetime) -> RoundTrip:
    return RoundTrip(
        opened_at=holding.opened_at or at,
        closed_at=at,
        pnl=money.subtract(holding.realized, holding.realized_before),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionKey:
    """A position's identity: account, symbol and type."""

    account: str
    symbol: str
    type: PositionType

    @property
    def name(self) -> str:
        return f"{self.account}/{self.type}/{self.symbol}"

    @classmethod
    def named(cls, name: str) -> "PositionKey":
        """The key with this name. Raises ValueError if it is not a key's name."""
        account, kind, symbol = name.split("/", 2)
        return cls(account=account, symbol=symbol, type=PositionType(kind))


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """An account's position in one market, computed from its fills."""

    key: PositionKey
    holding: Holding = field(default_factory=Holding)
    updated_at: datetime
    # The number of fills with a fee whose value in quote is not known yet.
    unvalued_fees: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # How many fills were booked since fills are counted, and the highest id among them.
    fills: int = 0
    last_fill: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BookedPosition:
    """A position after some fills, and the round trips that they ended."""

    position: Position
    ended: tuple[RoundTrip, ...] = ()


def booked(position: Position, fills: Iterable[Fill]) -> BookedPosition:
    """The position after these fills, which must be in the order in which they were booked."""
    ended: list[RoundTrip] = []
    for fill in fills:
        after = move(position.holding, _move_of(fill))
        is_unvalued = fill.fee is not None and fee_value(fill) is None
        position = replace(
            position,
            holding=after.holding,
            updated_at=max(position.updated_at, fill.at),
            unvalued_fees=position.unvalued_fees + is_unvalued,
            fills=position.fills + 1,
            last_fill=max(position.last_fill or "", fill.id),
        )
        ended += [replace(after.ended, ended_by=fill.id)] if after.ended else []
    return BookedPosition(position=position, ended=tuple(ended))


@dataclass(frozen=True, kw_only=True, slots=True)
class LateFee:
    """A fee whose value became known after its fill was booked."""

    fill_id: str
    value: Decimal
    # The fill that ended the round trip to which the fee belongs; None while that is open.
    ended_by: str | None


def charged(position: Position, fees: Iterable[LateFee]) -> Position:
    """The position as it would be if those fees had been known when their fills were booked."""
    for fee in fees:
        if position.last_fill is None or fee.fill_id <= position.last_fill:
            position = _charged(position, fee)
    return position


def _charged(position: Position, fee: LateFee) -> Position:
    holding, last = position.holding, position.last_fill
    before = holding.realized_before
    if fee.ended_by is not None and (last is None or fee.ended_by <= last):
        before = money.subtract(before, fee.value)
    paid = replace(
        holding,
        fees=money.add(holding.fees, fee.value),
        realized=money.subtract(holding.realized, fee.value),
        realized_before=before,
    )
    return replace(position, holding=paid, unvalued_fees=position.unvalued_fees - 1)


def fee_value(fill: Fill) -> Decimal | None:
    """The fee's value in quote; None if it is in a third currency and not valued yet."""
    if fill.fee is None:
        return money.ZERO
    base, quote = assets_of(fill.symbol)
    if fill.fee.currency == quote:
        return fill.fee.amount
    if fill.fee.currency == base:
        return money.multiply(fill.fee.amount, fill.price)
    return fill.fee_value


def assets_of(symbol: str) -> tuple[str, str]:
    """Base and quote of a symbol as ccxt writes it: BTC/USDT, BTC/USDT:USDT."""
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]


def _move_of(fill: Fill) -> Move:
    amount = fill.amount if fill.side is OrderSide.BUY else fill.amount.copy_negate()
    base, _ = assets_of(fill.symbol)
    if fill.fee is not None and fill.fee.currency == base:
        amount = money.subtract(amount, fill.fee.amount)
    return Move(amount=amount, price=fill.price, fee=fee_value(fill) or money.ZERO, at=fill.at)
