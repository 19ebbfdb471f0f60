"""Markets and prices in Bybit's JSON, for requests and for streams."""

from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.digits import ZERO, truncated
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import DAY_MILLISECONDS, Candle, Level, Tape

Page = dict[str, Any]
Sides = tuple[list[Level], list[Level]]
_MINUTE = 60_000
SPANS = {
    **{str(minutes): minutes * _MINUTE for minutes in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720)},
    "D": DAY_MILLISECONDS,
    "W": 7 * DAY_MILLISECONDS,
}


def instrument(listing: Listing) -> Page:
    step, most = money.plain(listing.step), money.plain(listing.most_amount)
    return {
        "symbol": listing.symbol,
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "innovation": "0",
        "status": "Trading" if listing.is_trading else "PreLaunch",
        "marginTrading": "none",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": step,
            "quotePrecision": money.plain(Decimal("0.00000001")),
            "minOrderQty": step,
            "maxOrderQty": most,
            "minOrderAmt": money.plain(listing.least_notional),
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": most,
            "maxMarketOrderQty": most,
        },
        "priceFilter": {"tickSize": money.plain(listing.tick)},
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
    }


def ticker(symbol: str, tape: Tape, *, at: int) -> Page:
    quote = tape.quote
    best = {
        "bid1Price": money.plain(quote.bid),
        "bid1Size": money.plain(quote.bid_amount),
        "ask1Price": money.plain(quote.ask),
        "ask1Size": money.plain(quote.ask_amount),
    }
    return _day(symbol, tape, at) | best


def streamed_ticker(symbol: str, tape: Tape, *, at: int) -> Page:
    """A ticker in the stream of spot markets has neither bid nor ask."""
    return _day(symbol, tape, at)


def order_book(symbol: str, tape: Tape, *, limit: int, at: int) -> Page:
    return {
        "s": symbol,
        "b": _levels(tape.bids()[:limit]),
        "a": _levels(tape.asks()[:limit]),
        "ts": at,
        "u": tape.update_id,
        "seq": tape.update_id,
        "cts": at,
    }


def order_book_changes(symbol: str, tape: Tape, before: Sides) -> Page:
    bids, asks = before
    return {
        "s": symbol,
        "b": _changes(bids, tape.bids()),
        "a": _changes(asks, tape.asks()),
        "u": tape.update_id,
        "seq": tape.update_id,
    }


def kline_row(candle: Candle) -> list[str]:
    return [
        str(candle.opened_at),
        money.plain(candle.open),
        money.plain(candle.high),
        money.plain(candle.low),
        money.plain(candle.close),
        money.plain(candle.volume),
        money.plain(truncated(candle.quote_volume)),
    ]


def streamed_kline(candle: Candle, interval: str, *, at: int) -> Page:
    return {
        "start": candle.opened_at,
        "end": candle.closed_at,
        "interval": interval,
        "open": money.plain(candle.open),
        "close": money.plain(candle.close),
        "high": money.plain(candle.high),
        "low": money.plain(candle.low),
        "volume": money.plain(candle.volume),
        "turnover": money.plain(truncated(candle.quote_volume)),
        "confirm": at > candle.closed_at,
        "timestamp": at,
    }


def _day(symbol: str, tape: Tape, at: int) -> Page:
    day = tape.day(at)
    change = money.divide(money.subtract(day.close, day.open), day.open)
    return {
        "symbol": symbol,
        "lastPrice": money.plain(day.close),
        "highPrice24h": money.plain(day.high),
        "lowPrice24h": money.plain(day.low),
        "prevPrice24h": money.plain(day.open),
        "volume24h": money.plain(day.volume),
        "turnover24h": money.plain(truncated(day.quote_volume)),
        "price24hPcnt": f"{change:.4f}",
        "usdIndexPrice": money.plain(day.close),
    }


def _levels(levels: list[Level]) -> list[list[str]]:
    return [[money.plain(price), money.plain(amount)] for price, amount in levels]


def _changes(before: list[Level], after: list[Level]) -> list[list[str]]:
    prices = {price for price, _ in after}
    gone = [(price, ZERO) for price, _ in before if price not in prices]
    return _levels(gone + after)
