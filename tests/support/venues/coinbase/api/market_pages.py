"""Markets and prices in Coinbase's JSON, for requests and for streams."""

from typing import Any

from app.domain import money
from tests.support.venues.coinbase.api.names import product_id, time_text, trade_uuid
from tests.support.venues.engine.digits import ZERO, truncated
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import DAY_MILLISECONDS, Candle, Level, Tape
from tests.support.venues.serving.requests import Request

Page = dict[str, Any]
Sides = tuple[list[Level], list[Level]]
_MINUTE = 60_000
SPANS = {
    "ONE_MINUTE": _MINUTE,
    "FIVE_MINUTE": 5 * _MINUTE,
    "FIFTEEN_MINUTE": 15 * _MINUTE,
    "THIRTY_MINUTE": 30 * _MINUTE,
    "ONE_HOUR": 60 * _MINUTE,
    "TWO_HOUR": 120 * _MINUTE,
    "SIX_HOUR": 360 * _MINUTE,
    "ONE_DAY": DAY_MILLISECONDS,
}


def time_page(request: Request) -> Page:
    at = request.at
    return {"iso": time_text(at), "epochSeconds": str(at // 1000), "epochMillis": str(at)}


def product(listing: Listing, tape: Tape, *, at: int) -> Page:
    day = tape.day(at)
    return {
        "product_id": product_id(listing),
        "price": money.plain(day.close),
        "price_percentage_change_24h": _percentage(tape, at),
        "volume_24h": money.plain(day.volume),
        "volume_percentage_change_24h": "0",
        "base_increment": money.plain(listing.step),
        "quote_increment": money.plain(listing.tick),
        "quote_min_size": money.plain(listing.least_notional),
        "quote_max_size": "150000000",
        "base_min_size": money.plain(listing.step),
        "base_max_size": money.plain(listing.most_amount),
        "base_name": listing.base,
        "quote_name": listing.quote,
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": not listing.is_trading,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": listing.quote,
        "base_currency_id": listing.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": "",
        "alias_to": [],
        "base_display_symbol": listing.base,
        "quote_display_symbol": listing.quote,
        "view_only": False,
        "price_increment": money.plain(listing.tick),
        "display_name": product_id(listing),
        "product_venue": "CBE",
        "approximate_quote_24h_volume": money.plain(truncated(day.quote_volume)),
    }


def last_trades(listing: Listing, tape: Tape) -> Page:
    last = tape.last
    trade = {
        "trade_id": str(tape.update_id),
        "product_id": product_id(listing),
        "price": money.plain(last.price),
        "size": money.plain(last.amount),
        "time": time_text(last.at),
        "side": "BUY",
        "exchange": "",
    }
    best = {"best_bid": money.plain(tape.quote.bid), "best_ask": money.plain(tape.quote.ask)}
    return {"trades": [trade], **best}


def book(listing: Listing, tape: Tape, *, limit: int, at: int) -> Page:
    return {
        "pricebook": {
            "product_id": product_id(listing),
            "bids": _levels(tape.bids()[:limit]),
            "asks": _levels(tape.asks()[:limit]),
            "time": time_text(at),
        }
    }


def candle(candle: Candle) -> Page:
    return {
        "start": str(candle.opened_at // 1000),
        "low": money.plain(candle.low),
        "high": money.plain(candle.high),
        "open": money.plain(candle.open),
        "close": money.plain(candle.close),
        "volume": money.plain(candle.volume),
    }


def streamed_ticker(listing: Listing, tape: Tape, *, at: int) -> Page:
    day, quote = tape.day(at), tape.quote
    return {
        "type": "ticker",
        "product_id": product_id(listing),
        "price": money.plain(day.close),
        "volume_24_h": money.plain(day.volume),
        "low_24_h": money.plain(day.low),
        "high_24_h": money.plain(day.high),
        "low_52_w": money.plain(day.low),
        "high_52_w": money.plain(day.high),
        "price_percent_chg_24_h": _percentage(tape, at),
        "best_bid": money.plain(quote.bid),
        "best_bid_quantity": money.plain(quote.bid_amount),
        "best_ask": money.plain(quote.ask),
        "best_ask_quantity": money.plain(quote.ask_amount),
    }


def streamed_trade(listing: Listing, tape: Tape) -> Page:
    last = tape.last
    return {
        "trade_id": trade_uuid(tape.update_id),
        "product_id": product_id(listing),
        "price": money.plain(last.price),
        "size": money.plain(last.amount),
        "side": "BUY",
        "time": time_text(last.at),
    }


def streamed_levels(tape: Tape, before: Sides | None, *, at: int) -> list[Page]:
    """All levels of a book, or those that are gone and then all that there are."""
    rows: list[Page] = []
    for number, (side, levels) in enumerate((("bid", tape.bids()), ("offer", tape.asks()))):
        prices = {price for price, _ in levels}
        old = () if before is None else before[number]
        gone = [(price, ZERO) for price, _ in old if price not in prices]
        rows += [
            {
                "side": side,
                "event_time": time_text(at),
                "price_level": money.plain(price),
                "new_quantity": money.plain(amount),
            }
            for price, amount in gone + levels
        ]
    return rows


def _percentage(tape: Tape, at: int) -> str:
    day = tape.day(at)
    change = money.divide(money.subtract(day.close, day.open), day.open)
    return f"{100 * change:.8f}"


def _levels(levels: list[Level]) -> list[Page]:
    return [{"price": money.plain(price), "size": money.plain(amount)} for price, amount in levels]
