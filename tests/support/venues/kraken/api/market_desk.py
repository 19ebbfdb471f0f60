"""Answers to public requests: markets, tickers, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.kraken.api import market_pages, names
from tests.support.venues.kraken.api.refusals import invalid_arguments, unknown_pair
from tests.support.venues.serving.requests import Request, RequestKind

# Kraken has no more than the last candles, whatever is asked for.
MOST_CANDLES = 720


class MarketDesk:
    def __init__(self, listings: Mapping[str, Listing], tapes: Mapping[str, Tape]) -> None:
        self._listings = listings
        self._tapes = tapes
        self.answers: Mapping[RequestKind, Callable[[Request], Any]] = {
            RequestKind.TIME: lambda request: market_pages.time_page(request.at),
            RequestKind.PING: lambda request: {
                "status": "online",
                "timestamp": market_pages.moment_text(request.at),
            },
            RequestKind.CURRENCIES: self._assets,
            RequestKind.EXCHANGE_INFO: self._pairs,
            RequestKind.TICKER: self._tickers,
            RequestKind.DEPTH: self._depth,
            RequestKind.KLINES: self._candles,
        }

    def listing(self, params: Mapping[str, str]) -> Listing:
        """The market of a request, by its id or alternative name. Raises Refused."""
        return self._named(params.get("pair", ""))

    def by_stream_symbol(self, symbol: str) -> Listing | None:
        every = self._listings.values()
        return next((each for each in every if names.stream_symbol(each) == symbol), None)

    def _named(self, name: str) -> Listing:
        for listing in self._listings.values():
            if name in {names.pair_id(listing), names.pair_altname(listing)}:
                return listing
        raise unknown_pair()

    def _assets(self, _: Request) -> Any:
        coins = {coin for each in self._listings.values() for coin in (each.base, each.quote)}
        return {names.asset_id(coin): market_pages.asset_page(coin) for coin in sorted(coins)}

    def _pairs(self, _: Request) -> Any:
        every = self._listings.values()
        return {names.pair_id(each): market_pages.pair_page(each) for each in every}

    def _tickers(self, request: Request) -> Any:
        given = request.params.get("pair")
        asked = list(self._listings.values())
        if given is not None:
            asked = [self._named(name) for name in given.split(",")]
        return {
            names.pair_id(each): market_pages.ticker_page(self._tapes[each.symbol], at=request.at)
            for each in asked
        }

    def _depth(self, request: Request) -> Any:
        listing = self.listing(request.params)
        limit = int(request.params.get("count", "100"))
        page = market_pages.depth_page(self._tapes[listing.symbol], limit=limit, at=request.at)
        return {names.pair_id(listing): page}

    def _candles(self, request: Request) -> Any:
        listing = self.listing(request.params)
        span = market_pages.SPANS.get(request.params.get("interval", "1"))
        if span is None:
            raise invalid_arguments()
        # What follows on this time; the time itself is not among them.
        since = int(float(request.params.get("since", "0"))) * 1000
        tape = self._tapes[listing.symbol]
        starts = list(tape.starts(span, request.at))[-MOST_CANDLES:]
        rows = [
            market_pages.candle_row(tape.candle(start, span)) for start in starts if start > since
        ]
        last = starts[-2] // 1000 if len(starts) > 1 else 0
        return {names.pair_id(listing): rows, "last": last}
