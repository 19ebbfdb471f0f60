"""Answers to public requests: markets, tickers, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.okx.api import market_pages
from tests.support.venues.okx.api.refusals import no_such_market, wrong
from tests.support.venues.serving.requests import Request, RequestKind

_MOST_CANDLES = 300
_MOST_LEVELS = 400


class MarketDesk:
    def __init__(self, listings: Mapping[str, Listing], tapes: Mapping[str, Tape]) -> None:
        self._listings = listings
        self._tapes = tapes
        self.answers: Mapping[RequestKind, Callable[[Request], list[Any]]] = {
            RequestKind.EXCHANGE_INFO: self._instruments,
            RequestKind.TIME: lambda request: [{"ts": str(request.at)}],
            RequestKind.TICKER: self._tickers,
            RequestKind.DEPTH: self._book,
            RequestKind.KLINES: self._candles,
        }

    def listing(self, params: Mapping[str, str]) -> Listing:
        """The market that is named. Raises Refused."""
        wanted = params.get("instId", "")
        if not wanted:
            raise wrong("instId")
        listing = self._listings.get(wanted.replace("-", ""))
        if listing is None or market_pages.inst_id(listing) != wanted:
            raise no_such_market()
        return listing

    def _instruments(self, request: Request) -> list[Any]:
        if request.params.get("instType") != "SPOT":
            return []
        return [market_pages.instrument_page(listing) for listing in self._listings.values()]

    def _tickers(self, request: Request) -> list[Any]:
        is_one = "instId" in request.params
        chosen = [self.listing(request.params)] if is_one else list(self._listings.values())
        return [
            market_pages.ticker_page(listing, self._tapes[listing.symbol], at=request.at)
            for listing in chosen
        ]

    def _book(self, request: Request) -> list[Any]:
        tape = self._tapes[self.listing(request.params).symbol]
        depth = min(int(request.params.get("sz", 1)), _MOST_LEVELS)
        return [market_pages.book_page(tape, depth=depth, at=request.at)]

    def _candles(self, request: Request) -> list[Any]:
        """The newest of those asked for, newest first."""
        tape = self._tapes[self.listing(request.params).symbol]
        bar = request.params.get("bar", "1m")
        span = market_pages.span_of(bar)
        if span is None:
            raise wrong("bar")
        newer, older = (int(request.params.get(name, -1)) for name in ("before", "after"))
        limit = min(int(request.params.get("limit", 100)), _MOST_CANDLES)
        starts = [
            start
            for start in market_pages.starts(tape, bar, request.at)
            if start > newer and (older < 0 or start < older)
        ]
        kept = reversed(starts[-limit:])
        return [market_pages.candle_row(tape.candle(each, span), at=request.at) for each in kept]
