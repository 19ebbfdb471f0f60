"""The paper exchange's refusals: one sentence each, what was wrong and what would be right."""

from decimal import Decimal

from app.domain import money
from app.domain.paper_ledger import PaperBalance, PaperOrder
from app.domain.portfolio.margins import LIQUIDATION_LEVEL
from app.errors import Refusal, RefusalCode


def refusal(code: RefusalCode, message: str, field: str, *, retryable: bool = False) -> Refusal:
    return Refusal(code=code, message=message, field=(field,), retryable=retryable)


def insufficient(needed: Decimal, balance: PaperBalance) -> Refusal:
    words = (
        f"this needs {money.plain(needed)} {balance.asset}"
        f" and {money.plain(balance.free)} {balance.asset} are free"
    )
    return refusal(RefusalCode.INSUFFICIENT_FUNDS, words, "amount", retryable=True)


def would_take(best: Decimal) -> Refusal:
    words = f"a POST_ONLY order must not trade at once, and the best price is {money.plain(best)}"
    return refusal(RefusalCode.REJECTED_BY_EXCHANGE, words, "price", retryable=True)


def not_whole(order: PaperOrder, could_fill: Decimal) -> Refusal:
    words = (
        f"a FOK order fills whole or not at all, and {money.plain(could_fill)}"
        f" of {money.plain(order.amount)} could be filled at once"
    )
    return refusal(RefusalCode.REJECTED_BY_EXCHANGE, words, "timeInForce", retryable=True)


def not_at_once(order: PaperOrder) -> Refusal:
    kind = f"{order.time_in_force}" if order.type.has_price else f"{order.type}"
    words = (
        f"this {kind} order does not wait, and {money.plain(order.filled)}"
        f" of {money.plain(order.amount)} could be filled at once"
    )
    field = "timeInForce" if order.type.has_price else "amount"
    return refusal(RefusalCode.REJECTED_BY_EXCHANGE, words, field, retryable=True)


def money_ran_out(order: PaperOrder) -> Refusal:
    words = (
        f"when the trigger was reached, the free {order.quote} sufficed"
        f" for {money.plain(order.filled)} of {money.plain(order.amount)}"
    )
    return refusal(RefusalCode.INSUFFICIENT_FUNDS, words, "amount", retryable=True)


def other_leverage(in_force: Decimal | None) -> Refusal:
    words = (
        f"the leverage in force in this market is {money.plain(in_force or money.ZERO)}: leave it"
        " out, or close what is open and waits there first"
    )
    return refusal(RefusalCode.INVALID_INPUT, words, "leverage")


def nothing_to_reduce(order: PaperOrder) -> Refusal:
    words = f"there is no position in {order.symbol} that a reduceOnly {order.side} could reduce"
    return refusal(RefusalCode.INVALID_STATE, words, "reduceOnly", retryable=True)


def beyond_position(most: Decimal) -> Refusal:
    words = (
        "beside the other open orders that reduce the position, a reduceOnly order can take"
        f" {money.plain(max(most, money.ZERO))} of it"
    )
    return refusal(RefusalCode.INVALID_INPUT, words, "amount")


def liquidated(quote: str, level: Decimal | None) -> Refusal:
    at = "" if level is None else f" fell to {money.plain(_short(level))} and"
    words = (
        f"LIQUIDATED: the margin level of {quote}{at} must stay above"
        f" {money.plain(LIQUIDATION_LEVEL)}; every margin position in {quote} is closed and no"
        " margin order waits on"
    )
    return Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message=words)


def _short(level: Decimal) -> Decimal:
    return money.floor_to_step(level, Decimal("0.0001"))
