"""The checks of a margin order's leverage, and of what it would reduce."""

from decimal import Decimal

from app.domain import money
from app.domain.checks import CheckResult, invalid
from app.domain.order_kinds import PositionType
from app.domain.orders.terms import HasTerms
from app.domain.portfolio.exposures import Exposure
from app.domain.portfolio.margins import LEAST_LEVERAGE, LEVERAGE_STEP, closable
from app.errors import Refusal, RefusalCode


def check_leverage(name: str, order: HasTerms, most: Decimal | None) -> CheckResult:
    """Whether the account accepts this leverage."""
    leverage = order.leverage
    if order.position_type is not PositionType.MARGIN or most is None:
        return CheckResult(name=name)
    limit = f"{money.plain(LEAST_LEVERAGE)} to {money.plain(most)}"
    if leverage is None:
        return CheckResult(name=name, limit=limit)
    refusal = None
    is_within = LEAST_LEVERAGE <= leverage <= most
    if not is_within or not money.is_on_step(leverage, LEVERAGE_STEP):
        words = f"leverage takes {limit} with 2 places at most; it is {money.plain(leverage)}"
        refusal = invalid("leverage", words)
    return CheckResult(name=name, limit=limit, actual=money.plain(leverage), refusal=refusal)


def check_leverage_in_force(name: str, order: HasTerms, open: Exposure | None) -> CheckResult:
    """Whether the leverage equals that of the open position."""
    in_force, leverage = None if open is None else open.leverage, order.leverage
    if in_force is None or leverage is None:
        return CheckResult(name=name)
    limit, actual, refusal = money.plain(in_force), money.plain(leverage), None
    if leverage != in_force:
        words = (
            f"the leverage of the open position is {limit}: leave it out, or close the position"
            f" first; {actual} would be another"
        )
        refusal = invalid("leverage", words)
    return CheckResult(name=name, limit=limit, actual=actual, refusal=refusal)


def check_reducible(
    name: str, order: HasTerms, open: Exposure | None, taken: Decimal
) -> CheckResult:
    """Whether that much of the position is left besides other open reductions."""
    if not order.reduce_only:
        return CheckResult(name=name)
    held = money.ZERO if open is None else closable(open.amount, order.side)
    left = max(money.subtract(held, taken), money.ZERO)
    refusal = None
    if held == money.ZERO:
        refusal = Refusal(
            code=RefusalCode.INVALID_STATE,
            message=f"there is no {order.position_type} position in {order.symbol} that a"
            f" reduceOnly {order.side} could reduce",
            field=("reduceOnly",),
            retryable=True,
        )
    elif order.amount > left:
        words = (
            f"a reduceOnly order takes at most {money.plain(left)} here, which is what other open"
            " orders leave of the position: cancel those, or ask for less"
        )
        refusal = invalid("amount", words)
    return CheckResult(
        name=name, limit=money.plain(left), actual=money.plain(order.amount), refusal=refusal
    )
