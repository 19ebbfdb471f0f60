"""Answers to public requests: markets, tickers, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.gate.api import market_pages
from tests.support.venues.gate.api.refusals import invalid, no_such_market
from tests.support.venues.serving.requests import Request, RequestKind

_MOST_CANDLES = 1000
_MOST_LEVELS = 1000


class MarketDesk:
    def __init__(self, listings: Mapping[str, Listing], tapes: Mapping[str, Tape]) -> None:
        self._listings = listings
        self._tapes = tapes
        self.answers: Mapping[RequestKind, Callable[[Request], Any]] = {
            RequestKind.EXCHANGE_INFO: lambda _: [
                market_pages.pair_page(listing) for listing in self._listings.values()
            ],
            # No market is traded on margin.
            RequestKind.MARGIN_PAIRS: lambda _: [],
            RequestKind.TIME: lambda request: {"server_time": request.at},
            RequestKind.TICKER: self._tickers,
            RequestKind.DEPTH: self._book,
            RequestKind.KLINES: self._candles,
        }

    def listing(self, pair: str) -> Listing:
        """The market that is named. Raises Refused."""
        listing = self._listings.get(pair.replace("_", ""))
        if listing is None or market_pages.pair_of(listing) != pair:
            raise no_such_market(pair)
        return listing

    def _tickers(self, request: Request) -> list[Any]:
        pair = request.params.get("currency_pair")
        chosen = list(self._listings.values()) if pair is None else [self.listing(pair)]
        return [
            market_pages.ticker_page(listing, self._tapes[listing.symbol], at=request.at)
            for listing in chosen
        ]

    def _book(self, request: Request) -> Any:
        tape = self._tape(request)
        depth = min(int(request.params.get("limit", 10)), _MOST_LEVELS)
        return market_pages.book_page(tape, depth=depth, at=request.at)

    def _candles(self, request: Request) -> list[Any]:
        """Those that begin between two times, or the latest; the oldest first."""
        tape, params = self._tape(request), request.params
        span = market_pages.SPANS.get(params.get("interval", "30m"))
        if span is None:
            raise invalid("interval")
        if "limit" in params and ("from" in params or "to" in params):
            raise invalid("limit is in conflict with from and to")
        begin, end = (int(params.get(name, -1)) * 1000 for name in ("from", "to"))
        starts = [
            start
            for start in tape.starts(span, request.at)
            if start >= begin and (end < 0 or start <= end)
        ]
        limit = min(int(params.get("limit", 100)), _MOST_CANDLES)
        kept = starts if "from" in params else starts[-limit:]
        if len(kept) > _MOST_CANDLES:
            raise invalid("Candlestick range too broad. Maximum 1000 data points are allowed")
        return [market_pages.candle_row(tape.candle(each, span), at=request.at) for each in kept]

    def _tape(self, request: Request) -> Tape:
        return self._tapes[self.listing(request.params.get("currency_pair", "")).symbol]
