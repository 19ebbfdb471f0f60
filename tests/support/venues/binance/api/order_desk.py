"""Answers to signed requests: orders, trades and balances."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.binance.api import order_pages, signatures
from tests.support.venues.binance.api.filters import check, client_order_id, read_new_order
from tests.support.venues.binance.api.integers import integer
from tests.support.venues.binance.api.market_desk import MarketDesk
from tests.support.venues.binance.api.refusals import bad_key, missing, no_such_order, unknown_order
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.client_order_ids import ClientOrderIds
from tests.support.venues.engine.matching import Matching
from tests.support.venues.engine.orders import Order, Status, Trade
from tests.support.venues.serving.requests import Request, RequestKind

Handler = Callable[[Account, Request], Any]


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
            RequestKind.CANCEL_ALL: self._cancel_all,
            RequestKind.FETCH_ORDER: self._fetch,
            RequestKind.OPEN_ORDERS: self._open_orders,
            RequestKind.ALL_ORDERS: self._all_orders,
            RequestKind.MY_TRADES: self._my_trades,
            RequestKind.ACCOUNT: self._account,
            RequestKind.RESTRICTIONS: self._restrictions,
            RequestKind.CURRENCIES: lambda *_: self._currencies(),
            RequestKind.MARGIN_PAIRS: lambda *_: [],
            RequestKind.SUBSCRIBE: lambda *_: {"subscriptionId": 0},
        }

    def owner(self, request: Request) -> Account:
        """The account of the key. Raises Refused if the signature is wrong."""
        account = signatures.owner_of(request.api_key, self._books.accounts.values())
        signatures.check(account, request.payload, request.params, now=request.at)
        return account

    def answer(self, request: Request) -> Any:
        return self.answers[request.kind](self.owner(request), request)

    def _create(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        listing = self._markets.listing(request.params)
        new_order = read_new_order(request.params, default_id=self._names.next())
        check(new_order, listing, self._matching.tapes[listing.symbol].quote)
        order = self._matching.place(new_order, account.name, listing)
        trades = [trade for trade in self._books.trades.values() if trade.order_id == order.id]
        usual = "ACK" if new_order.type.has_stop else "FULL"
        kind = request.params.get("newOrderRespType", usual)
        return order_pages.placed_page(order, trades, kind=kind)

    def _cancel(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        order = self._find(account, request)
        if order is None or not order.status.is_open:
            raise unknown_order()
        return self._close(order, request)

    def _cancel_all(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        symbol = self._markets.listing(request.params).symbol
        waiting = [order for order in self._of(account, symbol) if order.status.is_open]
        if not waiting:
            raise unknown_order()
        return [self._close(order, request) for order in waiting]

    def _close(self, order: Order, request: Request) -> Any:
        name = client_order_id(request.params, "newClientOrderId", self._names.next())
        canceled = self._books.close(order, Status.CANCELED, request_id=name)
        return order_pages.canceled_page(canceled, name)

    def _fetch(self, account: Account, request: Request) -> Any:
        order = self._find(account, request)
        if order is None or not self._is_visible(order.created_at, request):
            raise no_such_order()
        return order_pages.order_page(order)

    def _open_orders(self, account: Account, request: Request) -> Any:
        pages = (order for order in self._listed(account, request) if order.status.is_open)
        return [order_pages.order_page(order) for order in pages]

    def _all_orders(self, account: Account, request: Request) -> Any:
        since_id = integer(request.params, "orderId", 0)
        self._markets.listing(request.params)
        orders = [order for order in self._listed(account, request) if order.id >= since_id]
        kept = [order for order in orders if _is_within(order.created_at, request.params)]
        return [order_pages.order_page(order) for order in _cut(kept, request, "orderId")]

    def _my_trades(self, account: Account, request: Request) -> Any:
        symbol = self._markets.listing(request.params).symbol
        trades = [
            trade
            for trade in self._books.trades.values()
            if trade.account == account.name
            and trade.symbol == symbol
            and self._is_visible(trade.at, request)
            and _is_wanted(trade, request.params)
        ]
        return [order_pages.trade_page(trade) for trade in _cut(trades, request, "fromId")]

    def _account(self, account: Account, request: Request) -> Any:
        omit_zero = request.params.get("omitZeroBalances") == "true"
        return order_pages.account_page(account, at=request.at, omit_zero=omit_zero)

    def _restrictions(self, account: Account, request: Request) -> Any:
        return order_pages.restrictions_page(account, at=request.at)

    def _currencies(self) -> Any:
        listings = self._books.listings.values()
        coins = sorted({coin for each in listings for coin in (each.base, each.quote)})
        return [{"coin": coin, "name": coin, "trading": True, "networkList": []} for coin in coins]

    def _listed(self, account: Account, request: Request) -> list[Order]:
        is_narrow = "symbol" in request.params
        symbol = self._markets.listing(request.params).symbol if is_narrow else None
        orders = self._of(account, symbol)
        return [order for order in orders if self._is_visible(order.created_at, request)]

    def _of(self, account: Account, symbol: str | None) -> list[Order]:
        orders = self._books.of(account.name)
        return [order for order in orders if symbol in {None, order.symbol}]

    def _find(self, account: Account, request: Request) -> Order | None:
        """The requested order, by exchange order id, else the latest by client order id."""
        symbol = self._markets.listing(request.params).symbol
        order_id = request.params.get("orderId")
        name = request.params.get("origClientOrderId")
        if order_id is None and name is None:
            raise missing("orderId")
        latest_first = reversed(self._of(account, symbol))
        found = (
            order
            for order in latest_first
            if (str(order.id) == order_id if order_id else order.client_order_id == name)
        )
        return next(found, None)

    def _is_visible(self, at: int, request: Request) -> bool:
        return request.at - at >= self.visible_after_seconds * 1000


def _require_trading(account: Account) -> None:
    if not account.can_trade:
        raise bad_key()


def _is_wanted(trade: Trade, params: Mapping[str, str]) -> bool:
    order_id = params.get("orderId")
    is_of_order = order_id is None or str(trade.order_id) == order_id
    return is_of_order and trade.id >= integer(params, "fromId", 0) and _is_within(trade.at, params)


def _is_within(at: int, params: Mapping[str, str]) -> bool:
    return integer(params, "startTime", 0) <= at <= integer(params, "endTime", at)


def _cut(items: list[Any], request: Request, first: str) -> list[Any]:
    limit = min(integer(request.params, "limit", 500), 1000)
    is_forward = first in request.params or "startTime" in request.params
    return items[:limit] if is_forward else items[-limit:]
