"""Every change that an order can go through, each as the events that record it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from app.domain import money
from app.domain.fills import Fee, Fill
from app.domain.orders.events import OrderEvent
from app.domain.orders.order import TRANSITIONS, Order, OrderStatus, OrderUpdateKind
from app.domain.orders.reports import FillReport, OrderReport, ReportedTerms
from app.errors import OrderdeckError, Refusal, RefusalCode

_CLOSING = {
    OrderStatus.CANCELED: OrderUpdateKind.CANCELED,
    OrderStatus.EXPIRED: OrderUpdateKind.EXPIRED,
}


class TransitionForbidden(OrderdeckError):
    """A report that TRANSITIONS does not allow: not recorded, but logged for the operator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One event, with the fills that it adds and supersedes, and those with another fee now."""

    event: OrderEvent
    added: tuple[Fill, ...] = ()
    superseded: tuple[Fill, ...] = ()
    recharged: tuple[Fill, ...] = ()

    @property
    def corrected(self) -> tuple[Fill, ...]:
        """The fills that no longer count as they were booked."""
        return (*self.superseded, *self.recharged)


def submitted(order: Order) -> Change:
    """The new intent, before anything is sent."""
    _check(None, order.status)
    event = OrderEvent(
        kind=OrderUpdateKind.SUBMITTED, at=order.created_at, previous_status=None, order=order
    )
    return Change(event=event)


def doubted(order: Order, reason: str, at: datetime) -> Change:
    changed = _moved(order, OrderStatus.IN_DOUBT, at)
    return _step(OrderUpdateKind.IN_DOUBT, order, changed, reason=reason)


def rejected(order: Order, refusal: Refusal, at: datetime) -> Change:
    changed = replace(_moved(order, OrderStatus.REJECTED, at), refusal=refusal)
    return _step(OrderUpdateKind.REJECTED, order, changed, reason=refusal.message)


def cancel_requested(order: Order, at: datetime) -> Change:
    changed = replace(_moved(order, order.status, at), cancel_requested_at=at)
    return _step(OrderUpdateKind.CANCEL_REQUESTED, order, changed)


def metadata_set(order: Order, metadata: Mapping[str, Any], at: datetime) -> Change:
    changed = replace(order, metadata=metadata, updated_at=at, revision=order.revision + 1)
    return _step(OrderUpdateKind.METADATA, order, changed)


def is_amended(order: Order, reported: ReportedTerms) -> bool:
    """Whether the exchange's terms differ from ours, or differed in between (by version)."""
    if reported.version is not None:
        return reported.version > order.amendments
    # A closed order is not amended any more, whatever terms the exchange lists it with.
    if not order.is_open:
        return False
    known, terms = order.terms.amendable, reported.terms
    # Terms that lack what the order has were not readable, and nobody took it away.
    is_whole = (known.price is None or terms.price is not None) and (
        known.trigger_price is None or terms.trigger_price is not None
    )
    return is_whole and terms != known


def imported(order: Order) -> Change:
    """An external order, found on the exchange and not placed through orderdeck."""
    _check(None, order.status)
    event = OrderEvent(
        kind=OrderUpdateKind.IMPORTED, at=order.updated_at, previous_status=None, order=order
    )
    return Change(event=event)


def is_disproved(order: Order, report: OrderReport) -> bool:
    """Whether a report proves that an order exists that was rejected here.

    Any report does if the exchange never named the order: it was only told no, or did not find it.
    An order that it named and then rejected may still be reported by late news; trades are facts.
    """
    return order.exchange_order_id is None or bool(report.fills) or bool(report.filled)


def received(
    order: Order,
    fills: Sequence[Fill],
    report: OrderReport,
    *,
    at: datetime,
    new_id: Callable[[], str],
) -> list[Change]:
    """The changes that a report makes to an order; empty if it says nothing new."""
    return _ReportBooking(order, fills, report, at=at, new_id=new_id).steps()


