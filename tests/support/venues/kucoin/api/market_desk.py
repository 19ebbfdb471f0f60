"""Answers to public requests: markets, tickers, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.kucoin.api import market_pages
from tests.support.venues.kucoin.api.refusals import no_such_market, wrong
from tests.support.venues.kucoin.api.stream_tokens import StreamTokens
from tests.support.venues.serving.requests import Request

_MOST_CANDLES = 1500


class MarketDesk:
    def __init__(
        self, listings: Mapping[str, Listing], tapes: Mapping[str, Tape], tokens: StreamTokens
    ) -> None:
        self._listings = listings
        self._tapes = tapes
        self.answers: Mapping[str, Callable[[Request], Any]] = {
            "/api/v1/timestamp": lambda request: request.at,
            "/api/v2/symbols": self._symbols,
            "/api/v1/market/stats": self._stats,
            "/api/v1/market/allTickers": self._all_tickers,
            "/api/v1/market/orderbook/level2_20": lambda request: self._book(request, 20),
            "/api/v1/market/orderbook/level2_100": lambda request: self._book(request, 100),
            "/api/v1/market/candles": self._candles,
            "/api/v1/bullet-public": lambda _: tokens.give(None),
        }

    def listing(self, params: Mapping[str, str]) -> Listing:
        """The market that is named. Raises Refused."""
        wanted = params.get("symbol", "")
        if not wanted:
            raise wrong("symbol can not be empty")
        listing = self._listings.get(wanted.replace("-", ""))
        if listing is None or market_pages.symbol_of(listing) != wanted:
            raise no_such_market()
        return listing

    def _symbols(self, request: Request) -> Any:
        return [market_pages.market_page(listing) for listing in self._listings.values()]

    def _stats(self, request: Request) -> Any:
        listing = self.listing(request.params)
        page = market_pages.ticker_page(listing, self._tapes[listing.symbol], at=request.at)
        return {"time": request.at, **page}

    def _all_tickers(self, request: Request) -> Any:
        pages = [
            market_pages.ticker_page(listing, self._tapes[listing.symbol], at=request.at)
            for listing in self._listings.values()
        ]
        return {"time": request.at, "ticker": pages}

    def _book(self, request: Request, depth: int) -> Any:
        tape = self._tapes[self.listing(request.params).symbol]
        return {
            "time": request.at,
            "sequence": str(tape.update_id),
            **market_pages.sides(tape, depth),
        }

    def _candles(self, request: Request) -> Any:
        """Those that begin within the times that are named in seconds, the newest first."""
        tape = self._tapes[self.listing(request.params).symbol]
        span = market_pages.SPANS.get(request.params.get("type", ""))
        if span is None:
            raise wrong("Unsupported type")
        begin = int(request.params.get("startAt", 0)) * 1000
        end = int(request.params.get("endAt", 0)) * 1000 or request.at
        starts = [at for at in tape.starts(span, request.at) if begin <= at <= end]
        kept = reversed(starts[-_MOST_CANDLES:])
        return [market_pages.candle_row(tape.candle(at, span)) for at in kept]
