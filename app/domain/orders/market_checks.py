"""The gate's checks against the market: steps, trigger side, minimums, positions and balance."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Balance, Capabilities
from app.domain.checks import CheckResult, invalid
from app.domain.markets.markets import Market, Ticker
from app.domain.order_kinds import OrderSide, PositionType
from app.domain.orders import estimates
from app.domain.orders.margin_checks import check_leverage_in_force, check_reducible
from app.domain.orders.terms import HasTerms
from app.domain.orders.triggers import fires, waits_above
from app.domain.portfolio.exposures import Exposure
from app.errors import Refusal, RefusalCode

_OF_TERMS = ("amountStep", "priceStep", "triggerPriceStep", "minAmount", "minNotional")


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketFacts:
    """The exchange's facts that the checks of one order need."""

    capabilities: Capabilities
    markets: Mapping[str, Market]
    ticker: Ticker | None
    balances: Mapping[str, Balance]
    # The rate from the market's quote to the account's home currency.
    rate: Decimal | None = None
    # The open margin position in this market, if the checks need it.
    exposure: Exposure | None = None
    # How much of that position other open orders already reduce.
    reductions: Decimal = money.ZERO


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """One order with its market and the facts around it."""

    order: HasTerms
    market: Market
    facts: MarketFacts


def examine_market(order: HasTerms, market: Market, facts: MarketFacts) -> Iterator[CheckResult]:
    """Every check of the market, in the order in which they run."""
    known = _Known(order=order, market=market, facts=facts)
    for name, check in MARKET_CHECKS.items():
        yield check(name, known)


def examine_steps(order: HasTerms, facts: MarketFacts) -> Iterator[CheckResult]:
    """The checks of steps and minimums, also for amended orders; the market must be known."""
    known = _Known(order=order, market=facts.markets[order.symbol], facts=facts)
    for name in _OF_TERMS:
        yield MARKET_CHECKS[name](name, known)


def examine_trigger_side(order: HasTerms, facts: MarketFacts) -> CheckResult:
    known = _Known(order=order, market=facts.markets[order.symbol], facts=facts)
    return _check_trigger_side("triggerSide", known)


def needed_funds(order: HasTerms, market: Market, facts: MarketFacts) -> tuple[str, Decimal] | None:
    """The asset that the order takes from, and how much; None if its price is not known."""
    if order.side is OrderSide.SELL and order.position_type is not PositionType.MARGIN:
        return market.base, order.amount
    known = _Known(order=order, market=market, facts=facts)
    price = _price(known)
    return None if price is None else (market.quote, _needed_in_quote(known, price))


def _check_amount_step(name: str, known: _Known) -> CheckResult:
    return _on_step(name, "amount", known.order.amount, known.market.amount_step)


def _check_price_step(name: str, known: _Known) -> CheckResult:
    return _on_step(name, "price", known.order.price, known.market.price_step)


def _check_trigger_price_step(name: str, known: _Known) -> CheckResult:
    return _on_step(name, "triggerPrice", known.order.trigger_price, known.market.price_step)


def _check_trigger_side(name: str, known: _Known) -> CheckResult:
    order, ticker = known.order, known.facts.ticker
    trigger, last = order.trigger_price, None if ticker is None else ticker.last
    if trigger is None or last is None or not order.type.has_trigger:
        return CheckResult(name=name)
    side = "above" if waits_above(order.side, order.type) else "below"
    limit = f"{side} {money.plain(last)}"
    refusal = None
    if fires(order.side, order.type, trigger, last):
        words = (
            f"a {order.type} {order.side} waits for its trigger {side} the last price,"
            f" which is {money.plain(last)}; {money.plain(trigger)} would fire at once"
        )
        refusal = invalid("triggerPrice", words)
    return CheckResult(name=name, limit=limit, actual=money.plain(trigger), refusal=refusal)


def _check_min_amount(name: str, known: _Known) -> CheckResult:
    amount, least = known.order.amount, known.market.min_amount
    if least is None:
        return CheckResult(name=name, actual=money.plain(amount))
    refusal = None
    if amount < least:
        words = (
            f"amount {money.plain(amount)} is below the market's minimum;"
            f" the smallest valid value is {money.plain(least)}"
        )
        refusal = invalid("amount", words)
    return CheckResult(
        name=name, limit=money.plain(least), actual=money.plain(amount), refusal=refusal
    )


def _check_min_notional(name: str, known: _Known) -> CheckResult:
    least, price = known.market.min_notional, _price(known)
    if least is None or price is None:
        return CheckResult(name=name)
    notional = money.multiply(known.order.amount, price)
    refusal = None
    if notional < least:
        smallest = money.plain(_smallest_amount(known.market, price))
        refusal = Refusal(
            code=RefusalCode.MIN_NOTIONAL,
            message=f"amount times price is {money.plain(notional)} {known.market.quote} and must"
            f" be at least {money.plain(least)}; at this price the smallest valid amount is"
            f" {smallest}",
            field=("amount",),
        )
    return CheckResult(
        name=name, limit=money.plain(least), actual=money.plain(notional), refusal=refusal
    )


