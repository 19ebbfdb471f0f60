"""A local exchange's control panel for tests: accounts, prices, orders and faults."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from app.domain import money
from app.ports import Clock
from tests.support.venues.engine.accounts import Account, Commission
from tests.support.venues.engine.balances import Books, Fill
from tests.support.venues.engine.balancing import imbalances
from tests.support.venues.engine.client_order_ids import ClientOrderIds
from tests.support.venues.engine.digits import ZERO, Number
from tests.support.venues.engine.listings import DEFAULT_LISTINGS, Listing
from tests.support.venues.engine.matching import Matching
from tests.support.venues.engine.orders import NewOrder, Order, Side, Status, Trade, Type
from tests.support.venues.engine.tape import Print, Quote, Tape
from tests.support.venues.serving.deliveries import Deliveries
from tests.support.venues.serving.faults import CUT, Faults
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.own_faults import OwnFaults
from tests.support.venues.serving.requests import Journal, Request
from tests.support.venues.serving.sockets import Sockets, Speaker

# How the client order ids of other programs begin.
OTHERS = "web"


class LocalVenue(ABC):
    """The books and what happens at the exchange; a subclass gives the exchange's own protocol."""

    # ccxt's name of the exchange.
    exchange: str
    # What fees are paid in, if an account does not choose.
    usual_commission = Commission.RECEIVED
    # Whether it tells the client order ids of orders that other programs placed.
    names_others = True
    # Whether a market buy tells the money that it spends instead of an amount to buy.
    buys_spend_money = False
    # Whether it tells that it ended an order because nothing filled it at once, and that it ended a
    # post-only order because something would; otherwise it says that the order was canceled.
    tells_unfilled = True
    tells_crossing = True
    # How many channels an account subscribes to.
    account_channels = 1
    gate: Gate
    user_streams: Deliveries

    def __init__(self, clock: Clock) -> None:
        self.skew_seconds = 0.0
        self.address = ""
        self.books = Books(self.now, self._bnb_rate)
        self.matching = Matching(self.books, self.now)
        self._clock = clock
        self._names = ClientOrderIds(OTHERS)
        for listing in DEFAULT_LISTINGS:
            self.list_market(listing)

    @abstractmethod
    async def read(self, request: web.BaseRequest) -> Request:
        """What an HTTP request asks for."""

    @abstractmethod
    def speaker(self, path: str) -> tuple[Sockets, Speaker] | None:
        """Who answers on a WebSocket with this path; None if the path is one for HTTP."""

    @property
    @abstractmethod
    def market_sockets(self) -> Sockets: ...

    @property
    @abstractmethod
    def user_sockets(self) -> Sockets: ...

    @abstractmethod
    def lift_limits(self) -> None:
        """Refuse nothing any more because too much was asked."""

    @abstractmethod
    def moved(self, symbol: str, before: Any) -> None:
        """Stream the new prices of a market; `before` are the levels of its book until now."""

    @abstractmethod
    def deposited(self, account: Account, asset: str, change: Decimal) -> None:
        """Stream a deposit or withdrawal."""

    @abstractmethod
    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        """ccxt options that point its class here, as JSON values; needs a real clock."""

    @abstractmethod
    def hide_new_orders(self, seconds: float) -> None:
        """Hide orders and trades from lookups until they are this old."""

    @property
    @abstractmethod
    def own_faults(self) -> OwnFaults:
        """Faults in the exchange's own words."""

    def order_id(self, order: Order) -> str:
        """The exchange's id of an order, as it tells it."""
        return str(order.id)

    def trade_id(self, trade: Trade) -> str:
        return str(trade.id)

    @property
    def faults(self) -> Faults:
        return self.gate.faults

    @property
    def journal(self) -> Journal:
        return self.gate.journal

    @property
    def sockets(self) -> tuple[Sockets, Sockets]:
        return self.market_sockets, self.user_sockets

    def now(self) -> int:
        """The exchange's clock in milliseconds, which skew_seconds makes wrong."""
        return self.true_now() + round(self.skew_seconds * 1000)

    def true_now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)

    def list_market(self, listing: Listing) -> None:
        self.books.listings[listing.symbol] = listing
        quote = Quote(bid=money.subtract(listing.price, listing.tick), ask=listing.price)
        tape = Tape(quote, price=listing.price, tick=listing.tick, at=self.now())
        self.matching.tapes[listing.symbol] = tape

    def delist_market(self, symbol: str) -> None:
        """Cancel the market's open orders and remove it."""
        for order in self.books.open_orders(symbol):
            self.cancel(order.id)
        del self.books.listings[symbol]

    def open_account(self, name: str, **balances: Number) -> Account:
        """An account with these balances, whose key may trade but not withdraw."""
        key, secret = (hashlib.sha256(f"{name} {part}".encode()).hexdigest() for part in "ks")
        account = Account(name=name, api_key=key, secret=secret)
        account.commission = self.usual_commission
        for asset, amount in balances.items():
            account.deposit(asset, Decimal(amount))
        self.books.accounts[name] = account
        return account

    def deposit(self, account: Account, asset: str, amount: Number) -> None:
        """Deposit money, or withdraw it if the amount is negative."""
        account.deposit(asset, Decimal(amount))
        self.deposited(account, asset, Decimal(amount))

    def move(self, symbol: str, price: Number, *, amount: Number = 1) -> None:
        """Set the price of a market, with a spread of one tick."""
        tick = self.books.listings[symbol].tick
        ask = Decimal(price)
        quote = Quote(bid=money.subtract(ask, tick), ask=ask)
        self.quote(symbol, quote, last=ask, amount=amount)

    def quote(self, symbol: str, quote: Quote, *, last: Number, amount: Number = 1) -> None:
        """Set bid, ask and last price, and fill or trigger the orders that they reach."""
        tape = self.matching.tapes[symbol]
        before = (tape.bids(), tape.asks())
        tape.move(quote, Print(at=self.now(), price=Decimal(last), amount=Decimal(amount)))
        self.moved(symbol, before)
        self.matching.meet(symbol)

    def place_elsewhere(
        self,
        account: Account,
        symbol: str,
        side: str,
        amount: Number,
        price: Number | None = None,
    ) -> Order:
        """Place an order outside of the API, as another program would; MARKET without a price."""
        new_order = NewOrder(
            client_order_id=self._names.next(),
            side=Side(side),
            type=Type.MARKET if price is None else Type.LIMIT,
            amount=Decimal(amount),
            price=ZERO if price is None else Decimal(price),
        )
        return self.matching.place(new_order, account.name, self.books.listings[symbol])

    def order(self, id: int | str) -> Order:
        """The present state of an order, by client order id or else by exchange order id."""
        latest_first = reversed(self.books.orders.values())
        named = (order for order in latest_first if order.client_order_id == id)
        return next(named, None) or self.books.orders[int(id)]

    def orders(self, account: Account) -> list[Order]:
        return self.books.of(account.name)

    def trades(self, account: Account) -> list[Trade]:
        return [trade for trade in self.books.trades.values() if trade.account == account.name]

    def fill(
        self, id: int | str, amount: Number | None = None, price: Number | None = None
    ) -> Order:
        """Fill an open order, by default completely and at its own price.

        The market's prices stay as they are.
        """
        order = self.order(id)
        own = order.price or order.stop_price
        fill = Fill(
            amount=order.remaining if amount is None else Decimal(amount),
            price=own if price is None else Decimal(price),
        )
        return self.books.fill(order, fill)

    def cancel(self, id: int | str) -> Order:
        """Cancel an order on the exchange's own initiative."""
        return self.books.close(self.order(id), Status.CANCELED, request_id=self._names.next())

    def expire(self, id: int | str) -> Order:
        return self.books.close(self.order(id), Status.EXPIRED)

    def black_out(self) -> None:
        """Cut every connection and request until light_up."""
        self.faults.everywhere(CUT)
        for sockets in self.sockets:
            sockets.is_refusing = True
            sockets.cut()

    def light_up(self) -> None:
        self.faults.off()
        for sockets in self.sockets:
            sockets.is_refusing = False

    def assert_books_balance(self) -> None:
        found = imbalances(self.books)
        assert not found, "; ".join(found)

    def ccxt_config(self, account: Account | None) -> dict[str, Any]:
        """The same with exact numbers and this exchange's clock, for ccxt's constructor."""
        return {**self.ccxt_settings(account), "number": str, "milliseconds": self.true_now}

    def keys(self, account: Account | None) -> Mapping[str, str]:
        return {"apiKey": account.api_key, "secret": account.secret} if account else {}

    def _bnb_rate(self, quote: str) -> Decimal | None:
        tape = self.matching.tapes.get(f"BNB{quote}")
        return tape.last.price if tape else None
