"""Markets and prices in KuCoin's JSON, which requests and streams share."""

from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import DAY_MILLISECONDS, Candle, Level, Tape

Page = dict[str, Any]
_MINUTE = 60_000
_HOUR = 60 * _MINUTE
SPANS = {
    "1min": _MINUTE,
    "3min": 3 * _MINUTE,
    "5min": 5 * _MINUTE,
    "15min": 15 * _MINUTE,
    "30min": 30 * _MINUTE,
    "1hour": _HOUR,
    "2hour": 2 * _HOUR,
    "4hour": 4 * _HOUR,
    "6hour": 6 * _HOUR,
    "8hour": 8 * _HOUR,
    "12hour": 12 * _HOUR,
    "1day": DAY_MILLISECONDS,
    "1week": 7 * DAY_MILLISECONDS,
}


def symbol_of(listing: Listing) -> str:
    return f"{listing.base}-{listing.quote}"


def market_page(listing: Listing) -> Page:
    least = money.plain(listing.least_notional)
    return {
        "symbol": symbol_of(listing),
        "name": symbol_of(listing),
        "baseCurrency": listing.base,
        "quoteCurrency": listing.quote,
        "feeCurrency": listing.quote,
        "market": listing.quote,
        "baseMinSize": money.plain(listing.step),
        "quoteMinSize": least,
        "baseMaxSize": money.plain(listing.most_amount),
        "quoteMaxSize": "99999999",
        "baseIncrement": money.plain(listing.step),
        "quoteIncrement": "0.000001",
        "priceIncrement": money.plain(listing.tick),
        "priceLimitRate": "0.1",
        "minFunds": least,
        "isMarginEnabled": False,
        "enableTrading": listing.is_trading,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
    }


def ticker_page(listing: Listing, tape: Tape, *, at: int) -> Page:
    """The best bid is in the field `buy`, the best ask in `sell`."""
    day, quote = tape.day(at), tape.quote
    change = money.subtract(day.close, day.open)
    return {
        "symbol": symbol_of(listing),
        "symbolName": symbol_of(listing),
        "buy": money.plain(quote.bid),
        "bestBidSize": money.plain(quote.bid_amount),
        "sell": money.plain(quote.ask),
        "bestAskSize": money.plain(quote.ask_amount),
        "changeRate": money.plain(round(money.divide(change, day.open), 4)),
        "changePrice": money.plain(change),
        "high": money.plain(day.high),
        "low": money.plain(day.low),
        "vol": money.plain(day.volume),
        "volValue": money.plain(day.quote_volume),
        "last": money.plain(day.close),
        "averagePrice": money.plain(day.close),
        "takerFeeRate": "0.001",
        "makerFeeRate": "0.001",
        "takerCoefficient": "1",
        "makerCoefficient": "1",
    }


def quote_page(tape: Tape, *, at: int) -> Page:
    """The ticker of the stream."""
    quote = tape.quote
    return {
        "bestAsk": money.plain(quote.ask),
        "bestAskSize": money.plain(quote.ask_amount),
        "bestBid": money.plain(quote.bid),
        "bestBidSize": money.plain(quote.bid_amount),
        "price": money.plain(tape.last.price),
        "sequence": str(tape.update_id),
        "size": money.plain(tape.last.amount),
        "time": at,
    }


def sides(tape: Tape, depth: int) -> Page:
    return {"bids": _levels(tape.bids()[:depth]), "asks": _levels(tape.asks()[:depth])}


def candle_row(candle: Candle) -> list[str]:
    """Open, close, high, low: in this order."""
    prices: tuple[Decimal, ...] = (candle.open, candle.close, candle.high, candle.low)
    figures = [money.plain(price) for price in prices]
    volumes = [money.plain(candle.volume), money.plain(candle.quote_volume)]
    return [str(candle.opened_at // 1000), *figures, *volumes]


def _levels(levels: list[Level]) -> list[list[str]]:
    return [[money.plain(price), money.plain(amount)] for price, amount in levels]