def _check_reducible(name: str, known: _Known) -> CheckResult:
    """Whether there is anything to reduce: on spot, a SELL reduces what the account holds."""
    order, facts = known.order, known.facts
    if order.position_type is PositionType.MARGIN:
        return check_reducible(name, order, facts.exposure, facts.reductions)
    if not order.reduce_only or order.position_type is not PositionType.SPOT:
        return CheckResult(name=name)
    held = _total_balance(known.facts, known.market.base)
    refusal = None
    if held <= money.ZERO:
        refusal = Refusal(
            code=RefusalCode.INVALID_STATE,
            message=f"there is no position in {known.market.symbol} that a reduceOnly order could"
            " reduce",
            field=("reduceOnly",),
            retryable=True,
        )
    return CheckResult(name=name, actual=money.plain(held), refusal=refusal)


def _check_leverage_in_force(name: str, known: _Known) -> CheckResult:
    return check_leverage_in_force(name, known.order, known.facts.exposure)


def _check_balance(name: str, known: _Known) -> CheckResult:
    funds = needed_funds(known.order, known.market, known.facts)
    if funds is None:
        return CheckResult(name=name)
    asset, needed = funds
    balance = known.facts.balances.get(asset)
    free = money.ZERO if balance is None else balance.free
    refusal = None
    if needed > free:
        refusal = Refusal(
            code=RefusalCode.INSUFFICIENT_FUNDS,
            message=f"this needs {money.plain(needed)} {asset}"
            f" and {money.plain(free)} {asset} are free",
            field=("amount",),
            retryable=True,
        )
    return CheckResult(
        name=name,
        limit=f"{money.plain(free)} {asset}",
        actual=f"{money.plain(needed)} {asset}",
        refusal=refusal,
    )


MARKET_CHECKS: Mapping[str, Callable[[str, _Known], CheckResult]] = {
    "amountStep": _check_amount_step,
    "priceStep": _check_price_step,
    "triggerPriceStep": _check_trigger_price_step,
    "triggerSide": _check_trigger_side,
    "minAmount": _check_min_amount,
    "minNotional": _check_min_notional,
    "leverageInForce": _check_leverage_in_force,
    "reduceOnlyPosition": _check_reducible,
    "balance": _check_balance,
}


def _needed_in_quote(known: _Known, price: Decimal) -> Decimal:
    order, facts = known.order, known.facts
    if order.position_type is PositionType.MARGIN:
        basis = estimates.PriceBasis(market=known.market, price=price, ticker=facts.ticker)
        return estimates.needed_on_margin(order, basis, facts.exposure)
    return estimates.needed_in_quote(order, known.market, price)


def _price(known: _Known) -> Decimal | None:
    """The expected price; None if not positive, which the form's checks have reported already."""
    price = estimates.expected_price(known.order, known.facts.ticker)
    return price if price is not None and price > money.ZERO else None


def _total_balance(facts: MarketFacts, asset: str) -> Decimal:
    balance = facts.balances.get(asset)
    return money.ZERO if balance is None else money.add(balance.free, balance.used)


def _on_step(name: str, field: str, value: Decimal | None, step: Decimal | None) -> CheckResult:
    if value is None or step is None:
        return CheckResult(name=name)
    refusal = None if money.is_on_step(value, step) else _off_step(field, value, step)
    return CheckResult(
        name=name, limit=money.plain(step), actual=money.plain(value), refusal=refusal
    )


def _smallest_amount(market: Market, price: Decimal) -> Decimal:
    assert market.min_notional is not None  # noqa: S101
    step = market.amount_step or Decimal(1).scaleb(-money.MAX_PLACES)
    amount = money.ceil_to_step(money.divide(market.min_notional, price), step)
    if money.multiply(amount, price) < market.min_notional:
        amount = money.add(amount, step)
    return amount if market.min_amount is None else max(amount, market.min_amount)


def _off_step(name: str, value: Decimal, step: Decimal) -> Refusal:
    below, above = money.floor_to_step(value, step), money.ceil_to_step(value, step)
    nearest = [money.plain(valid) for valid in (below, above) if valid > money.ZERO]
    return Refusal(
        code=RefusalCode.PRECISION,
        message=f"{name} {money.plain(value)} is not a multiple of the step {money.plain(step)};"
        f" the nearest valid {'values are' if len(nearest) > 1 else 'value is'}"
        f" {' and '.join(nearest)}",
        field=(name,),
    )
