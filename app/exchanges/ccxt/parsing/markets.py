"""Parsers for ccxt's markets, tickers and balances."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.domain import money
from app.domain.accounts import Balance
from app.domain.markets.markets import FeeRates, Market, Ticker
from app.domain.order_kinds import PositionType
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.numbers import amount, exact, moment, positive, text, written

Row = Mapping[str, Any]

STALE_AFTER = timedelta(seconds=60)
_TICK_SIZE = 4


def markets_of(client: Any, *, fees_in_quote: bool) -> dict[str, Market]:
    """Every readable market: spot, and swaps, on which orderdeck places no orders."""
    has_steps = client.precisionMode == _TICK_SIZE
    found = (
        _market(row, has_steps=has_steps, fees_in_quote=fees_in_quote)
        for row in (client.markets or {}).values()
    )
    return {market.symbol: market for market in found if market is not None}


def ticker_of(row: Row, *, now: datetime) -> Ticker | None:
    """The ticker, timed now if the exchange gives no time; None without a symbol."""
    symbol = text(row, "symbol")
    if symbol is None:
        return None
    timestamp = moment(row.get("timestamp"))
    at = now if timestamp is None else timestamp
    return Ticker(
        symbol=symbol,
        bid=positive(row.get("bid")),
        ask=positive(row.get("ask")),
        last=positive(row.get("last")),
        percentage=exact(row.get("percentage")),
        quote_volume=amount(row.get("quoteVolume")),
        at=at,
        open=positive(row.get("open")),
        high=positive(row.get("high")),
        low=positive(row.get("low")),
        volume=amount(row.get("baseVolume")),
        is_stale=now - at > STALE_AFTER,
    )


def last_prices_of(answer: Any) -> dict[str, Decimal]:
    """The last prices in a raw list of all markets, by the exchange's names; unreadable rows less.

    There are thousands of rows: ccxt would take longer to parse them than the loop may stand still.
    """
    if not isinstance(answer, list):
        raise Unreadable("the exchange answered with something that is no list of prices")
    rows = (row for row in answer if isinstance(row, Mapping))
    named = ((text(row, "symbol"), row.get("price")) for row in rows)
    found = ((name, positive(price)) for name, price in named if name is not None)
    return {name: price for name, price in found if price is not None}


def only_last(symbol: str, price: Decimal, *, at: datetime) -> Ticker:
    """A ticker of which nothing but the last price is known."""
    return Ticker(
        symbol=symbol, bid=None, ask=None, last=price, percentage=None, quote_volume=None, at=at
    )


def balances_of(answer: Mapping[str, Any]) -> dict[str, Balance]:
    """Every balance that is not zero.

    Raises Unreadable if the response contains no balances at all: that does not mean zero.
    """
    if answer.get("info") in ({}, None) or isinstance(answer["info"], str):
        raise Unreadable("the exchange answered with something that is no balance")
    free, used = _column(answer, "free"), _column(answer, "used")
    total = _column(answer, "total")
    balances = {}
    for asset in sorted({*free, *used, *total}):
        balance = _balance(asset, free.get(asset), used.get(asset), total.get(asset))
        if balance.free or balance.used:
            balances[asset] = balance
    return balances


def _market(row: Row, *, has_steps: bool, fees_in_quote: bool) -> Market | None:
    kind = {"spot": PositionType.SPOT, "swap": PositionType.SWAP}.get(str(row.get("type")))
    symbol, base, quote = text(row, "symbol"), text(row, "base"), text(row, "quote")
    if kind is None or symbol is None or base is None or quote is None:
        return None
    precision, limits = _mapping_at(row, "precision"), _mapping_at(row, "limits")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        type=kind,
        active=row.get("active") is not False,
        amount_step=positive(precision.get("amount")) if has_steps else None,
        price_step=positive(precision.get("price")) if has_steps else None,
        min_amount=positive(_mapping_at(limits, "amount").get("min")),
        min_notional=positive(_mapping_at(limits, "cost").get("min")),
        contract_size=positive(row.get("contractSize")),
        fees=_fees(row, fees_in_quote=fees_in_quote),
    )


def _fees(row: Row, *, fees_in_quote: bool) -> FeeRates | None:
    """The fee rates; None if they are missing or not a fraction of the cost."""
    maker, taker = _rate(row.get("maker")), _rate(row.get("taker"))
    if maker is None or taker is None or row.get("percentage") is False:
        return None
    side = row.get("feeSide")
    is_in_quote = fees_in_quote if side is None else side == "quote"
    return FeeRates(maker=maker, taker=taker, is_in_quote=is_in_quote)


def _rate(value: object) -> Decimal | None:
    """A fee rate; ccxt's own tables hold them as floats."""
    return exact(written(value))


def _mapping_at(row: Row, key: str) -> Row:
    value = row.get(key)
    return value if isinstance(value, Mapping) else {}


def _column(answer: Mapping[str, Any], name: str) -> dict[str, Decimal]:
    cells = ((asset, exact(value)) for asset, value in _mapping_at(answer, name).items())
    return {asset: value for asset, value in cells if value is not None}


def _balance(
    asset: str, free: Decimal | None, used: Decimal | None, total: Decimal | None
) -> Balance:
    """The balance; a missing number is computed from the other two."""
    if free is None:
        free = money.ZERO if total is None else money.subtract(total, used or money.ZERO)
    if used is None:
        used = money.ZERO if total is None else money.subtract(total, free)
    return Balance(asset=asset, free=free, used=used)
