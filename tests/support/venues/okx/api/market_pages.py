"""Markets and prices in OKX's JSON, which requests and streams share."""

from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import DAY_MILLISECONDS, Candle, Level, Tape

Page = dict[str, Any]
_HOUR = 3_600_000
# The days of a bar begin in Hong Kong, unless its name says otherwise.
_HONG_KONG = 8 * _HOUR
_SPANS = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1H": _HOUR,
    "2H": 2 * _HOUR,
    "4H": 4 * _HOUR,
    "6H": 6 * _HOUR,
    "12H": 12 * _HOUR,
    "1D": DAY_MILLISECONDS,
}


def inst_id(listing: Listing) -> str:
    return f"{listing.base}-{listing.quote}"


def least_amount(listing: Listing) -> Decimal:
    """OKX has no least cost of an order, but an amount that is worth about as much."""
    worth = money.divide(listing.least_notional, listing.price)
    return max(listing.step, money.floor_to_step(worth, listing.step))


def instrument_page(listing: Listing) -> Page:
    return {
        "instType": "SPOT",
        "instId": inst_id(listing),
        "instFamily": "",
        "uly": "",
        "baseCcy": listing.base,
        "quoteCcy": listing.quote,
        "settleCcy": "",
        "ctVal": "",
        "lever": "",
        "listTime": "1548133413000",
        "lotSz": money.plain(listing.step),
        "minSz": money.plain(least_amount(listing)),
        "tickSz": money.plain(listing.tick),
        "maxLmtSz": money.plain(listing.most_amount),
        "maxMktSz": "1000000",
        "state": "live" if listing.is_trading else "suspend",
    }


def ticker_page(listing: Listing, tape: Tape, *, at: int) -> Page:
    day, quote = tape.day(at), tape.quote
    return {
        "instType": "SPOT",
        "instId": inst_id(listing),
        "last": money.plain(day.close),
        "lastSz": money.plain(tape.last.amount),
        "askPx": money.plain(quote.ask),
        "askSz": money.plain(quote.ask_amount),
        "bidPx": money.plain(quote.bid),
        "bidSz": money.plain(quote.bid_amount),
        "open24h": money.plain(day.open),
        "high24h": money.plain(day.high),
        "low24h": money.plain(day.low),
        "volCcy24h": money.plain(day.quote_volume),
        "vol24h": money.plain(day.volume),
        "ts": str(at),
    }


def book_page(tape: Tape, *, depth: int, at: int) -> Page:
    return {
        "asks": _levels(tape.asks()[:depth]),
        "bids": _levels(tape.bids()[:depth]),
        "ts": str(at),
        "seqId": tape.update_id,
    }


def book_change(tape: Tape, before: tuple[list[Level], list[Level]], at: int) -> Page:
    bids, asks = before
    return {
        "asks": _changes(asks, tape.asks()),
        "bids": _changes(bids, tape.bids()),
        "ts": str(at),
        "checksum": 0,
        "prevSeqId": tape.update_id - 1,
        "seqId": tape.update_id,
    }


def span_of(bar: str) -> int | None:
    return _SPANS.get(bar.removesuffix("utc"))


def starts(tape: Tape, bar: str, until: int) -> list[int]:
    """When the candles of a bar began, oldest first."""
    span = span_of(bar) or 0
    every = tape.starts(span, until)
    early = 0 if bar.endswith("utc") else _HONG_KONG % span
    return list(range(every.start - early, until + 1, span))


def candle_row(candle: Candle, *, at: int) -> list[str]:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume)
    worth = money.plain(candle.quote_volume)
    is_closed = at > candle.closed_at
    figures = [money.plain(figure) for figure in prices]
    return [str(candle.opened_at), *figures, worth, worth, str(int(is_closed))]


def _levels(levels: list[Level]) -> list[list[str]]:
    return [[money.plain(price), money.plain(amount), "0", "1"] for price, amount in levels]


def _changes(before: list[Level], after: list[Level]) -> list[list[str]]:
    prices = {price for price, _ in after}
    gone = [[money.plain(price), "0", "0", "0"] for price, _ in before if price not in prices]
    return gone + _levels(after)