class _ReportBooking:
    """Applies one report to one order, step by step."""

    def __init__(
        self, order: Order, fills: Sequence[Fill], report: OrderReport, *, at: datetime,
        new_id: Callable[[], str],
    ) -> None:  # fmt: skip
        self._order = order
        self._fills = list(fills)
        self._guessed = tuple(fill for fill in fills if fill.is_synthesized)
        self._totals = _Totals.of(fills)
        self._report = report
        self._at = at
        self._new_id = new_id
        self._steps: list[Change] = []

    def steps(self) -> list[Change]:
        if self._report.status is OrderStatus.REJECTED:
            self._reject()
            return self._steps
        if not self._order.status.is_answered or self._order.status is OrderStatus.REJECTED:
            self._accept()
        self._amend()
        known = {fill.exchange_trade_id for fill in self._fills}
        # The sort is stable: trades of the same time keep the exchange's order.
        for trade in sorted(self._report.fills, key=lambda trade: trade.at):
            if trade.trade_id not in known:
                known.add(trade.trade_id)
                self._add_trade(trade)
            elif trade.is_fee_final:
                self._correct_fee(trade)
        self._add_difference()
        self._close()
        return self._steps

    def _reject(self) -> None:
        if self._order.status is OrderStatus.REJECTED:
            return
        refusal = self._report.refusal or Refusal(
            code=RefusalCode.REJECTED_BY_EXCHANGE, message="the exchange rejected the order"
        )
        named = replace(self._order, exchange_order_id=self._report.exchange_order_id)
        self._steps.append(rejected(named, refusal, self._at))

    def _accept(self) -> None:
        was_rejected = self._order.status is OrderStatus.REJECTED
        if was_rejected and not is_disproved(self._order, self._report):
            raise TransitionForbidden(
                f"order {self._order.id} was rejected, yet is reported {self._report.status}"
            )
        is_first_answer = self._order.status is OrderStatus.SUBMITTING
        kind = OrderUpdateKind.ACCEPTED if is_first_answer else OrderUpdateKind.RESOLVED
        reason = "the exchange has the order after all" if was_rejected else None
        changed = replace(
            _moved(self._order, OrderStatus.OPEN, self._at),
            exchange_order_id=self._report.exchange_order_id,
            refusal=None,
            closed_at=None,
        )
        self._advance(_step(kind, self._order, changed, reason=reason))

    def _amend(self) -> None:
        reported = self._report.terms
        if reported is None or not is_amended(self._order, reported):
            return
        changed = replace(
            _moved(self._order, self._order.status, self._at),
            terms=self._order.terms.amended(reported.terms),
            amendments=self._order.amendments + 1 if reported.version is None else reported.version,
        )
        self._advance(_step(OrderUpdateKind.AMENDED, self._order, changed))

    def _add_trade(self, trade: FillReport) -> None:
        fill = self._fill(trade.price, trade.amount, money.multiply(trade.price, trade.amount))
        fill = replace(
            fill,
            exchange_trade_id=trade.trade_id,
            fee=trade.fee,
            is_maker=trade.is_maker,
            at=trade.at,
        )
        guessed = self._guessed
        if not guessed:
            self._fills.append(fill)
            self._totals = self._totals.plus(fill)
            self._filled(OrderUpdateKind.FILL, (fill,))
            return
        real = [known for known in self._fills if not known.is_synthesized] + [fill]
        rest = self._difference(_Totals.of(real))
        self._guessed = () if rest is None else (rest,)
        added = (fill,) if rest is None else (fill, rest)
        self._fills = real if rest is None else [*real, rest]
        self._totals = _Totals.of(self._fills)
        grows = self._totals.amount > self._order.filled
        kind = OrderUpdateKind.FILL if grows else OrderUpdateKind.CORRECTED
        self._filled(kind, added, superseded=guessed)

    def _correct_fee(self, trade: FillReport) -> None:
        """Charge a known trade's fee anew; the fill keeps its id, and so its place in positions."""
        known = next(fill for fill in self._fills if fill.exchange_trade_id == trade.trade_id)
        if trade.fee is None or trade.fee == known.fee:
            return
        revision = self._order.revision + 1
        fill = replace(known, fee=trade.fee, fee_value=None, fee_revision=revision)
        self._fills = [fill if each is known else each for each in self._fills]
        self._totals = _Totals.of(self._fills)
        moved = _moved(self._order, self._order.status, self._at)
        changed = replace(moved, fees=self._totals.fees)
        reason = "the exchange told another fee for the trade"
        step = _step(OrderUpdateKind.CORRECTED, self._order, changed, fill=fill, reason=reason)
        self._advance(replace(step, recharged=(fill,)))

    def _add_difference(self) -> None:
        """Add a synthesized fill if the exchange's totals exceed the known trades."""
        if self._report.filled is None:
            return
        if self._report.filled > self._order.reported_filled:
            self._order = replace(
                self._order,
                reported_filled=self._report.filled,
                reported_cost=self._report.cost or money.ZERO,
            )
        rest = self._difference(self._totals)
        if rest is not None:
            self._fills.append(rest)
            self._totals = self._totals.plus(rest)
            self._filled(OrderUpdateKind.FILL, (rest,))

    def _difference(self, known: "_Totals") -> Fill | None:
        missing = money.subtract(self._order.reported_filled, known.amount)
        if missing <= money.ZERO:
            return None
        cost = money.subtract(self._order.reported_cost, known.cost)
        if cost <= money.ZERO:
            price = self._order.price or money.ZERO
            return self._fill(price, missing, money.multiply(price, missing))
        return self._fill(money.divide(cost, missing), missing, cost)

    def _fill(self, price: Decimal, amount: Decimal, cost: Decimal) -> Fill:
        return Fill(
            id=self._new_id(),
            order_id=self._order.id,
            account=self._order.account,
            exchange_trade_id=None,
            symbol=self._order.symbol,
            side=self._order.side,
            price=price,
            amount=amount,
            cost=cost,
            fee=None,
            is_maker=None,
            at=self._report.at,
            revision=self._order.revision + 1,
        )

    def _filled(
        self, kind: OrderUpdateKind, added: tuple[Fill, ...], superseded: tuple[Fill, ...] = ()
    ) -> None:
        totals = self._totals
        changed = replace(
            _moved(self._order, self._status_at(totals.amount), self._at),
            filled=totals.amount,
            cost=totals.cost,
            fees=totals.fees,
        )
        step = _step(kind, self._order, changed, fill=added[0])
        self._advance(replace(step, added=added, superseded=superseded))

    def _status_at(self, filled: Decimal) -> OrderStatus:
        if filled >= self._order.amount and not self._was_cut_to(filled):
            return OrderStatus.FILLED
        return OrderStatus.PARTIALLY_FILLED if self._order.is_open else self._order.status

    def _was_cut_to(self, filled: Decimal) -> bool:
        """Whether the order was amended down to what was filled, which closes it as canceled."""
        if self._order.status is OrderStatus.CANCELED:
            return filled <= self._order.filled
        return self._report.status is OrderStatus.CANCELED and self._report.filled == filled

    def _close(self) -> None:
        kind = _CLOSING.get(self._report.status)
        if kind is None or not self._order.is_open:
            return
        refusal = self._report.refusal
        changed = replace(_moved(self._order, self._report.status, self._at), refusal=refusal)
        reason = None if refusal is None else refusal.message
        self._advance(_step(kind, self._order, changed, reason=reason))

    def _advance(self, step: Change) -> None:
        self._order = step.event.order
        self._steps.append(step)


