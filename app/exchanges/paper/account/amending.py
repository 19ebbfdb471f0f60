"""The paper exchange's checks of an amendment."""

from app.domain import money
from app.domain.paper_ledger import PaperOrder
from app.errors import Refusal, RefusalCode
from app.exchanges.paper.account.admission import (
    first_of,
    kind,
    minimums,
    post_only,
    steps,
    trigger,
)
from app.exchanges.paper.account.refusals import refusal
from app.exchanges.paper.prices.listings import MarketRules
from app.exchanges.paper.prices.price_path import Quote


def refuse_amendment(
    before: PaperOrder, after: PaperOrder, rules: MarketRules, quote: Quote
) -> Refusal | None:
    """The first reason to refuse the amendment from `before` to `after`, or None."""
    refused = _state(before, after) or first_of((kind, steps), after, rules, quote)
    if refused is not None or after.amount == before.filled:
        return refused
    # An order that keeps its price keeps resting, wherever the market has gone meanwhile.
    arriving = (post_only,) if after.price != before.price else ()
    return first_of((trigger, minimums, *arriving), after, rules, quote)


def _state(before: PaperOrder, after: PaperOrder) -> Refusal | None:
    if not before.waits:
        words = f"the order is {before.status} and can no longer be amended"
        return Refusal(code=RefusalCode.ALREADY_CLOSED, message=words)
    if before.triggered_at is not None and after.trigger_price != before.trigger_price:
        words = "the order has triggered, and its triggerPrice can no longer be changed"
        return refusal(RefusalCode.INVALID_STATE, words, "triggerPrice")
    if after.amount < before.filled:
        words = (
            f"amount is the new total and must be at least {money.plain(before.filled)},"
            f" which is filled, and {money.plain(after.amount)} is not"
        )
        return refusal(RefusalCode.INVALID_INPUT, words, "amount")
    return None
