"""Answers to public requests: markets, tickers, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.bybit.api import market_pages
from tests.support.venues.bybit.api.integers import integer
from tests.support.venues.bybit.api.refusals import parameter_error
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.serving.requests import Request, RequestKind

_MOST_CANDLES = 1000
_MOST_LEVELS = 200
_MILLION = 1_000_000


class MarketDesk:
    def __init__(self, listings: Mapping[str, Listing], tapes: Mapping[str, Tape]) -> None:
        self._listings = listings
        self._tapes = tapes
        self.answers: Mapping[RequestKind, Callable[[Request], Any]] = {
            RequestKind.TIME: _time,
            RequestKind.EXCHANGE_INFO: self._instruments,
            RequestKind.TICKER: self._tickers,
            RequestKind.KLINES: self._klines,
            RequestKind.DEPTH: self._order_book,
        }

    def _instruments(self, request: Request) -> Any:
        rows = [market_pages.instrument(listing) for listing in self._chosen(request)]
        return {"category": "spot", "list": rows}

    def _tickers(self, request: Request) -> Any:
        rows = [
            market_pages.ticker(listing.symbol, self._tapes[listing.symbol], at=request.at)
            for listing in self._chosen(request)
        ]
        return {"category": "spot", "list": rows}

    def _order_book(self, request: Request) -> Any:
        listing = self._listing(request)
        limit = integer(request.params, "limit", 1)
        if not 1 <= limit <= _MOST_LEVELS:
            raise parameter_error("params error: Limit Invalid")
        return market_pages.order_book(
            listing.symbol, self._tapes[listing.symbol], limit=limit, at=request.at
        )

    def _klines(self, request: Request) -> Any:
        listing = self._listing(request)
        span = market_pages.SPANS.get(request.params.get("interval", ""))
        if span is None:
            raise parameter_error("params error: Invalid period!")
        since = integer(request.params, "start", 0)
        until = min(integer(request.params, "end", request.at), request.at)
        limit = min(integer(request.params, "limit", 200), _MOST_CANDLES)
        tape = self._tapes[listing.symbol]
        starts = [start for start in tape.starts(span, until) if start >= since]
        kept = starts[:limit] if "start" in request.params else starts[-limit:]
        rows = [market_pages.kline_row(tape.candle(start, span)) for start in kept]
        return {"category": "spot", "symbol": listing.symbol, "list": rows[::-1]}

    def _listing(self, request: Request) -> Listing:
        symbol = request.params.get("symbol", "")
        if symbol not in self._listings:
            raise parameter_error("Not supported symbols")
        return self._listings[symbol]

    def _chosen(self, request: Request) -> list[Listing]:
        if request.params.get("category") != "spot":
            return []
        if "symbol" in request.params:
            return [self._listing(request)]
        return list(self._listings.values())


def _time(request: Request) -> Any:
    return {"timeSecond": str(request.at // 1000), "timeNano": str(request.at * _MILLION)}