def _step(
    kind: OrderUpdateKind, before: Order, after: Order, *, fill: Fill | None = None,
    reason: str | None = None,
) -> Change:  # fmt: skip
    event = OrderEvent(
        kind=kind,
        at=after.updated_at,
        previous_status=before.status,
        order=after,
        fill=fill,
        reason=reason,
    )
    return Change(event=event)


def _moved(order: Order, status: OrderStatus, at: datetime) -> Order:
    _check(order.status, status)
    closes = not status.is_open and order.closed_at is None
    return replace(
        order,
        status=status,
        updated_at=at,
        closed_at=at if closes else order.closed_at,
        revision=order.revision + 1,
    )


def _check(before: OrderStatus | None, after: OrderStatus) -> None:
    stays_waiting = before is after and before is not None and not before.is_answered
    if not stays_waiting and after not in TRANSITIONS[before]:
        raise TransitionForbidden(f"no way leads from {before} to {after}")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Totals:
    """The sums of an order's fills; adding a fill does not sum up the others again."""

    amount: Decimal = money.ZERO
    cost: Decimal = money.ZERO
    # One for each currency, by its name.
    fees: tuple[Fee, ...] = ()

    @classmethod
    def of(cls, fills: Iterable[Fill]) -> "_Totals":
        return reduce(_Totals.plus, fills, cls())

    def plus(self, fill: Fill) -> "_Totals":
        return _Totals(
            amount=money.add(self.amount, fill.amount),
            cost=money.add(self.cost, fill.cost),
            fees=self.fees if fill.fee is None else _with_fee(self.fees, fill.fee),
        )


def _with_fee(fees: tuple[Fee, ...], added: Fee) -> tuple[Fee, ...]:
    sums = {fee.currency: fee.amount for fee in fees}
    sums[added.currency] = money.add(sums.get(added.currency, money.ZERO), added.amount)
    return tuple(Fee(currency=currency, amount=sums[currency]) for currency in sorted(sums))
