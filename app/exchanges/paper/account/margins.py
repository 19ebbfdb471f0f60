"""Margin orders: which are admitted, what they reserve, and how they change a position."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from app.domain import money
from app.domain.markets.markets import FeeRates
from app.domain.markets.order_books import BookLevel
from app.domain.orders.terms import with_terms
from app.domain.paper_ledger import PaperBalance, PaperOrder, PaperPosition
from app.domain.portfolio.margins import LEAST_LEVERAGE, LEVERAGE_STEP, closable
from app.domain.portfolio.positions import Holding, Move, move
from app.errors import ExchangeRejected, Refusal, RefusalCode
from app.exchanges.paper.account import refusals
from app.exchanges.paper.account.crossing import trigger_of
from app.exchanges.paper.account.matching import Execution, Outcome

MOST_LEVERAGE = Decimal(5)
# Far above the rounding error of a quotient, and far below any amount that can be paid.
_ROUNDING = Decimal("1e-12")


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginOutcome:
    """An outcome with its reserve, and the position and quote balance after it."""

    outcome: Outcome
    position: PaperPosition
    quote: PaperBalance


def admitted(
    order: PaperOrder, position: PaperPosition | None, open_orders: Iterable[PaperOrder]
) -> PaperOrder:
    """A new order with its leverage. Raises ExchangeRejected if it does not fit the position."""
    others = [other for other in open_orders if other.is_on_margin]
    found = (*_bad_leverage(order), *_not_reducing(order, position, others))
    if found:
        raise ExchangeRejected(found[0])
    in_force = _leverage_in_force(position, others)
    if order.leverage is not None and in_force not in {None, order.leverage}:
        raise ExchangeRejected(refusals.other_leverage(in_force))
    return with_terms(order, leverage=order.leverage or in_force or LEAST_LEVERAGE)


def check_reduction(
    order: PaperOrder, position: PaperPosition | None, open_orders: Iterable[PaperOrder]
) -> None:
    """Raises ExchangeRejected if all open reductions together would exceed the position."""
    others = [other for other in open_orders if other.is_on_margin]
    for refusal in _not_reducing(order, position, others):
        raise ExchangeRejected(refusal)


def most_of(order: PaperOrder, position: PaperPosition | None) -> Decimal | None:
    """The most that the order may trade now; None if nothing limits it."""
    if not (order.is_on_margin and order.reduce_only):
        return None
    return closable(_amount_of(position), order.side)


def cut(levels: Iterable[BookLevel], most: Decimal | None) -> Iterator[BookLevel]:
    """The levels, up to `most` in total."""
    left = most
    for level in levels:
        if left is None or level.amount <= left:
            yield level
        elif left:
            yield replace(level, amount=left)
        if left is not None:
            left = max(money.subtract(left, level.amount), money.ZERO)
            if not left:
                return


def settled(
    outcome: Outcome, position: PaperPosition | None, quote: PaperBalance, rates: FeeRates
) -> MarginOutcome:
    """Book an outcome. Raises ExchangeRejected if it cannot be paid.

    A reduction always settles: if it cannot be paid, the account owes it.
    """
    order = outcome.order
    assert order.leverage is not None  # noqa: S101 - set when it was admitted
    before = position or PaperPosition(
        symbol=order.symbol, holding=Holding(), leverage=order.leverage
    )
    after = _traded(before, outcome)
    gained = money.subtract(after.holding.realized, before.holding.realized)
    room = money.add(outcome.before.reserved, max(quote.free, money.ZERO))
    order = replace(order, reserved=_reserve(order, after, rates, room))
    reserve = money.subtract(order.reserved, outcome.before.reserved)
    set_aside = money.total((after.margin, before.margin.copy_negate(), reserve))
    needed = money.subtract(set_aside, gained)
    is_new = reserve > money.ZERO or not _only_closes(outcome, before)
    if is_new and needed > max(money.add(quote.free, _ROUNDING), money.ZERO):
        raise ExchangeRejected(refusals.insufficient(needed, quote))
    return MarginOutcome(
        outcome=replace(outcome, order=order),
        position=after,
        quote=quote.moved(gained=gained, set_aside=set_aside),
    )


def _traded(position: PaperPosition, outcome: Outcome) -> PaperPosition:
    holding = position.holding
    for execution in outcome.executions:
        holding = move(holding, _move_of(outcome.order, execution)).holding
    leverage = position.leverage
    if not position.amount and outcome.order.leverage is not None:
        leverage = outcome.order.leverage
    return replace(position, holding=holding, leverage=leverage)


def _move_of(order: PaperOrder, execution: Execution) -> Move:
    return Move(
        amount=money.multiply(order.signed, execution.amount),
        price=execution.price,
        fee=execution.fee.amount,
        at=execution.at,
    )


def _only_closes(outcome: Outcome, position: PaperPosition) -> bool:
    amount = money.total(execution.amount for execution in outcome.executions)
    return amount <= closable(position.amount, outcome.order.side)


def _reserve(order: PaperOrder, position: PaperPosition, rates: FeeRates, room: Decimal) -> Decimal:
    """The highest fee and the margin of what it would open; a reduction reserves what it can."""
    if not order.waits:
        return money.ZERO
    price = trigger_of(order) if order.price is None else order.price
    cost = money.multiply(price, order.remaining)
    fee = money.multiply(cost, max(rates.maker, rates.taker, money.ZERO))
    if order.reduce_only:
        return min(fee, room)
    opening = money.subtract(order.remaining, closable(position.amount, order.side))
    opened = money.multiply(price, max(opening, money.ZERO))
    assert order.leverage is not None  # noqa: S101
    return money.add(fee, money.divide(opened, order.leverage))


def _bad_leverage(order: PaperOrder) -> Iterator[Refusal]:
    leverage = order.leverage
    if leverage is None:
        return
    is_within = LEAST_LEVERAGE <= leverage <= MOST_LEVERAGE
    if not is_within or not money.is_on_step(leverage, LEVERAGE_STEP):
        words = (
            f"leverage must be {money.plain(LEAST_LEVERAGE)} to {money.plain(MOST_LEVERAGE)} with 2"
            f" places at most, and {money.plain(leverage)} is not"
        )
        yield refusals.refusal(RefusalCode.INVALID_INPUT, words, "leverage")


def _not_reducing(
    order: PaperOrder, position: PaperPosition | None, open_orders: Sequence[PaperOrder]
) -> Iterator[Refusal]:
    most = most_of(order, position)
    if most is None:
        return
    if not most:
        yield refusals.nothing_to_reduce(order)
    taken = money.total(
        other.remaining
        for other in open_orders
        if other.reduce_only and other.side is order.side and other.number != order.number
    )
    if money.add(taken, order.remaining) > most:
        yield refusals.beyond_position(money.subtract(most, taken))


def _leverage_in_force(
    position: PaperPosition | None, open_orders: Sequence[PaperOrder]
) -> Decimal | None:
    """The leverage of the open position, else of an open order that would open one."""
    if position is not None and position.amount:
        return position.leverage
    return next((order.leverage for order in open_orders if not order.reduce_only), None)


def _amount_of(position: PaperPosition | None) -> Decimal:
    return money.ZERO if position is None else position.amount
