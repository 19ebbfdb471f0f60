"""Answers to private requests: orders, trades, balances and the key."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.client_order_ids import ClientOrderIds
from tests.support.venues.engine.matching import Matching
from tests.support.venues.engine.orders import Order, Status, Trade
from tests.support.venues.kraken.api import names, new_orders, order_pages
from tests.support.venues.kraken.api.limits import Limits
from tests.support.venues.kraken.api.market_desk import MarketDesk
from tests.support.venues.kraken.api.refusals import (
    invalid_arguments,
    invalid_session,
    permission_denied,
    unknown_order,
)
from tests.support.venues.kraken.api.signatures import Signatures
from tests.support.venues.serving.requests import Request, RequestKind

Handler = Callable[[Account, Request], Any]
Item = TypeVar("Item")

# The rows of a page of closed orders and of trades, and the ids of one question.
PAGE = 50
MOST_IDS = 20
_TOKEN_SECONDS = 900


class OrderDesk:
    def __init__(
        self, books: Books, matching: Matching, markets: MarketDesk, limits: Limits
    ) -> None:
        self.visible_after_seconds = 0.0
        self.signatures = Signatures()
        self._books = books
        self._matching = matching
        self._markets = markets
        self._limits = limits
        self._names = ClientOrderIds()
        self._tokens: dict[str, str] = {}
        self.answers: Mapping[RequestKind, Handler] = {
            RequestKind.CREATE_ORDER: self._create,
            RequestKind.AMEND_ORDER: self._amend,
            RequestKind.CANCEL_ORDER: self._cancel,
            RequestKind.CANCEL_ALL: self._cancel_all,
            RequestKind.FETCH_ORDER: self._fetch,
            RequestKind.OPEN_ORDERS: self._open_orders,
            RequestKind.ALL_ORDERS: self._closed_orders,
            RequestKind.MY_TRADES: self._trades_history,
            RequestKind.TRADES_BY_ID: self._query_trades,
            RequestKind.ACCOUNT: lambda account, _: order_pages.balances_page(account),
            RequestKind.RESTRICTIONS: self._key_info,
            RequestKind.STREAM_TOKEN: self._token,
            RequestKind.SUBSCRIBE: self._subscribe,
        }

    def answer(self, request: Request) -> Any:
        return self.answers[request.kind](self._owner(request), request)

    def holder(self, token: str) -> Account:
        """The account that asked for a stream's token. Raises Refused."""
        name = self._tokens.get(token)
        if name is None:
            raise invalid_session()
        return self._books.accounts[name]

    def _owner(self, request: Request) -> Account:
        if request.kind is RequestKind.SUBSCRIBE:
            return self.holder(request.params.get("token", ""))
        account = self.signatures.owner(request, self._books.accounts.values())
        self._limits.spend(request)
        return account

    def _create(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        listing = self._markets.listing(request.params)
        self._limits.place(account.name, listing.symbol, request)
        new_order = new_orders.read(request.params, listing, default_id=self._names.next())
        new_orders.check(new_order, listing, self._matching.tapes[listing.symbol].quote)
        order = self._matching.place(new_order, account.name, listing)
        return order_pages.placed_page(order, listing)

    def _amend(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        order = self._named(account, request)
        if order is None or not order.status.is_open:
            raise unknown_order()
        age = (request.at - order.created_at) / 1000
        self._limits.amend(account.name, order.symbol, request, age_seconds=age)
        terms = new_orders.read_terms(request.params)
        if terms.amount is not None and terms.amount <= order.filled:
            # Nothing would be left of it.
            self._close(order)
        else:
            listing = self._books.listings[order.symbol]
            quote = self._matching.tapes[order.symbol].quote
            new_orders.check(new_orders.changed(order, terms), listing, quote)
            self._matching.amend(order, terms)
        return {"amend_id": f"TAMEND-{request.params['nonce'][-5:]}-LOCAL0"}

    def _cancel(self, account: Account, request: Request) -> Any:
        _require_trading(account)
        order = self._named(account, request)
        if order is None or not order.status.is_open:
            raise unknown_order()
        age = (request.at - order.created_at) / 1000
        self._limits.cancel(account.name, order.symbol, request, age_seconds=age)
        self._close(order)
        return {"count": 1}

    def _cancel_all(self, account: Account, _: Request) -> Any:
        _require_trading(account)
        waiting = [order for order in self._books.of(account.name) if order.status.is_open]
        for order in waiting:
            self._close(order)
        return {"count": len(waiting)}

    def _close(self, order: Order) -> None:
        self._books.close(order, Status.CANCELED, request_id=self._names.next())

    def _named(self, account: Account, request: Request) -> Order | None:
        name, txid = request.params.get("cl_ord_id"), request.params.get("txid")
        if (name is None) is (txid is None):
            raise invalid_arguments()
        if txid is not None:
            return self._numbered(account, txid)
        mine = reversed(self._books.of(account.name))
        return next((order for order in mine if order.client_order_id == name), None)

    def _numbered(self, account: Account, txid: str) -> Order | None:
        order = self._books.orders.get(names.order_number(txid) or 0)
        return order if order is not None and order.account == account.name else None

    def _fetch(self, account: Account, request: Request) -> Any:
        txids = request.params.get("txid", "").split(",")
        if len(txids) > MOST_IDS:
            raise invalid_arguments("txid")
        found = [order for txid in txids if (order := self._numbered(account, txid)) is not None]
        seen = [order for order in found if self._is_visible(order.created_at, request)]
        if not seen:
            raise unknown_order()
        return self._pages(seen, account, request)

    def _open_orders(self, account: Account, request: Request) -> Any:
        orders = [order for order in self._listed(account, request) if order.status.is_open]
        return {"open": self._pages(orders, account, request)}

    def _closed_orders(self, account: Account, request: Request) -> Any:
        """Those of all markets that were opened or closed after the start, the latest first."""
        start = _seconds(request, "start")
        orders = [
            order
            for order in self._listed(account, request)
            if not order.status.is_open and max(order.created_at, order.updated_at) > start
        ]
        orders.sort(key=lambda order: (order.updated_at, order.id), reverse=True)
        page = self._pages(_page_of(orders, request), account, request)
        return {"closed": page, "count": len(orders)}

    def _trades_history(self, account: Account, request: Request) -> Any:
        start = _seconds(request, "start")
        trades = [trade for trade in self._trades(account, request) if trade.at > start]
        latest_first = sorted(trades, key=lambda trade: (trade.at, trade.id), reverse=True)
        pages = {
            names.trade_txid(trade.id): self._trade_page(trade)
            for trade in _page_of(latest_first, request)
        }
        return {"trades": pages, "count": len(trades)}

    def _query_trades(self, account: Account, request: Request) -> Any:
        txids = request.params.get("txid", "").split(",")
        if not txids[0] or len(txids) > MOST_IDS:
            raise invalid_arguments("txid")
        known = {names.trade_txid(trade.id): trade for trade in self._trades(account, request)}
        return {txid: self._trade_page(known[txid]) for txid in txids if txid in known}

    def _key_info(self, account: Account, request: Request) -> Any:
        return order_pages.key_page(account, nonce=request.params["nonce"])

    def _token(self, account: Account, request: Request) -> Any:
        token = hashlib.sha256(f"{account.name} {request.params['nonce']}".encode()).hexdigest()
        self._tokens[token] = account.name
        return {"token": token, "expires": _TOKEN_SECONDS}

    def _subscribe(self, account: Account, _: Request) -> Any:
        return {"account": account.name}

    def _pages(self, orders: Sequence[Order], account: Account, request: Request) -> Any:
        has_trades = request.params.get("trades") == "true"
        return {
            names.order_txid(order.id): order_pages.order_page(
                order,
                self._books.listings[order.symbol],
                account,
                self._trades_of(order) if has_trades else None,
            )
            for order in orders
        }

    def _trades_of(self, order: Order) -> list[Trade]:
        return [trade for trade in self._books.trades.values() if trade.order_id == order.id]

    def _trade_page(self, trade: Trade) -> Any:
        order, listing = self._books.orders[trade.order_id], self._books.listings[trade.symbol]
        return order_pages.trade_page(trade, order, listing)

    def _trades(self, account: Account, request: Request) -> list[Trade]:
        return [
            trade
            for trade in self._books.trades.values()
            if trade.account == account.name and self._is_visible(trade.at, request)
        ]

    def _listed(self, account: Account, request: Request) -> list[Order]:
        name = request.params.get("cl_ord_id")
        return [
            order
            for order in self._books.of(account.name)
            if self._is_visible(order.created_at, request) and name in {None, order.client_order_id}
        ]

    def _is_visible(self, at: int, request: Request) -> bool:
        return request.at - at >= self.visible_after_seconds * 1000


def _require_trading(account: Account) -> None:
    if not account.can_trade:
        raise permission_denied()


def _seconds(request: Request, name: str) -> int:
    """A time in seconds, which may have a fraction, as milliseconds."""
    return round(float(request.params.get(name, "0")) * 1000)


def _page_of(rows: Sequence[Item], request: Request) -> Sequence[Item]:
    offset = int(request.params.get("ofs", "0"))
    return rows[offset : offset + PAGE]
