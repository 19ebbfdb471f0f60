"""Amendments: what a client asks to change of an order, and the checks of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain import money
from app.domain.checks import invalid
from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders import refusals
from app.domain.orders.forms import examine_terms
from app.domain.orders.market_checks import MarketFacts, examine_steps, examine_trigger_side
from app.domain.orders.order import Order
from app.domain.orders.reports import OrderReport
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import AmendableTerms
from app.errors import Refusal, RefusalCode

NAMES = "amount, price and triggerPrice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Amendment:
    """What a client wants to change; None keeps the value. The amount is the new total."""

    amount: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None

    @property
    def is_empty(self) -> bool:
        return self.amount is None and self.price is None and self.trigger_price is None


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedAmendment:
    """The terms that an order should get, stored before the exchange is asked."""

    id: str
    order_id: str
    at: datetime
    terms: AmendableTerms

    def is_settled_by(self, answer: OrderReport) -> bool:
        """Whether the exchange's answer settles the amendment: terms reached or order closed."""
        has_terms = answer.terms is not None and answer.terms.terms == self.terms
        return has_terms or not answer.status.is_open


def most_remaining(order: Order, asked: Iterable[AskedAmendment]) -> Decimal:
    """The most that may still trade, whichever of the unsettled amendments took effect."""
    amounts = [pending.terms.amount for pending in asked if pending.order_id == order.id]
    return money.subtract(max(order.amount, *amounts), order.filled) if amounts else order.remaining


def amended_terms(order: Order, amendment: Amendment) -> AmendableTerms:
    return AmendableTerms(
        amount=order.amount if amendment.amount is None else amendment.amount,
        price=order.price if amendment.price is None else amendment.price,
        trigger_price=order.trigger_price
        if amendment.trigger_price is None
        else amendment.trigger_price,
    )


def is_increase(order: Order, wanted: AmendableTerms) -> bool:
    """Whether the amount grows or the price gets costlier, which needs a new order's checks."""
    if wanted.amount > order.amount:
        return True
    is_buy = order.side is OrderSide.BUY
    pairs = ((order.price, wanted.price), (order.trigger_price, wanted.trigger_price))
    return any(
        old is not None and new is not None and (new > old if is_buy else new < old)
        for old, new in pairs
    )


def check_state(order: Order, amendment: Amendment) -> Refusal | None:
    """The checks of the order's state, before anything is asked of the exchange."""
    if amendment.is_empty:
        return invalid("amount", f"nothing is changed: give at least one of {NAMES}")
    if not order.status.is_answered:
        return refusals.not_yet_answered(order)
    if not order.is_open:
        return refusals.closed(order, "amended")
    if order.cancel_requested_at is not None:
        return refusals.being_canceled()
    return None


def check_amendment(order: Order, amendment: Amendment, facts: MarketFacts) -> Refusal | None:
    return next(_refusals(order, amendment, facts), None)


def _refusals(order: Order, amendment: Amendment, facts: MarketFacts) -> Iterator[Refusal]:
    terms = amended_terms(order, amendment)
    if order.type is OrderType.OTHER:
        words = f"an order of type OTHER ({order.exchange_type}) cannot be changed here: cancel it,"
        words += " or change it where it was placed"
        yield Refusal(code=RefusalCode.UNSUPPORTED, message=words)
    if not facts.capabilities.amend_order:
        yield Refusal(
            code=RefusalCode.UNSUPPORTED,
            message="this account's exchange cannot change an order in place: cancel it and place"
            " another",
        )
    if terms.amount < order.filled:
        yield invalid(
            "amount",
            f"amount is the new total and must be at least {money.plain(order.filled)}, which is"
            f" filled; it is {money.plain(terms.amount)}",
        )
    checks = list(examine_terms(order.type, terms))
    wanted = as_request(order, terms)
    if order.symbol in facts.markets and terms.amount != order.filled:
        checks.extend(examine_steps(wanted, facts))
    if order.symbol in facts.markets and amendment.trigger_price is not None:
        checks.append(examine_trigger_side(wanted, facts))
    yield from (checked.refusal for checked in checks if checked.refusal is not None)


def as_request(order: Order, terms: AmendableTerms) -> OrderRequest:
    """The order as it would be placed with these terms."""
    return OrderRequest(
        account=order.account,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        terms=order.terms.amended(terms),
        source=order.source,
        strategy=order.strategy,
    )
