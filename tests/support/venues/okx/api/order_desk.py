"""Answers to signed requests: orders, trades and balances."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from app.domain import money
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.client_order_ids import ClientOrderIds
from tests.support.venues.engine.matching import Matching, crosses
from tests.support.venues.engine.orders import NewOrder, NewTerms, Order, Status, Trade, Type
from tests.support.venues.okx.api import order_pages, refusals, signatures
from tests.support.venues.okx.api.listing import page_of
from tests.support.venues.okx.api.market_desk import MarketDesk
from tests.support.venues.okx.api.market_pages import Page
from tests.support.venues.okx.api.new_orders import (
    check,
    check_amount,
    number,
    read_new_order,
)
from tests.support.venues.serving.requests import Request, RequestKind

Handler = Callable[[Account, Request], list[Any]]
_ENDED = {"filled", "canceled"}


class OrderDesk:
    def __init__(self, books: Books, matching: Matching, markets: MarketDesk) -> None:
        self.visible_after_seconds = 0.0
        self._books = books
        self._matching = matching
        self._markets = markets
        self._names = ClientOrderIds()
        self.answers: Mapping[RequestKind, Handler] = {
            RequestKind.CREATE_ORDER: self._create,
            RequestKind.CANCEL_ORDER: self._cancel,
            RequestKind.AMEND_ORDER: self._amend,
            RequestKind.FETCH_ORDER: self._fetch,
            RequestKind.OPEN_ORDERS: self._open_orders,
            RequestKind.CLOSED_ORDERS: self._closed_orders,
            RequestKind.MY_TRADES: self._my_trades,
            RequestKind.ACCOUNT: lambda account, request: [
                order_pages.balance_page(account, at=request.at)
            ],
            RequestKind.RESTRICTIONS: lambda account, _: [order_pages.config_page(account)],
        }

    def owner(self, request: Request) -> Account:
        """The account of the key. Raises Refused if the signature is wrong."""
        account = signatures.owner_of(request.api_key, self._books.accounts.values())
        signatures.check(account, request)
        return account

    def answer(self, request: Request) -> list[Any]:
        return self.answers[request.kind](self.owner(request), request)

    def _create(self, account: Account, request: Request) -> list[Any]:
        _require_trading(account)
        listing = self._markets.listing(request.params)
        new_order = read_new_order(request.params, default_id=self._names.next())
        if self._named(account, new_order.client_order_id) is not None:
            raise refusals.duplicate()
        check(new_order, listing)
        if self._would_take(new_order, listing.symbol):
            # OKX takes a post-only order that would trade at once, and then cancels it.
            order = self._matching.accept(new_order, account.name, listing)
            order = self._books.close(order, Status.EXPIRED)
        else:
            order = self._matching.place(new_order, account.name, listing)
        return [order_pages.acknowledged_page(order)]

    def _cancel(self, account: Account, request: Request) -> list[Any]:
        _require_trading(account)
        order = self._find(account, request)
        if order is None or not order.status.is_open:
            raise refusals.not_cancelable()
        return [order_pages.acknowledged_page(self._books.close(order, Status.CANCELED))]

    def _amend(self, account: Account, request: Request) -> list[Any]:
        _require_trading(account)
        order = self._find(account, request)
        if order is None or not order.status.is_open:
            raise refusals.not_amendable()
        amount, price = self._wanted(order, request)
        if amount <= order.filled:
            # An order that is cut to what is filled is over.
            return [order_pages.acknowledged_page(self._books.close(order, Status.CANCELED))]
        quote = self._matching.tapes[order.symbol].quote
        if order.type is Type.LIMIT_MAKER and crosses(order.side, price, quote):
            raise refusals.would_take()
        amended = self._matching.amend(order, NewTerms(amount=amount, price=price))
        return [order_pages.acknowledged_page(amended)]

    def _wanted(self, order: Order, request: Request) -> tuple[Decimal, Decimal]:
        """The amount and the price to amend an order to. Raises Refused."""
        params, listing = request.params, self._markets.listing(request.params)
        amount = number(params, "newSz") if params.get("newSz") else order.amount
        price = number(params, "newPx") if params.get("newPx") else order.price
        check_amount(amount, listing)
        if not money.is_on_step(price, listing.tick):
            raise refusals.of_order("51000", "Parameter newPx error")
        return amount, price

    def _fetch(self, account: Account, request: Request) -> list[Any]:
        order = self._find(account, request)
        if order is None or not self._is_visible(order.created_at, request):
            raise refusals.no_such_order()
        return [self.page(order)]

    def _open_orders(self, account: Account, request: Request) -> list[Any]:
        return self._listed(account, request, lambda order: order.status.is_open)

    def _closed_orders(self, account: Account, request: Request) -> list[Any]:
        if request.params.get("instType") != "SPOT":
            raise refusals.wrong("instType")
        state = request.params.get("state")
        wanted = _ENDED if state is None else {state}
        return self._listed(
            account,
            request,
            lambda order: not order.status.is_open and order_pages.STATES[order.status] in wanted,
        )

    def _my_trades(self, account: Account, request: Request) -> list[Any]:
        order_id, symbol = request.params.get("ordId"), self._symbol_in(request)
        found = [
            trade
            for trade in self._books.trades.values()
            if trade.account == account.name
            and symbol in {None, trade.symbol}
            and order_id in {None, str(trade.order_id)}
            and self._is_visible(trade.at, request)
        ]
        rows = page_of(found, request.params, number=order_pages.bill_of, at=lambda each: each.at)
        return [
            order_pages.trade_page(
                trade,
                self._books.listings[trade.symbol],
                self._books.orders[trade.order_id].client_order_id,
            )
            for trade in rows
        ]

    def page(self, order: Order) -> Page:
        listing = self._books.listings[order.symbol]
        return order_pages.order_page(order, listing, self.trades_of(order))

    def trades_of(self, order: Order) -> list[Trade]:
        return [trade for trade in self._books.trades.values() if trade.order_id == order.id]

    def _listed(
        self, account: Account, request: Request, is_wanted: Callable[[Order], bool]
    ) -> list[Any]:
        symbol = self._symbol_in(request)
        found = [
            order
            for order in self._books.of(account.name)
            if symbol in {None, order.symbol}
            and is_wanted(order)
            and self._is_visible(order.created_at, request)
        ]
        rows = page_of(
            found, request.params, number=lambda each: each.id, at=lambda each: each.created_at
        )
        return [self.page(order) for order in rows]

    def _symbol_in(self, request: Request) -> str | None:
        is_named = "instId" in request.params
        return self._markets.listing(request.params).symbol if is_named else None

    def _find(self, account: Account, request: Request) -> Order | None:
        """The requested order of its market, by client order id or else by its own."""
        symbol = self._markets.listing(request.params).symbol
        order_id, name = request.params.get("ordId"), request.params.get("clOrdId")
        if not order_id and not name:
            raise refusals.of_order("51003", "Either client order ID or order ID is required.")
        found = (
            order
            for order in reversed(self._books.of(account.name))
            if order.symbol == symbol
            and (str(order.id) == order_id if order_id else order.client_order_id == name)
        )
        return next(found, None)

    def _named(self, account: Account, name: str) -> Order | None:
        orders = self._books.of(account.name)
        return next((order for order in orders if order.client_order_id == name), None)

    def _would_take(self, new_order: NewOrder, symbol: str) -> bool:
        quote = self._matching.tapes[symbol].quote
        return new_order.type is Type.LIMIT_MAKER and crosses(
            new_order.side, new_order.price, quote
        )

    def _is_visible(self, at: int, request: Request) -> bool:
        return request.at - at >= self.visible_after_seconds * 1000


def _require_trading(account: Account) -> None:
    if not account.can_trade:
        raise refusals.bad_permission()
