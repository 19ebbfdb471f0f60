"""Answers to public requests: products, prices, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.coinbase.api import market_pages
from tests.support.venues.coinbase.api.names import product_id, symbol_of
from tests.support.venues.coinbase.api.refusals import invalid_argument, no_such_product
from tests.support.venues.coinbase.api.rest import PATH_ID
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.serving.requests import Request, RequestKind

MOST_CANDLES = 350


class MarketDesk:
    def __init__(self, listings: Mapping[str, Listing], tapes: Mapping[str, Tape]) -> None:
        self._listings = listings
        self._tapes = tapes
        self.answers: Mapping[RequestKind, Callable[[Request], Any]] = {
            RequestKind.TIME: market_pages.time_page,
            RequestKind.EXCHANGE_INFO: self._products,
            RequestKind.OTHER_MARKETS: lambda _: {"products": [], "num_products": 0},
            RequestKind.TICKER: self._prices,
            RequestKind.KLINES: self._candles,
            RequestKind.DEPTH: self._book,
        }

    def listing(self, product: str) -> Listing:
        """The market of a product. Raises Refused if there is none."""
        listing = self._listings.get(symbol_of(product))
        if listing is None or product_id(listing) != product:
            raise no_such_product()
        return listing

    def _products(self, request: Request) -> Any:
        return self._page_of(list(self._listings.values()), request)

    def _prices(self, request: Request) -> Any:
        """The last trade of one product, or the products that were named."""
        if request.params[PATH_ID]:
            listing = self.listing(request.params[PATH_ID])
            return market_pages.last_trades(listing, self._tapes[listing.symbol])
        named = request.params.get("product_ids")
        listed = list(self._listings.values())
        if named is not None:
            # A product that is not listed is left out.
            listed = [listing for listing in listed if product_id(listing) in named.split(",")]
        return self._page_of(listed, request)

    def _page_of(self, listings: list[Listing], request: Request) -> Any:
        rows = [
            market_pages.product(listing, self._tapes[listing.symbol], at=request.at)
            for listing in listings
        ]
        return {"products": rows, "num_products": len(rows)}

    def _book(self, request: Request) -> Any:
        listing = self.listing(request.params.get("product_id", ""))
        limit = int(request.params.get("limit", "500"))
        tape = self._tapes[listing.symbol]
        return market_pages.book(listing, tape, limit=limit, at=request.at)

    def _candles(self, request: Request) -> Any:
        listing = self.listing(request.params[PATH_ID])
        span = market_pages.SPANS.get(request.params.get("granularity", ""))
        if span is None:
            raise invalid_argument("Unsupported granularity")
        since, until = (int(request.params[name]) * 1000 for name in ("start", "end"))
        if (until - since) // span >= MOST_CANDLES:
            raise invalid_argument("number of candles requested should be less than 350")
        tape = self._tapes[listing.symbol]
        starts = [start for start in tape.starts(span, min(until, request.at)) if start >= since]
        rows = [market_pages.candle(tape.candle(start, span)) for start in starts]
        return {"candles": rows[::-1]}
