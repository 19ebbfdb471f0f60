"""The one WebSocket: prices, order books and trades for all, and an account's orders by token."""

from collections.abc import Callable, Mapping
from itertools import count

from tests.support.venues.coinbase.api import market_pages, signatures
from tests.support.venues.coinbase.api.market_pages import Sides
from tests.support.venues.coinbase.api.names import product_id, symbol_of, time_text
from tests.support.venues.coinbase.api.order_pages import streamed_order
from tests.support.venues.coinbase.api.refusals import Refused
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.orders import Change, Order
from tests.support.venues.engine.tape import Tape
from tests.support.venues.serving.deliveries import Deliveries, Page
from tests.support.venues.serving.faults import Answer, Cut
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind
from tests.support.venues.serving.sockets import Message, Socket, Sockets

USER, HEARTBEATS = "user", "heartbeats"
_PUBLIC = ("ticker", "ticker_batch", "level2", "market_trades")
# Under which a socket keeps whose it is, and its next number.
_OWNER, _NUMBERS = "owner", "numbers"


class Streams(Deliveries):
    def __init__(
        self, books: Books, tapes: Mapping[str, Tape], gate: Gate, now: Callable[[], int]
    ) -> None:
        super().__init__()
        self.sockets = Sockets()
        # Products that share the order book of another one, by whose name they are streamed.
        self.aliases: dict[str, str] = {}
        self._books = books
        self._tapes = tapes
        self._gate = gate
        self._now = now
        books.listeners.append(self._changed)

    async def hear(self, socket: Socket, message: Message) -> None:
        channel = str(message.get("channel"))
        products = [str(product) for product in message.get("product_ids") or ()]
        match message.get("type"), channel:
            case "subscribe", "user":
                await self._subscribe_user(socket, message, products)
            case "subscribe", "heartbeats":
                socket.topics[HEARTBEATS] = True
                self._confirm(socket)
            case "subscribe", name if name in _PUBLIC:
                self._subscribe(socket, channel, products)
            case "unsubscribe", _:
                self._unsubscribe(socket, channel, products)
            case _:
                socket.say({"type": "error", "message": "failure to subscribe"})

    def listeners(self, account: str) -> int:
        """How many sockets hear of the account's orders."""
        return sum(
            socket.topics.get(_OWNER) == account and USER in socket.topics
            for socket in self.sockets.open
        )

    def say(self, account: str, event: Page) -> None:
        for socket in self.sockets.open:
            if socket.topics.get(_OWNER) == account and USER in socket.topics:
                self._say(socket, USER, [event])

    def beat(self) -> None:
        """Send what comes every second to those who asked for it."""
        for socket in self.sockets.open:
            if HEARTBEATS in socket.topics:
                event = {"current_time": time_text(self._now()), "heartbeat_counter": 1}
                self._say(socket, HEARTBEATS, [event])

    def moved(self, symbol: str, before: Sides) -> None:
        """Send the present prices of a market to all subscribers."""
        for socket in self.sockets.open:
            for topic in list(socket.topics):
                channel, _, product = topic.partition("::")
                if symbol_of(product) == symbol:
                    self._say_prices(socket, channel, product, before)

    def _changed(self, change: Change) -> None:
        self.tell(change.order.account, {"type": "update", "orders": [self._order(change.order)]})

    def _order(self, order: Order) -> Page:
        trades = [each for each in self._books.trades.values() if each.order_id == order.id]
        return streamed_order(order, self._books.listings[order.symbol], trades)

    async def _subscribe_user(self, socket: Socket, message: Message, products: list[str]) -> None:
        token, now = str(message.get("jwt", "")), self._now()
        try:
            accounts = self._books.accounts.values()
            owner = signatures.owner_of(token, accounts, now=now, uri=None)
        except Refused:
            socket.say({"type": "error", "message": "authentication failure"})
            return
        params = {"topics": USER, "products": ",".join(products)}
        outcome = await self._gate.admit(
            Request(kind=RequestKind.SUBSCRIBE, at=now, params=params, api_key=owner.api_key)
        )
        match outcome:
            case Cut():
                socket.cut()
            case Answer(body=b"{}"):
                socket.topics[_OWNER] = owner.name
                socket.topics[USER] = True
                self._confirm(socket)
                orders = [each for each in self._books.of(owner.name) if each.status.is_open]
                event = {"type": "snapshot", "orders": [self._order(order) for order in orders]}
                self._say(socket, USER, [event])
            case Answer():
                socket.say({"type": "error", "message": "failure to subscribe"})

    def _subscribe(self, socket: Socket, channel: str, products: list[str]) -> None:
        listed = {product_id(listing) for listing in self._books.listings.values()}
        if not products or not listed.issuperset(products):
            message = f"failure to subscribe, {products} is not a valid product"
            socket.say({"type": "error", "message": message})
            return
        socket.topics.update({f"{channel}::{product}": True for product in products})
        self._confirm(socket)
        for product in products:
            self._say_prices(socket, channel, product, None)

    def _unsubscribe(self, socket: Socket, channel: str, products: list[str]) -> None:
        for topic in (channel, *(f"{channel}::{product}" for product in products)):
            socket.topics.pop(topic, None)
        self._confirm(socket)

    def _confirm(self, socket: Socket) -> None:
        """Every change is answered with all that the socket is subscribed to."""
        found: dict[str, list[str]] = {}
        for topic in socket.topics:
            channel, _, product = topic.partition("::")
            if channel not in {_OWNER, _NUMBERS}:
                found.setdefault(channel, []).append(product)
        self._say(socket, "subscriptions", [{"subscriptions": found}])

    def _say_prices(self, socket: Socket, channel: str, product: str, before: Sides | None) -> None:
        symbol, at = symbol_of(product), self._now()
        listing, tape = self._books.listings[symbol], self._tapes[symbol]
        event: Page = {"type": "snapshot" if before is None else "update"}
        match channel:
            case "ticker" | "ticker_batch":
                ticker = market_pages.streamed_ticker(listing, tape, at=at)
                event["tickers"] = [ticker | {"product_id": self.aliases.get(product, product)}]
            case "market_trades":
                event["trades"] = [market_pages.streamed_trade(listing, tape)]
            case _:
                event["product_id"] = product
                event["updates"] = market_pages.streamed_levels(tape, before, at=at)
        self._say(socket, "l2_data" if channel == "level2" else channel, [event])

    def _say(self, socket: Socket, channel: str, events: list[Page]) -> None:
        numbers = socket.topics.setdefault(_NUMBERS, count())
        socket.say(
            {
                "channel": channel,
                "client_id": "",
                "timestamp": time_text(self._now()),
                "sequence_num": next(numbers),
                "events": events,
            }
        )
