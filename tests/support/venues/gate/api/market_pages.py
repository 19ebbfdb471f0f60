"""Markets and prices in Gate's JSON, which requests and streams share."""

from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import DAY_MILLISECONDS, Candle, Level, Tape

Page = dict[str, Any]
Sides = tuple[list[Level], list[Level]]
_HOUR = 3_600_000
SPANS = {
    "10s": 10_000,
    "1m": 60_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": _HOUR,
    "2h": 2 * _HOUR,
    "4h": 4 * _HOUR,
    "8h": 8 * _HOUR,
    "1d": DAY_MILLISECONDS,
    "7d": 7 * DAY_MILLISECONDS,
}


def pair_of(listing: Listing) -> str:
    return f"{listing.base}_{listing.quote}"


def pair_page(listing: Listing) -> Page:
    return {
        "id": pair_of(listing),
        "base": listing.base,
        "base_name": listing.base,
        "quote": listing.quote,
        "quote_name": listing.quote,
        "fee": "0.1",
        "min_base_amount": money.plain(listing.step),
        "min_quote_amount": money.plain(listing.least_notional),
        "max_base_amount": money.plain(listing.most_amount),
        "max_quote_amount": "5000000",
        "amount_precision": _places(listing.step),
        "precision": _places(listing.tick),
        "trade_status": "tradable" if listing.is_trading else "untradable",
        "sell_start": 0,
        "buy_start": 0,
        "type": "normal",
        "trade_url": f"https://www.gate.com/trade/{pair_of(listing)}",
    }


def ticker_page(listing: Listing, tape: Tape, *, at: int) -> Page:
    day, quote = tape.day(at), tape.quote
    change = money.divide(money.subtract(day.close, day.open) * 100, day.open)
    return {
        "currency_pair": pair_of(listing),
        "last": money.plain(day.close),
        "lowest_ask": money.plain(quote.ask),
        "lowest_size": money.plain(quote.ask_amount),
        "highest_bid": money.plain(quote.bid),
        "highest_size": money.plain(quote.bid_amount),
        "change_percentage": f"{change:.2f}",
        "base_volume": money.plain(day.volume),
        "quote_volume": money.plain(day.quote_volume),
        "high_24h": money.plain(day.high),
        "low_24h": money.plain(day.low),
    }


def book_page(tape: Tape, *, depth: int, at: int) -> Page:
    return {
        "id": tape.update_id,
        "current": at,
        "update": at,
        "asks": levels(tape.asks()[:depth]),
        "bids": levels(tape.bids()[:depth]),
    }


def candle_row(candle: Candle, *, at: int) -> list[str]:
    """Time, worth, close, high, low, open and amount, and whether it is over."""
    figures = (
        candle.quote_volume,
        candle.close,
        candle.high,
        candle.low,
        candle.open,
        candle.volume,
    )
    is_closed = str(at > candle.closed_at).lower()
    return [str(candle.opened_at // 1000), *map(money.plain, figures), is_closed]


def streamed_candle(candle: Candle, name: str, *, at: int) -> Page:
    """A candle in the stream: `v` is its worth in quote currency, `a` the amount in base."""
    return {
        "t": str(candle.opened_at // 1000),
        "v": money.plain(candle.quote_volume),
        "c": money.plain(candle.close),
        "h": money.plain(candle.high),
        "l": money.plain(candle.low),
        "o": money.plain(candle.open),
        "n": name,
        "a": money.plain(candle.volume),
        "w": at > candle.closed_at,
    }


def levels(side: list[Level]) -> list[list[str]]:
    return [[money.plain(price), money.plain(amount)] for price, amount in side]


def changes(before: list[Level], after: list[Level]) -> list[list[str]]:
    prices = {price for price, _ in after}
    gone = [[money.plain(price), "0"] for price, _ in before if price not in prices]
    return gone + levels(after)


def _places(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)
