"""The paper exchange's checks of a new order, before the account's balances are looked at."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Capabilities
from app.domain.order_kinds import PLACEABLE, OrderSide, PositionType, TimeInForce
from app.domain.paper_ledger import PaperOrder
from app.errors import Refusal, RefusalCode
from app.exchanges.paper.account.crossing import is_due, takes, trigger_of, waits_for_fall
from app.exchanges.paper.account.margins import MOST_LEVERAGE
from app.exchanges.paper.account.refusals import refusal, would_take
from app.exchanges.paper.prices.listings import MarketRules
from app.exchanges.paper.prices.price_path import Quote

CAPABILITIES = Capabilities(
    order_types=PLACEABLE,
    time_in_force=tuple(TimeInForce),
    amend_order=True,
    streaming_orders=True,
    streaming_tickers=True,
    streaming_candles=True,
    positions=True,
    position_types=(PositionType.SPOT, PositionType.MARGIN),
    max_leverage=MOST_LEVERAGE,
)

Reasons = Callable[[PaperOrder, MarketRules, Quote], Iterator[Refusal]]


def refuse(order: PaperOrder, rules: MarketRules, quote: Quote) -> Refusal | None:
    """The first reason to refuse a new order at these prices, or None."""
    every = (kind, steps, trigger, minimums, side, post_only)
    return first_of(every, order, rules, quote)


def first_of(
    every: Iterable[Reasons], order: PaperOrder, rules: MarketRules, quote: Quote
) -> Refusal | None:
    found = (reason for reasons in every for reason in reasons(order, rules, quote))
    return next(found, None)


def kind(order: PaperOrder, _rules: MarketRules, _quote: Quote) -> Iterator[Refusal]:
    wanted = (
        ("price", order.price, order.type.has_price),
        ("triggerPrice", order.trigger_price, order.type.has_trigger),
    )
    for name, value, is_needed in wanted:
        if is_needed and value is None:
            yield _invalid(f"{_a(order)} needs a {name} above 0", name)
        if value is not None and not is_needed:
            yield _invalid(f"{_a(order)} has no {name}, and {money.plain(value)} was given", name)
    never = {TimeInForce.FOK, TimeInForce.POST_ONLY}
    if not order.type.has_price and order.time_in_force in never:
        words = f"{_a(order)} takes GTC or IOC, not {order.time_in_force}"
        yield _invalid(words, "timeInForce")


def steps(order: PaperOrder, rules: MarketRules, _quote: Quote) -> Iterator[Refusal]:
    values = (
        ("amount", order.amount, rules.amount_step),
        ("price", order.price, rules.price_step),
        ("triggerPrice", order.trigger_price, rules.price_step),
    )
    for name, value, step in values:
        if value is None:
            continue
        if not value.is_finite() or value <= money.ZERO:
            yield _invalid(f"{name} must be above 0, and {money.plain(value)} is not", name)
        elif not money.is_on_step(value, step):
            nearest = max(money.floor_to_step(value, step), step)
            words = (
                f"{name} {money.plain(value)} is not on the step of {money.plain(step)},"
                f" and {money.plain(nearest)} is the nearest that is"
            )
            yield refusal(RefusalCode.PRECISION, words, name)


def minimums(order: PaperOrder, rules: MarketRules, quote: Quote) -> Iterator[Refusal]:
    if order.amount < rules.min_amount:
        words = (
            f"amount {money.plain(order.amount)} {rules.base} is below the least that is"
            f" traded here, which is {money.plain(rules.min_amount)}"
        )
        yield _invalid(words, "amount")
    price = order.price or order.trigger_price or quote.best_against(order.side)
    cost = money.multiply(price, order.amount)
    if cost < rules.min_notional:
        words = (
            f"the order is worth {money.plain(cost)} {rules.quote} and must be worth"
            f" {money.plain(rules.min_notional)}, which an amount of"
            f" {money.plain(_least_amount(rules, price))} is"
        )
        yield refusal(RefusalCode.MIN_NOTIONAL, words, "amount")


def side(order: PaperOrder, _rules: MarketRules, _quote: Quote) -> Iterator[Refusal]:
    if order.reduce_only and order.side is OrderSide.BUY and not order.is_on_margin:
        words = "on a spot market only a SELL can be reduceOnly"
        yield refusal(RefusalCode.REJECTED_BY_EXCHANGE, words, "reduceOnly")


def trigger(order: PaperOrder, _rules: MarketRules, quote: Quote) -> Iterator[Refusal]:
    if order.awaits_trigger and is_due(order, quote.last):
        there = "below" if waits_for_fall(order) else "above"
        words = (
            f"the triggerPrice of a {order.type} {order.side} must stand {there} the last price"
            f" {money.plain(quote.last)}, and {money.plain(trigger_of(order))} does not"
        )
        yield _invalid(words, "triggerPrice")


def post_only(order: PaperOrder, _rules: MarketRules, quote: Quote) -> Iterator[Refusal]:
    if order.time_in_force is not TimeInForce.POST_ONLY or order.awaits_trigger:
        return
    best = quote.best_against(order.side)
    if takes(order, best):
        yield would_take(best)


def _least_amount(rules: MarketRules, price: Decimal) -> Decimal:
    step = rules.amount_step
    amount = money.ceil_to_step(money.divide(rules.min_notional, price), step)
    # The quotient is rounded, sometimes down to the step before.
    is_short = money.multiply(amount, price) < rules.min_notional
    return max(money.add(amount, step) if is_short else amount, rules.min_amount)


def _a(order: PaperOrder) -> str:
    return f"a {order.type} order"


def _invalid(message: str, field: str) -> Refusal:
    return refusal(RefusalCode.INVALID_INPUT, message, field)
