"""Answers to requests for orders: place, amend, cancel, and lists with their pages."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.bybit.api import terms
from tests.support.venues.bybit.api.account_desk import AccountDesk
from tests.support.venues.bybit.api.cursors import paged
from tests.support.venues.bybit.api.integers import integer
from tests.support.venues.bybit.api.order_pages import execution_page, order_page
from tests.support.venues.bybit.api.refusals import (
    duplicate_name,
    invalid_symbol,
    malformed,
    no_permission,
    no_such_order,
    parameter_error,
    unchanged,
)
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.client_order_ids import ClientOrderIds
from tests.support.venues.engine.declined import Declined, Why
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.matching import Matching, crosses
from tests.support.venues.engine.orders import NewOrder, NewTerms, Order, Status, Trade, Type
from tests.support.venues.serving.requests import Request, RequestKind

_WEEK = 7 * 24 * 60 * 60 * 1000


class OrderDesk:
    def __init__(self, books: Books, matching: Matching, accounts: AccountDesk) -> None:
        self.visible_after_seconds = 0.0
        # How many closed orders the list of open ones still knows by id.
        self.closed_kept = 500
        self._books = books
        self._matching = matching
        self._accounts = accounts
        self._names = ClientOrderIds("unnamed")
        self.answers: Mapping[RequestKind, Callable[[Account, Request], Any]] = {
            RequestKind.CREATE_ORDER: self._create,
            RequestKind.AMEND_ORDER: self._amend,
            RequestKind.CANCEL_ORDER: self._cancel,
            RequestKind.FETCH_ORDER: self._look_up,
            RequestKind.OPEN_ORDERS: self._open_orders,
            RequestKind.ALL_ORDERS: self._history,
            RequestKind.MY_TRADES: self._executions,
            RequestKind.SUBSCRIBE: lambda *_: {},
        }

    def _create(self, account: Account, request: Request) -> Any:
        listing = self._listing(account, request)
        is_unified = self._accounts.is_unified(account)
        # The engine tells orders apart by their ids, so that one without an id gets one.
        default_id = self._names.next()
        new_order = terms.read_new_order(
            request.params, default_id=default_id, is_unified=is_unified
        )
        terms.check(new_order, listing, self._matching.tapes[listing.symbol].quote)
        names = {order.client_order_id for order in self._books.of(account.name)}
        if new_order.client_order_id in names:
            raise duplicate_name()
        return _ids(self._placed(new_order, account, listing))

    def _placed(self, new_order: NewOrder, account: Account, listing: Listing) -> Order:
        """A post-only order that would take is accepted, and rejected then."""
        try:
            return self._matching.place(new_order, account.name, listing)
        except Declined as declined:
            if declined.why is not Why.WOULD_TAKE:
                raise
            return self._matching.turn_away(new_order, account.name, listing)

    def _amend(self, account: Account, request: Request) -> Any:
        listing, params = self._listing(account, request), request.params
        order = self._open(account, request)
        amount = terms.number(params, "qty") if "qty" in params else order.amount
        price = terms.number(params, "price") if "price" in params else order.price
        if (amount, price) == (order.amount, order.price):
            raise unchanged()
        if amount <= order.filled:
            raise malformed("qty")
        wanted = NewOrder(
            client_order_id="", side=order.side, type=order.type, amount=amount, price=price
        )
        terms.check(wanted, listing, self._matching.tapes[listing.symbol].quote)
        changed = NewTerms(amount=amount, price=price)
        quote = self._matching.tapes[listing.symbol].quote
        if order.type is Type.LIMIT_MAKER and crosses(order.side, price, quote):
            # A post-only order that would take is ended.
            return _ids(self._books.close(self._books.amend(order, changed), Status.EXPIRED))
        return _ids(self._matching.amend(order, changed))

    def _cancel(self, account: Account, request: Request) -> Any:
        self._listing(account, request)
        order = self._open(account, request)
        return _ids(self._books.close(order, Status.CANCELED, request_id=order.client_order_id))

    def _look_up(self, account: Account, request: Request) -> Any:
        """An order by one of its ids, in one of the two lists."""
        found = [order for order in self._visible(account, request) if _is_named(order, request)]
        if request.params["list"] == RequestKind.ALL_ORDERS:
            return _orders_page(self._closed(found, request), request)
        closed = [order for order in self._books.of(account.name) if not order.status.is_open]
        kept = {order.id for order in closed[max(0, len(closed) - self.closed_kept) :]}
        known = [order for order in found if order.status.is_open or order.id in kept]
        return _orders_page(known, request)

    def _open_orders(self, account: Account, request: Request) -> Any:
        orders = self._visible(account, request)
        return _orders_page([order for order in orders if order.status.is_open], request)

    def _history(self, account: Account, request: Request) -> Any:
        return _orders_page(self._closed(self._visible(account, request), request), request)

    def _closed(self, orders: list[Order], request: Request) -> list[Order]:
        closed = (order for order in orders if not order.status.is_open)
        return [order for order in closed if _is_within(order.created_at, request)]

    def _executions(self, account: Account, request: Request) -> Any:
        trades = [
            trade
            for trade in self._books.trades.values()
            if trade.account == account.name
            and self._is_visible(trade.at, request)
            and self._is_wanted(trade, request)
        ]
        newest_first = sorted(trades, key=lambda trade: (trade.at, trade.id), reverse=True)
        orders = self._books.orders
        return paged(
            newest_first,
            request.params,
            lambda trade: execution_page(trade, orders[trade.order_id]),
            usual=50,
            most=100,
        )

    def _is_wanted(self, trade: Trade, request: Request) -> bool:
        """By the id of its order, and then nothing else counts; or else by market and time."""
        params = request.params
        if "orderId" in params or "orderLinkId" in params:
            return _is_named(self._books.orders[trade.order_id], request)
        is_of_market = params.get("symbol", trade.symbol) == trade.symbol
        return is_of_market and _is_within(trade.at, request)

    def _visible(self, account: Account, request: Request) -> list[Order]:
        """The account's orders, newest first, of one market or all."""
        if request.params.get("category") != "spot":
            raise parameter_error("params error: Category is invalid")
        symbol = request.params.get("symbol")
        return [
            order
            for order in reversed(self._books.of(account.name))
            if symbol in {None, order.symbol} and self._is_visible(order.created_at, request)
        ]

    def _open(self, account: Account, request: Request) -> Order:
        for order in self._books.of(account.name):
            if _is_named(order, request) and order.status.is_open:
                return order
        raise no_such_order()

    def _listing(self, account: Account, request: Request) -> Listing:
        if not account.can_trade:
            raise no_permission()
        symbol = request.params.get("symbol", "")
        if symbol not in self._books.listings:
            raise invalid_symbol()
        return self._books.listings[symbol]

    def _is_visible(self, at: int, request: Request) -> bool:
        return request.at - at >= self.visible_after_seconds * 1000


def _orders_page(orders: list[Order], request: Request) -> Any:
    return paged(orders, request.params, order_page, usual=20, most=50)


def _ids(order: Order) -> Any:
    return {"orderId": str(order.id), "orderLinkId": order.client_order_id}


def _is_named(order: Order, request: Request) -> bool:
    order_id = request.params.get("orderId")
    if order_id is not None:
        return str(order.id) == order_id
    return order.client_order_id == request.params.get("orderLinkId")


def _is_within(at: int, request: Request) -> bool:
    """Whether it is of the time asked for: the last week, or a week since its start."""
    params = request.params
    if "startTime" in params:
        start = integer(params, "startTime", 0)
        return start <= at <= integer(params, "endTime", start + _WEEK)
    end = integer(params, "endTime", request.at)
    return end - _WEEK <= at <= end
