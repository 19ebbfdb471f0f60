"""Answers to signed requests about orders and trades."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.matching import Matching, crosses
from tests.support.venues.engine.orders import NewOrder, Order, Status, Trade, Type
from tests.support.venues.kucoin.api import order_pages, refusals
from tests.support.venues.kucoin.api.listing import page_of
from tests.support.venues.kucoin.api.market_desk import MarketDesk
from tests.support.venues.kucoin.api.market_pages import Page, symbol_of
from tests.support.venues.kucoin.api.new_orders import check, read_new_order
from tests.support.venues.serving.requests import Request, RequestKind

Handler = Callable[[Account, Request], Any]
# For how long a closed order can still be asked for by its ids.
KEPT = 3 * 24 * 60 * 60 * 1000


class OrderDesk:
    def __init__(self, books: Books, matching: Matching, markets: MarketDesk) -> None:
        self.visible_after_seconds = 0.0
        self._books = books
        self._matching = matching
        self._markets = markets
        self.answers: Mapping[RequestKind, Handler] = {
            RequestKind.CREATE_ORDER: self._create,
            RequestKind.CANCEL_ORDER: self._cancel,
            RequestKind.FETCH_ORDER: self._fetch,
            RequestKind.OPEN_ORDERS: self._open_orders,
            RequestKind.CLOSED_ORDERS: self._closed_orders,
            RequestKind.MY_TRADES: self._my_trades,
        }

    def _create(self, account: Account, request: Request) -> Page:
        _require_trading(account)
        listing = self._markets.listing(request.params)
        new_order = read_new_order(request.params)
        names = {order.client_order_id for order in self._books.of(account.name)}
        if new_order.client_order_id in names:
            raise refusals.duplicate()
        check(new_order, listing, self._matching.tapes[listing.symbol].last.price)
        if self._would_take(new_order, listing.symbol):
            # A post-only order that would trade at once is taken, and then canceled.
            order = self._matching.accept(new_order, account.name, listing)
            order = self._books.close(order, Status.EXPIRED)
        else:
            order = self._matching.place(new_order, account.name, listing)
        return {"orderId": order_pages.order_id(order.id), "clientOid": order.client_order_id}

    def _cancel(self, account: Account, request: Request) -> Page:
        _require_trading(account)
        order = self._find(account, request)
        if order is None or not order.status.is_open:
            raise refusals.not_cancelable()
        self._books.close(order, Status.CANCELED)
        if "clientOid" in request.params:
            return {"clientOid": order.client_order_id}
        return {"orderId": order_pages.order_id(order.id)}

    def _fetch(self, account: Account, request: Request) -> Page | None:
        order = self._find(account, request)
        if order is not None and self._is_told(order, request):
            return self.page(order)
        if "clientOid" in request.params:
            # An id of ours that it does not know gets an answer with nothing in it.
            return None
        raise refusals.no_such_order()

    def _open_orders(self, account: Account, request: Request) -> Any:
        found = [
            order
            for order in self._books.of(account.name)
            if order.status.is_open and self._is_visible(order.created_at, request)
        ]
        if request.params["path"].endswith("/symbols"):
            listings = {symbol_of(self._books.listings[order.symbol]) for order in found}
            return {"symbols": sorted(listings)}
        symbol = self._markets.listing(request.params).symbol
        return [self.page(order) for order in found if order.symbol == symbol]

    def _closed_orders(self, account: Account, request: Request) -> Page:
        symbol = self._markets.listing(request.params).symbol
        found = [
            order
            for order in self._books.of(account.name)
            if order.symbol == symbol
            and not order.status.is_open
            and self._is_visible(order.created_at, request)
        ]
        return page_of(
            found,
            request.params,
            row=order_pages.order_row,
            at=lambda order: order.created_at,
            told=self.page,
            now=request.at,
        )

    def _my_trades(self, account: Account, request: Request) -> Page:
        symbol = self._markets.listing(request.params).symbol
        wanted = request.params.get("orderId")
        found = [
            trade
            for trade in self._books.trades.values()
            if trade.account == account.name
            and trade.symbol == symbol
            and wanted in {None, order_pages.order_id(trade.order_id)}
            and self._is_visible(trade.at, request)
        ]
        return page_of(
            found,
            request.params,
            row=order_pages.trade_row,
            at=lambda trade: trade.at,
            told=self._trade_page,
            now=request.at,
        )

    def page(self, order: Order) -> Page:
        trades = [each for each in self._books.trades.values() if each.order_id == order.id]
        return order_pages.order_page(order, self._books.listings[order.symbol], trades)

    def _trade_page(self, trade: Trade) -> Page:
        order = self._books.orders[trade.order_id]
        return order_pages.trade_page(trade, self._books.listings[trade.symbol], order)

    def _find(self, account: Account, request: Request) -> Order | None:
        """The requested order of its market, by the id that the path names."""
        symbol = self._markets.listing(request.params).symbol
        number, name = request.params.get("orderId"), request.params.get("clientOid")
        found = (
            order
            for order in reversed(self._books.of(account.name))
            if order.symbol == symbol
            and (order.client_order_id == name or order_pages.order_id(order.id) == number)
        )
        return next(found, None)

    def _would_take(self, new_order: NewOrder, symbol: str) -> bool:
        quote = self._matching.tapes[symbol].quote
        return new_order.type is Type.LIMIT_MAKER and crosses(
            new_order.side, new_order.price, quote
        )

    def _is_told(self, order: Order, request: Request) -> bool:
        is_kept = order.status.is_open or request.at - order.updated_at < KEPT
        return is_kept and self._is_visible(order.created_at, request)

    def _is_visible(self, at: int, request: Request) -> bool:
        return request.at - at >= self.visible_after_seconds * 1000


def _require_trading(account: Account) -> None:
    if not account.can_trade:
        raise refusals.bad_permission()
