"""Prices in Binance's JSON: for requests, and for streams with their one-letter names."""

from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.digits import text, truncated
from tests.support.venues.engine.tape import DAY_MILLISECONDS, Candle, Level, Tape

Page = dict[str, Any]
SPANS = {
    "1s": 1000,
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": DAY_MILLISECONDS,
}


def ticker_page(symbol: str, tape: Tape, *, at: int) -> Page:
    day = tape.day(at)
    change = money.subtract(day.close, day.open)
    return {
        "symbol": symbol,
        "priceChange": text(change),
        "priceChangePercent": _percent(day),
        "weightedAvgPrice": text(_average(day)),
        "prevClosePrice": text(day.open),
        "lastPrice": text(day.close),
        "lastQty": text(tape.last.amount),
        **_best(tape),
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "volume": text(day.volume),
        "quoteVolume": text(truncated(day.quote_volume)),
        "openTime": day.opened_at,
        "closeTime": at,
        "firstId": day.first,
        "lastId": _last(day),
        "count": day.count,
    }


def book_ticker_page(symbol: str, tape: Tape) -> Page:
    return {"symbol": symbol, **_best(tape)}


def last_price_page(symbol: str, tape: Tape) -> Page:
    return {"symbol": symbol, "price": text(tape.last.price)}


def depth_page(tape: Tape, *, limit: int) -> Page:
    return {
        "lastUpdateId": tape.update_id,
        "bids": _levels(tape.bids()[:limit]),
        "asks": _levels(tape.asks()[:limit]),
    }


def kline_row(candle: Candle) -> list[Any]:
    return [
        candle.opened_at,
        text(candle.open),
        text(candle.high),
        text(candle.low),
        text(candle.close),
        text(candle.volume),
        candle.closed_at,
        text(truncated(candle.quote_volume)),
        candle.count,
        text(candle.volume),
        text(truncated(candle.quote_volume)),
        "0",
    ]


def stream_page(channel: str, symbol: str, tape: Tape, *, at: int) -> Page | None:
    """The present message of a stream, or None if there is no such stream."""
    match channel.split("@", maxsplit=1)[0].split("_"):
        case ["miniTicker"]:
            return _mini_ticker(symbol, tape, at)
        case ["ticker"]:
            return _ticker(symbol, tape, at)
        case ["bookTicker"]:
            return _book_ticker(symbol, tape)
        case ["kline", interval] if interval in SPANS:
            return _kline(symbol, tape, interval, at)
    return None


def depth_update(symbol: str, tape: Tape, before: tuple[list[Level], list[Level]], at: int) -> Page:
    bids, asks = before
    return {
        "e": "depthUpdate",
        "E": at,
        "s": symbol,
        "U": tape.update_id,
        "u": tape.update_id,
        "b": _changes(bids, tape.bids()),
        "a": _changes(asks, tape.asks()),
    }


def _mini_ticker(symbol: str, tape: Tape, at: int) -> Page:
    day = tape.day(at)
    return {
        "e": "24hrMiniTicker",
        "E": at,
        "s": symbol,
        "c": text(day.close),
        "o": text(day.open),
        "h": text(day.high),
        "l": text(day.low),
        "v": text(day.volume),
        "q": text(truncated(day.quote_volume)),
    }


def _ticker(symbol: str, tape: Tape, at: int) -> Page:
    page = ticker_page(symbol, tape, at=at)
    names = {
        "p": "priceChange",
        "P": "priceChangePercent",
        "w": "weightedAvgPrice",
        "x": "prevClosePrice",
        "c": "lastPrice",
        "Q": "lastQty",
        "b": "bidPrice",
        "B": "bidQty",
        "a": "askPrice",
        "A": "askQty",
        "o": "openPrice",
        "h": "highPrice",
        "l": "lowPrice",
        "v": "volume",
        "q": "quoteVolume",
        "O": "openTime",
        "C": "closeTime",
        "F": "firstId",
        "L": "lastId",
        "n": "count",
    }
    head = {"e": "24hrTicker", "E": at, "s": symbol}
    return head | {short: page[name] for short, name in names.items()}


def _book_ticker(symbol: str, tape: Tape) -> Page:
    best = _best(tape)
    return {
        "u": tape.update_id,
        "s": symbol,
        "b": best["bidPrice"],
        "B": best["bidQty"],
        "a": best["askPrice"],
        "A": best["askQty"],
    }


def _kline(symbol: str, tape: Tape, interval: str, at: int) -> Page:
    span = SPANS[interval]
    candle = tape.candle(at // span * span, span)
    return {
        "e": "kline",
        "E": at,
        "s": symbol,
        "k": {
            "t": candle.opened_at,
            "T": candle.closed_at,
            "s": symbol,
            "i": interval,
            "f": candle.first,
            "L": _last(candle),
            "o": text(candle.open),
            "c": text(candle.close),
            "h": text(candle.high),
            "l": text(candle.low),
            "v": text(candle.volume),
            "n": candle.count,
            "x": at > candle.closed_at,
            "q": text(truncated(candle.quote_volume)),
            "V": text(candle.volume),
            "Q": text(truncated(candle.quote_volume)),
            "B": "0",
        },
    }


def _best(tape: Tape) -> Page:
    quote = tape.quote
    return {
        "bidPrice": text(quote.bid),
        "bidQty": text(quote.bid_amount),
        "askPrice": text(quote.ask),
        "askQty": text(quote.ask_amount),
    }


def _last(candle: Candle) -> int:
    return candle.first + candle.count - 1 if candle.count else -1


def _average(day: Candle) -> Decimal:
    if not day.volume:
        return day.close
    return truncated(money.divide(day.quote_volume, day.volume))


def _percent(day: Candle) -> str:
    percent = money.divide(money.subtract(day.close, day.open) * 100, day.open)
    return f"{percent:.3f}"


def _levels(levels: list[Level]) -> list[list[str]]:
    return [[text(price), text(amount)] for price, amount in levels]


def _changes(before: list[Level], after: list[Level]) -> list[list[str]]:
    prices = {price for price, _ in after}
    gone = [[text(price), text(amount * 0)] for price, amount in before if price not in prices]
    return gone + _levels(after)
