"""The fake Binance's control panel for tests: accounts, prices, orders and faults."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.domain import money
from app.ports import Clock
from tests.support.binance.api.faults import CUT
from tests.support.binance.api.gate import Gate
from tests.support.binance.api.limits import Limits
from tests.support.binance.api.market_desk import MarketDesk
from tests.support.binance.api.market_streams import MarketStreams
from tests.support.binance.api.order_desk import OrderDesk
from tests.support.binance.api.user_streams import UserStreams
from tests.support.binance.engine.accounts import Account
from tests.support.binance.engine.balances import Books, Fill
from tests.support.binance.engine.balancing import imbalances
from tests.support.binance.engine.client_order_ids import ClientOrderIds
from tests.support.binance.engine.digits import ZERO, Number
from tests.support.binance.engine.filters import NewOrder
from tests.support.binance.engine.listings import DEFAULT_LISTINGS, Listing
from tests.support.binance.engine.matching import Matching
from tests.support.binance.engine.orders import Order, Side, Status, Trade, Type
from tests.support.binance.engine.tape import Print, Quote, Tape


class Venue:
    def __init__(self, clock: Clock) -> None:
        self.skew_seconds = 0.0
        self.address = ""
        self.books = Books(self.now, self._bnb_rate)
        self.matching = Matching(self.books, self.now)
        self.limits = Limits()
        markets = MarketDesk(self.books.listings, self.matching.tapes, self.limits)
        self.desk = OrderDesk(self.books, self.matching, markets)
        self.gate = Gate(markets, self.desk, self.limits, self.now)
        self.faults = self.gate.faults
        self.journal = self.gate.journal
        self.market_streams = MarketStreams(self.matching.tapes, self.now)
        self.user_streams = UserStreams(self.books, self.gate, self.now)
        self._clock = clock
        self._names = ClientOrderIds("web")
        for listing in DEFAULT_LISTINGS:
            self.list_market(listing)

    def now(self) -> int:
        """The exchange's clock in milliseconds, which skew_seconds makes wrong."""
        return self._true_now() + round(self.skew_seconds * 1000)

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
        for asset, amount in balances.items():
            account.deposit(asset, Decimal(amount))
        self.books.accounts[name] = account
        return account

    def deposit(self, account: Account, asset: str, amount: Number) -> None:
        """Deposit money, or withdraw it if the amount is negative."""
        account.deposit(asset, Decimal(amount))
        self.user_streams.moved(account, asset, Decimal(amount))

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
        self.market_streams.moved(symbol, before)
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

    def hide_new_orders(self, seconds: float) -> None:
        """Hide orders and trades from lookups until they are this old."""
        self.desk.visible_after_seconds = seconds

    def black_out(self) -> None:
        """Cut every connection and request until light_up."""
        self.faults.everywhere(CUT)
        for sockets in (self.market_streams.sockets, self.user_streams.sockets):
            sockets.is_refusing = True
            sockets.cut()

    def light_up(self) -> None:
        self.faults.off()
        for sockets in (self.market_streams.sockets, self.user_streams.sockets):
            sockets.is_refusing = False

    def assert_books_balance(self) -> None:
        found = imbalances(self.books)
        assert not found, "; ".join(found)

    def ccxt_settings(self, account: Account | None) -> dict[str, Any]:
        """ccxt options that point its Binance class here, as JSON values; needs a real clock."""
        keys = {"apiKey": account.api_key, "secret": account.secret} if account else {}
        options = {
            "fetchMarkets": {"types": ["spot"]},
            "fetchCurrencies": False,
            "fetchMargins": False,
        }
        return {"urls": {"api": dict(self._urls())}, "options": options, **keys}

    def ccxt_config(self, account: Account | None) -> dict[str, Any]:
        """The same with exact numbers and the fake's clock, for ccxt's constructor."""
        return {**self.ccxt_settings(account), "number": str, "milliseconds": self._true_now}

    def _urls(self) -> Mapping[str, Any]:
        http, socket = f"http://{self.address}", f"ws://{self.address}"
        rest = {"public": "/api/v3", "private": "/api/v3", "v1": "/api/v1", "sapi": "/sapi/v1"}
        others = {"fapiPublic": "/fapi/v1", "dapiPublic": "/dapi/v1", "eapiPublic": "/eapi/v1"}
        versions = {f"sapiV{number}": f"/sapi/v{number}" for number in (2, 3, 4)}
        paths = rest | others | versions
        streams = {"spot": f"{socket}/stream/ws", "ws-api": {"spot": f"{socket}/ws-api/v3"}}
        return {name: http + path for name, path in paths.items()} | {"ws": streams}

    def _true_now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)

    def _bnb_rate(self, quote: str) -> Decimal | None:
        tape = self.matching.tapes.get(f"BNB{quote}")
        return tape.last.price if tape else None
