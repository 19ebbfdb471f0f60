"""Answers to signed requests: orders, trades and balances."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.client_order_ids import ClientOrderIds
from tests.support.venues.engine.matching import Matching
from tests.support.venues.engine.orders import (
    NewTerms,
    Order,
    Status,
    Trade,
    Type,
)
from tests.support.venues.gate.api import order_pages, refusals, signatures
from tests.support.venues.gate.api.market_desk import MarketDesk
from tests.support.venues.gate.api.market_pages import Page, pair_of
from tests.support.venues.gate.api.new_orders import check, check_terms, number, read_new_order
from tests.support.venues.serving.requests import Request, RequestKind

T = TypeVar("T")
Handler = Callable[[Account, Request], Any]
_HOUR = 3_600_000
_WEEK = 7 * 24 * _HOUR
_MONTH = 30 * 24 * _HOUR
_MOST_ORDERS = 100
_MOST_TRADES = 1000
# How long an order is found by its text after it has ended.
_NAMED_FOR = _HOUR
_UNNAMED = "apiv4"


class OrderDesk:
    def __init__(self, books: Books, matching: Matching, markets: MarketDesk) -> None:
        self.visible_after_seconds = 0.0
        # The names of the accounts that are unified ones.
        self.unified: set[str] = set()
        self._books = books
        self._matching = matching
        self._markets = markets
        self._names = ClientOrderIds(_UNNAMED)
        self.answers: Mapping[RequestKind, Handler] = {
            RequestKind.CREATE_ORDER: self._create,
            RequestKind.CANCEL_ORDER: self._cancel,
            RequestKind.AMEND_ORDER: self._amend,
            RequestKind.FETCH_ORDER: self._fetch,
            RequestKind.OPEN_ORDERS: self._open_orders,
            RequestKind.CLOSED_ORDERS: self._closed_orders,
            RequestKind.MY_TRADES: self._my_trades,
            RequestKind.ACCOUNT: self._balance,
            RequestKind.ACCOUNT_KIND: lambda account, _: order_pages.detail_page(
                account, is_unified=self.is_unified(account)
            ),
        }

    def is_unified(self, account: Account) -> bool:
        return account.name in self.unified

    def answer(self, request: Request) -> Any:
        """Raises Refused if the signature is wrong."""
        account = signatures.owner_of(request.api_key, self._books.accounts.values())
        signatures.check(account, request)
        return self.answers[request.kind](account, request)

    def text_of(self, order: Order) -> str:
        """Its client order id, or where an order without one came from."""
        name = order.client_order_id
        return _UNNAMED if name.startswith(_UNNAMED) else f"t-{name}"

    def trades_of(self, order: Order) -> list[Trade]:
        return [trade for trade in self._books.trades.values() if trade.order_id == order.id]

    def kind_of(self, account: str) -> str:
        return "unified" if account in self.unified else "spot"

    def _balance(self, account: Account, request: Request) -> Any:
        is_unified = request.params["path"].startswith("/unified")
        if is_unified and not self.is_unified(account):
            raise refusals.Refused(label="USER_NOT_FOUND", message="user not found")
        return order_pages.balance_page(account, is_unified=is_unified)

    def _create(self, account: Account, request: Request) -> Page:
        _require_trading(account)
        self._require_kind(account, request)
        listing = self._markets.listing(request.params.get("currency_pair", ""))
        new_order = read_new_order(request.params, default_id=self._names.next())
        check(new_order, listing)
        return self._page(self._matching.place(new_order, account.name, listing))

    def _cancel(self, account: Account, request: Request) -> Page:
        _require_trading(account)
        order = self._open(account, request)
        return self._page(self._books.close(order, Status.CANCELED))

    def _amend(self, account: Account, request: Request) -> Page:
        _require_trading(account)
        order = self._open(account, request)
        listing = self._markets.listing(request.params.get("currency_pair", ""))
        params = request.params
        amount = number(params, "amount") if "amount" in params else order.amount
        price = number(params, "price") if "price" in params else order.price
        if (amount, price) == (order.amount, order.price):
            raise refusals.Refused(label="NO_CHANGE", message="No change is made")
        if amount <= order.filled:
            # An order that is cut to what is filled is over.
            return self._page(self._books.close(order, Status.CANCELED))
        check_terms(amount, price, listing)
        is_maker = order.type is Type.LIMIT_MAKER
        terms = NewTerms(amount=amount, price=price, is_post_only=is_maker)
        return self._page(self._matching.amend(order, terms))

    def _fetch(self, account: Account, request: Request) -> Page:
        order = self._find(account, request)
        if order is None or not self._is_visible(order.created_at, request):
            raise refusals.no_such_order()
        return self._page(order)

    def _open_orders(self, account: Account, request: Request) -> list[Page]:
        """The open orders of each market, whose pages are counted by themselves."""
        self._require_kind(account, request)
        found = []
        for listing in self._books.listings.values():
            orders = [
                order
                for order in self._visible(account, request, listing.symbol)
                if order.status.is_open
            ]
            rows = [self._page(order) for order in _page_of(orders, request, _MOST_ORDERS)]
            if rows:
                pair = pair_of(listing)
                found.append({"currency_pair": pair, "total": len(orders), "orders": rows})
        return found

    def _closed_orders(self, account: Account, request: Request) -> list[Page]:
        self._require_kind(account, request)
        if request.params.get("status") != "finished":
            raise refusals.invalid("status")
        begin = int(request.params.get("from", 0)) * 1000
        end = int(request.params.get("to", 10**10)) * 1000
        orders = [
            order
            for order in self._visible(account, request, self._symbol_in(request))
            if not order.status.is_open and begin <= order.updated_at <= end
        ]
        return [self._page(order) for order in _page_of(orders, request, _MOST_ORDERS)]

    def _my_trades(self, account: Account, request: Request) -> list[Page]:
        begin, end = _span_of(request)
        order_id, symbol = request.params.get("order_id"), self._symbol_in(request)
        found = [
            trade
            for trade in self._books.trades.values()
            if trade.account == account.name
            and symbol in {None, trade.symbol}
            and order_id in {None, str(trade.order_id)}
            and begin <= trade.at <= end
            and self._is_visible(trade.at, request)
        ]
        return [
            order_pages.trade_page(
                trade,
                self._books.listings[trade.symbol],
                text=self.text_of(self._books.orders[trade.order_id]),
            )
            for trade in _page_of(found, request, _MOST_TRADES)
        ]

    def _page(self, order: Order) -> Page:
        return order_pages.order_page(
            order,
            self._books.listings[order.symbol],
            self.trades_of(order),
            text=self.text_of(order),
            account=self.kind_of(order.account),
        )

    def _open(self, account: Account, request: Request) -> Order:
        """The open order that is named. Raises Refused."""
        order = self._find(account, request)
        if order is None:
            raise refusals.no_such_order()
        if not order.status.is_open:
            raise refusals.closed(is_canceled=order.status is not Status.FILLED)
        return order

    def _find(self, account: Account, request: Request) -> Order | None:
        """The requested order of its market, by its text or else by its own id."""
        self._require_kind(account, request)
        symbol, name = self._symbol_in(request), request.params["order_id"]
        found = (
            order
            for order in reversed(self._books.of(account.name))
            if order.symbol == symbol
            and (
                order.client_order_id == name[2:] and self._is_named(order, request)
                if name.startswith("t-")
                else str(order.id) == name
            )
        )
        return next(found, None)

    def _is_named(self, order: Order, request: Request) -> bool:
        return order.status.is_open or request.at - order.updated_at <= _NAMED_FOR

    def _visible(self, account: Account, request: Request, symbol: str | None) -> list[Order]:
        return [
            order
            for order in self._books.of(account.name)
            if symbol in {None, order.symbol} and self._is_visible(order.created_at, request)
        ]

    def _symbol_in(self, request: Request) -> str | None:
        pair = request.params.get("currency_pair")
        return None if pair is None else self._markets.listing(pair).symbol

    def _require_kind(self, account: Account, request: Request) -> None:
        """Orders of a unified account are not among those of a classic one."""
        kind = self.kind_of(account.name)
        if request.params.get("account", kind) != kind:
            raise refusals.no_such_order()

    def _is_visible(self, at: int, request: Request) -> bool:
        return request.at - at >= self.visible_after_seconds * 1000


def _page_of(items: Sequence[T], request: Request, most: int) -> list[T]:
    """A page of these items, which are the oldest first; the newest come on the first page."""
    limit = min(int(request.params.get("limit", 100)), most)
    start = (int(request.params.get("page", 1)) - 1) * limit
    return list(reversed(items))[start : start + limit]


def _span_of(request: Request) -> tuple[int, int]:
    """The time whose trades are listed: a week from its one end that is named. Raises Refused."""
    begin, end = (request.params.get(name) for name in ("from", "to"))
    if begin is None:
        last = request.at if end is None else int(end) * 1000
        return last - _WEEK, last
    first = int(begin) * 1000
    last = first + _WEEK if end is None else int(end) * 1000
    if last - first > _MONTH:
        raise refusals.invalid("the time range must not exceed 30 days")
    return first, last


def _require_trading(account: Account) -> None:
    if not account.can_trade:
        raise refusals.forbidden()
