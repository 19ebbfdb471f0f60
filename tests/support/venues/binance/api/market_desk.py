"""Answers to public requests: markets, tickers, order books and candles."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.binance.api import market_pages
from tests.support.venues.binance.api.integers import integer
from tests.support.venues.binance.api.limits import Limits
from tests.support.venues.binance.api.refusals import missing, unknown_value
from tests.support.venues.binance.api.symbol_pages import symbol_page
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.serving.requests import Request, RequestKind

_MOST_CANDLES = 1000


class MarketDesk:
    def __init__(
        self, listings: Mapping[str, Listing], tapes: Mapping[str, Tape], limits: Limits
    ) -> None:
        self._limits = limits
        self._listings = listings
        self._tapes = tapes
        self.answers: Mapping[RequestKind, Callable[[Request], Any]] = {
            RequestKind.EXCHANGE_INFO: self._exchange_info,
            RequestKind.TIME: lambda request: {"serverTime": request.at},
            RequestKind.PING: lambda _: {},
            RequestKind.TICKER: self._ticker,
            RequestKind.BOOK_TICKER: self._book_ticker,
            RequestKind.LAST_PRICE: self._last_price,
            RequestKind.KLINES: self._klines,
            RequestKind.DEPTH: self._depth,
            RequestKind.OTHER_MARKETS: lambda _: {"symbols": []},
        }

    def listing(self, params: Mapping[str, str]) -> Listing:
        symbol = params.get("symbol")
        if not symbol:
            raise missing("symbol")
        if symbol not in self._listings:
            raise unknown_value(-1121, "symbol")
        return self._listings[symbol]

    def _exchange_info(self, request: Request) -> Any:
        return {
            "timezone": "UTC",
            "serverTime": request.at,
            "rateLimits": self._limits.pages(),
            "exchangeFilters": [],
            "symbols": [symbol_page(listing) for listing in self._chosen(request.params)],
        }

    def _ticker(self, request: Request) -> Any:
        return self._each(
            request,
            lambda symbol, tape: market_pages.ticker_page(symbol, tape, at=request.at),
        )

    def _book_ticker(self, request: Request) -> Any:
        return self._each(request, market_pages.book_ticker_page)

    def _last_price(self, request: Request) -> Any:
        return self._each(request, market_pages.last_price_page)

    def _each(self, request: Request, page: Callable[[str, Tape], Any]) -> Any:
        chosen = [listing.symbol for listing in self._chosen(request.params)]
        pages = [page(symbol, self._tapes[symbol]) for symbol in chosen]
        return pages[0] if "symbol" in request.params else pages

    def _chosen(self, params: Mapping[str, str]) -> list[Listing]:
        if "symbol" in params:
            return [self.listing(params)]
        if "symbols" in params:
            return [self.listing({"symbol": symbol}) for symbol in json.loads(params["symbols"])]
        return list(self._listings.values())

    def _depth(self, request: Request) -> Any:
        tape = self._tapes[self.listing(request.params).symbol]
        return market_pages.depth_page(tape, limit=integer(request.params, "limit", 100))

    def _klines(self, request: Request) -> Any:
        tape = self._tapes[self.listing(request.params).symbol]
        span = market_pages.SPANS.get(request.params.get("interval", ""))
        if span is None:
            raise unknown_value(-1120, "interval")
        since = integer(request.params, "startTime", 0)
        until = min(integer(request.params, "endTime", request.at), request.at)
        limit = min(integer(request.params, "limit", 500), _MOST_CANDLES)
        starts = [start for start in tape.starts(span, until) if start >= since]
        kept = starts[:limit] if "startTime" in request.params else starts[-limit:]
        return [market_pages.kline_row(tape.candle(start, span)) for start in kept]
