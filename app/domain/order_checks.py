"""The gate in front of every new order: its checks, in the order in which they run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Balance, Capabilities
from app.domain.markets import Market, Ticker
from app.domain.order_requests import (
    OrderRequest,
    check_client_order_id,
    check_metadata,
    implied_position_type,
)
from app.domain.orders import OrderSide, OrderType, PositionType, TimeInForce
from app.errors import Refusal, RefusalCode


@dataclass(frozen=True, kw_only=True, slots=True)
class MarketFacts:
    """What the exchange says, as far as a new order depends on it."""

    capabilities: Capabilities
    markets: Mapping[str, Market]
    ticker: Ticker | None
    balances: Mapping[str, Balance]


Check = Callable[[OrderRequest, MarketFacts], Refusal | None]


def first_refusal(request: OrderRequest, facts: MarketFacts) -> Refusal | None:
    return next(_refusals(request, facts), None)


def check_open_orders(count: int, limit: int | None) -> Refusal | None:
    if limit is None or count < limit:
        return None
    return Refusal(
        code=RefusalCode.RISK_LIMIT,
        message=f"the account may have {limit} open orders and has {count}",
        retryable=True,
    )


def check_form(request: OrderRequest) -> Refusal | None:
    """What can be told without the exchange: the shape of the request itself."""
    return (
        check_client_order_id(request.client_order_id)
        or check_metadata(request.metadata)
        or _check_numbers(request)
        or _check_prices(request)
        or _check_time_in_force(request)
        or _check_position_type(request)
    )


def _refusals(request: OrderRequest, facts: MarketFacts) -> Iterator[Refusal]:
    for check in _CHECKS:
        refusal = check(request, facts)
        if refusal is not None:
            yield refusal


def _check_numbers(request: OrderRequest) -> Refusal | None:
    numbers = (
        ("amount", request.amount),
        ("price", request.price),
        ("triggerPrice", request.trigger_price),
        ("leverage", request.leverage),
    )
    for name, value in numbers:
        if value is not None and value <= money.ZERO:
            return _invalid(name, f"{name} must be above 0; it is {money.plain(value)}")
    return None


def _check_prices(request: OrderRequest) -> Refusal | None:
    wanted = (
        ("price", request.price, request.type.has_price),
        ("triggerPrice", request.trigger_price, request.type.has_trigger),
    )
    for name, value, is_needed in wanted:
        if is_needed and value is None:
            return _invalid(name, f"a {request.type} order needs a {name}")
        if value is not None and not is_needed:
            return _invalid(name, f"a {request.type} order takes no {name}: leave it out")
    return None


def _check_time_in_force(request: OrderRequest) -> Refusal | None:
    allowed = tuple(TimeInForce)
    if not request.type.has_price:
        allowed = (TimeInForce.GTC, TimeInForce.IOC)
    if request.time_in_force in allowed:
        return None
    return _invalid(
        "timeInForce",
        f"a {request.type} order takes {_listed(allowed)}, not {request.time_in_force}",
    )


def _check_position_type(request: OrderRequest) -> Refusal | None:
    is_swap = implied_position_type(request.symbol) is PositionType.SWAP
    if is_swap != (request.position_type is PositionType.SWAP):
        return _invalid(
            "positionType",
            f"the symbol says {implied_position_type(request.symbol)}; leave positionType out",
        )
    if request.leverage not in {None, Decimal(1)} and request.position_type is PositionType.SPOT:
        return _invalid("leverage", "a SPOT order takes no leverage: leave it out")
    if request.reduce_only and _is_spot(request) and request.side is OrderSide.BUY:
        return _invalid(
            "reduceOnly", "a spot BUY never reduces a position; reduceOnly is for a SELL"
        )
    return None


def _check_capabilities(request: OrderRequest, facts: MarketFacts) -> Refusal | None:
    can = facts.capabilities
    if request.type not in can.order_types:
        return _unsupported("type", f"{request.type} orders", _listed(can.order_types))
    if request.time_in_force not in can.time_in_force:
        return _unsupported("timeInForce", str(request.time_in_force), _listed(can.time_in_force))
    if request.position_type is not PositionType.SPOT:
        return _unsupported("positionType", f"{request.position_type} orders", "SPOT")
    return None


def _check_symbol(request: OrderRequest, facts: MarketFacts) -> Refusal | None:
    market = facts.markets.get(request.symbol)
    if market is None:
        return Refusal(
            code=RefusalCode.UNKNOWN_SYMBOL,
            message=f"the account has no market of this symbol{_examples(facts.markets)}",
            field=("symbol",),
        )
    if not market.active:
        return Refusal(
            code=RefusalCode.REJECTED_BY_EXCHANGE,
            message=f"the exchange has suspended trading in {market.symbol}",
            field=("symbol",),
            retryable=True,
        )
    return None


def _check_steps(request: OrderRequest, facts: MarketFacts) -> Refusal | None:
    market = facts.markets[request.symbol]
    stepped = (
        ("amount", request.amount, market.amount_step),
        ("price", request.price, market.price_step),
        ("triggerPrice", request.trigger_price, market.price_step),
    )
    for name, value, step in stepped:
        if value is not None and step is not None and not money.is_on_step(value, step):
            return _off_step(name, value, step)
    return None


def _check_minimums(request: OrderRequest, facts: MarketFacts) -> Refusal | None:
    market = facts.markets[request.symbol]
    if market.min_amount is not None and request.amount < market.min_amount:
        return _invalid(
            "amount",
            f"amount {money.plain(request.amount)} is below the market's minimum;"
            f" the smallest valid value is {money.plain(market.min_amount)}",
        )
    price = request.price or _market_price(request, facts)
    if market.min_notional is None or price is None:
        return None
    notional = money.multiply(request.amount, price)
    if notional >= market.min_notional:
        return None
    smallest = _smallest_amount(market, price)
    return Refusal(
        code=RefusalCode.MIN_NOTIONAL,
        message=f"amount times price is {money.plain(notional)} {market.quote} and must be at least"
        f" {money.plain(market.min_notional)}; at this price the smallest valid amount is"
        f" {money.plain(smallest)}",
        field=("amount",),
    )


def _check_balance(request: OrderRequest, facts: MarketFacts) -> Refusal | None:
    market = facts.markets[request.symbol]
    if request.side is OrderSide.SELL:
        return _short_of(market.base, request.amount, facts)
    price = request.price or _market_price(request, facts)
    return None if price is None else _short_of(
        market.quote, money.multiply(request.amount, price), facts
    )  # fmt: skip


_CHECKS: tuple[Check, ...] = (
    _check_capabilities,
    _check_symbol,
    _check_steps,
    _check_minimums,
    _check_balance,
)


def _is_spot(request: OrderRequest) -> bool:
    return request.position_type is PositionType.SPOT


def _market_price(request: OrderRequest, facts: MarketFacts) -> Decimal | None:
    if facts.ticker is None:
        return None
    best = facts.ticker.ask if request.side is OrderSide.BUY else facts.ticker.bid
    return best or facts.ticker.last


def _short_of(asset: str, needed: Decimal, facts: MarketFacts) -> Refusal | None:
    balance = facts.balances.get(asset)
    free = money.ZERO if balance is None else balance.free
    if needed <= free:
        return None
    return Refusal(
        code=RefusalCode.INSUFFICIENT_FUNDS,
        message=f"this needs {money.plain(needed)} {asset} and {money.plain(free)} are free",
        field=("amount",),
        retryable=True,
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
    nearest = [money.plain(one) for one in (below, above) if one > money.ZERO]
    return Refusal(
        code=RefusalCode.PRECISION,
        message=f"{name} {money.plain(value)} is not a multiple of the step {money.plain(step)};"
        f" the nearest valid {'values are' if len(nearest) > 1 else 'value is'}"
        f" {' and '.join(nearest)}",
        field=(name,),
    )


def _invalid(name: str, message: str) -> Refusal:
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=(name,))


def _unsupported(name: str, what: str, instead: str) -> Refusal:
    return Refusal(
        code=RefusalCode.UNSUPPORTED,
        message=f"this account does not take {what}; it takes {instead}",
        field=(name,),
    )


def _listed(values: tuple[OrderType, ...] | tuple[TimeInForce, ...]) -> str:
    return ", ".join(str(value) for value in values)


def _examples(markets: Mapping[str, Market]) -> str:
    return f"; it has {', '.join(sorted(markets)[:8])}" if markets else ""
