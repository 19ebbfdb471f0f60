"""Markets and prices in Kraken's JSON."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.digits import text
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Candle, Level, Tape
from tests.support.venues.kraken.api import names

Page = dict[str, Any]
# Minutes, as Kraken names its timeframes.
SPANS = {str(minutes): minutes * 60_000 for minutes in (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)}


def pair_page(listing: Listing) -> Page:
    return {
        "altname": names.pair_altname(listing),
        "wsname": names.wsname(listing),
        "aclass_base": "currency",
        "base": names.asset_id(listing.base),
        "aclass_quote": "currency",
        "quote": names.asset_id(listing.quote),
        "lot": "unit",
        "cost_decimals": 8,
        "pair_decimals": _decimals(listing.tick),
        "lot_decimals": _decimals(listing.step),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.1]],
        "fees_maker": [[0, 0.1]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": f"{listing.step:f}",
        "costmin": f"{listing.least_notional:f}",
        "tick_size": f"{listing.tick:f}",
        "status": "online" if listing.is_trading else "cancel_only",
    }


def asset_page(asset: str) -> Page:
    return {
        "aclass": "currency",
        "altname": names.altname(asset),
        "decimals": 10,
        "display_decimals": 5,
        "status": "enabled",
    }


def ticker_page(tape: Tape, *, at: int) -> Page:
    day, quote = tape.day(at), tape.quote
    average = text(_average(day))
    volume, count = text(day.volume), day.count
    return {
        "a": [text(quote.ask), "1", text(quote.ask_amount)],
        "b": [text(quote.bid), "1", text(quote.bid_amount)],
        "c": [text(tape.last.price), text(tape.last.amount)],
        "v": [volume, volume],
        "p": [average, average],
        "t": [count, count],
        "l": [text(day.low), text(day.low)],
        "h": [text(day.high), text(day.high)],
        "o": text(day.open),
    }


def depth_page(tape: Tape, *, limit: int, at: int) -> Page:
    seconds = at // 1000

    def levels(side: Iterable[Level]) -> list[list[Any]]:
        return [[text(price), text(amount), seconds] for price, amount in list(side)[:limit]]

    return {"asks": levels(tape.asks()), "bids": levels(tape.bids())}


def candle_row(candle: Candle) -> list[Any]:
    return [
        candle.opened_at // 1000,
        text(candle.open),
        text(candle.high),
        text(candle.low),
        text(candle.close),
        text(_average(candle)),
        text(candle.volume),
        candle.count,
    ]


def time_page(at: int) -> Page:
    """Kraken tells whole seconds."""
    moment = datetime.fromtimestamp(at // 1000, UTC)
    return {"unixtime": at // 1000, "rfc1123": moment.strftime("%a, %d %b %y %H:%M:%S +0000")}


def ticker_event(listing: Listing, tape: Tape, *, at: int) -> Page:
    day, quote = tape.day(at), tape.quote
    return {
        "symbol": names.stream_symbol(listing),
        "bid": quote.bid,
        "bid_qty": quote.bid_amount,
        "ask": quote.ask,
        "ask_qty": quote.ask_amount,
        "last": tape.last.price,
        "volume": day.volume,
        "vwap": _average(day),
        "low": day.low,
        "high": day.high,
        "change": money.subtract(day.close, day.open),
        "change_pct": Decimal(0),
    }


def candle_event(listing: Listing, candle: Candle, *, minutes: int) -> Page:
    return {
        "symbol": names.stream_symbol(listing),
        "open": candle.open,
        "high": candle.high,
        "low": candle.low,
        "close": candle.close,
        "trades": candle.count,
        "volume": candle.volume,
        "vwap": _average(candle),
        "interval_begin": moment_text(candle.opened_at),
        "interval": minutes,
        "timestamp": moment_text(candle.opened_at + minutes * 60_000),
    }


def book_event(listing: Listing, sides: tuple[Iterable[Level], Iterable[Level]]) -> Page:
    bids, asks = ([{"price": price, "qty": amount} for price, amount in side] for side in sides)
    page = {"bids": bids, "asks": asks, "checksum": 0}
    return {"symbol": names.stream_symbol(listing), **page}


def moment_text(at: int) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def _average(candle: Candle) -> Decimal:
    if not candle.volume:
        return candle.close
    return money.divide(candle.quote_volume, candle.volume).quantize(Decimal("0.00000001"))


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(-exponent, 0)
