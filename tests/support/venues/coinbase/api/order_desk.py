"""Answers to requests for orders: place, cancel, look up, and lists with their pages."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from app.domain import money
from tests.support.venues.coinbase.api import new_orders
from tests.support.venues.coinbase.api.cursors import MOST, paged
from tests.support.venues.coinbase.api.market_desk import MarketDesk
from tests.support.venues.coinbase.api.names import milliseconds, order_uuid
from tests.support.venues.coinbase.api.order_pages import (
    created_page,
    fill_page,
    order_page,
    status_of,
)
from tests.support.venues.coinbase.api.refusals import (
    insufficient_fund,
    no_permission,
    no_such_order,
)
from tests.support.venues.coinbase.api.rest import PATH_ID
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.matching import Matching
from tests.support.venues.engine.orders import NewOrder, Order, Side, Status, Trade
from tests.support.venues.serving.requests import Request, RequestKind


class OrderDesk:
    def __init__(self, books: Books, matching: Matching, markets: MarketDesk) -> None:
        self.visible_after_seconds = 0.0
        # The most rows of a page, whatever is asked for.
        self.page_size = MOST
        self._books = books
        self._matching = matching
        self._markets = markets
        self.answers: Mapping[RequestKind, Callable[[Account, Request], Any]] = {
            RequestKind.CREATE_ORDER: self._create,
            RequestKind.CANCEL_ORDER: self._cancel,
            RequestKind.FETCH_ORDER: self._look_up,
            RequestKind.OPEN_ORDERS: self._list,
            RequestKind.ALL_ORDERS: self._list,
            RequestKind.MY_TRADES: self._fills,
        }

    def _create(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        body = json.loads(request.payload)
        listing = self._markets.listing(str(body.get("product_id")))
        new_order = new_orders.read(body)
        # The same id again asks for the order that has it.
        known = self._named(account, new_order.client_order_id)
        if known is not None:
            return created_page(known, self._listing_of(known.symbol))
        tape = self._matching.tapes[listing.symbol]
        new_orders.check(new_order, listing, tape.quote)
        _require_fees(account, new_order, listing)
        return created_page(self._matching.place(new_order, account.name, listing), listing)

    def _cancel(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        ids = json.loads(request.payload).get("order_ids") or []
        return {"results": [self._canceled(account, str(order_id)) for order_id in ids]}

    def _canceled(self, account: Account, order_id: str) -> Any:
        order = self._of(account, order_id)
        if order is None:
            reason = "UNKNOWN_CANCEL_ORDER"
        elif not order.status.is_open:
            reason = "INVALID_CANCEL_REQUEST"
        else:
            self._books.close(order, Status.CANCELED, request_id=order.client_order_id)
            reason = "UNKNOWN_CANCEL_FAILURE_REASON"
        is_done = reason == "UNKNOWN_CANCEL_FAILURE_REASON"
        return {"success": is_done, "failure_reason": reason, "order_id": order_id}

    def _look_up(self, account: Account, request: Request) -> Any:
        """One order by Coinbase's id, or the market in which an order of ours is looked for."""
        order_id = request.params[PATH_ID]
        if not order_id:
            return self._list(account, request)
        order = self._of(account, order_id)
        if order is None or not self._is_visible(order.created_at, request):
            raise no_such_order()
        return {"order": self._page(order)}

    def _list(self, account: Account, request: Request) -> Any:
        wanted = [
            order
            for order in reversed(self._books.of(account.name))
            if self._is_visible(order.created_at, request) and self._is_wanted(order, request)
        ]
        params = request.params
        return paged(wanted, params, name="orders", page=self._page, most=self.page_size)

    def _fills(self, account: Account, request: Request) -> Any:
        wanted = [
            trade
            for trade in reversed(list(self._books.trades.values()))
            if trade.account == account.name
            and self._is_visible(trade.at, request)
            and self._is_wanted_fill(trade, request)
        ]
        return paged(
            wanted,
            request.params,
            name="fills",
            page=lambda trade: fill_page(trade, self._listing_of(trade.symbol)),
            most=self.page_size,
        )

    def _is_wanted(self, order: Order, request: Request) -> bool:
        params = request.params
        if params.get("order_status", status_of(order)) != status_of(order):
            return False
        is_late = order.created_at >= _time(params, "start_date")
        return is_late and self._is_of_product(order.symbol, request)

    def _is_wanted_fill(self, trade: Trade, request: Request) -> bool:
        params = request.params
        ids = params.get("order_ids")
        if ids is not None and order_uuid(trade.order_id) not in ids.split(","):
            return False
        is_late = trade.at >= _time(params, "start_sequence_timestamp")
        return is_late and self._is_of_product(trade.symbol, request)

    def _is_of_product(self, symbol: str, request: Request) -> bool:
        product = request.params.get("product_id")
        return product is None or self._markets.listing(product).symbol == symbol

    def _page(self, order: Order) -> Any:
        trades = self._books.trades.values()
        own = [trade for trade in trades if trade.order_id == order.id]
        return order_page(order, self._listing_of(order.symbol), own)

    def _listing_of(self, symbol: str) -> Listing:
        return self._books.listings[symbol]

    def _of(self, account: Account, order_id: str) -> Order | None:
        orders = self._books.of(account.name)
        return next((order for order in orders if order_uuid(order.id) == order_id), None)

    def _named(self, account: Account, client_order_id: str) -> Order | None:
        orders = self._books.of(account.name)
        return next((each for each in orders if each.client_order_id == client_order_id), None)

    def _is_visible(self, at: int, request: Request) -> bool:
        return request.at - at >= self.visible_after_seconds * 1000


def _require_trading(account: Account) -> None:
    if not account.can_trade:
        raise no_permission()


def _require_fees(account: Account, new_order: NewOrder, listing: Listing) -> None:
    """A buy holds its fee as well, and a sale its amount."""
    if new_order.side is Side.SELL or not new_order.price:
        return
    cost = money.multiply(new_order.amount, new_order.price)
    whole = money.add(cost, money.multiply(cost, account.taker_fee))
    if account.balance(listing.quote).free < whole:
        raise insufficient_fund()


def _time(params: Mapping[str, str], name: str) -> int:
    return milliseconds(params[name]) if params.get(name) else 0
