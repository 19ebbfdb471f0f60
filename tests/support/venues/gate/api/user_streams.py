"""The WebSocket, where public channels and those of an account share one connection."""

from collections.abc import Callable
from typing import Any

from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.orders import Change
from tests.support.venues.gate.api import order_pages, signatures
from tests.support.venues.gate.api.market_streams import CHANNELS, MarketStreams
from tests.support.venues.gate.api.order_desk import OrderDesk
from tests.support.venues.gate.api.refusals import Refused
from tests.support.venues.serving.deliveries import Deliveries, Page
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind
from tests.support.venues.serving.sockets import Message, Socket, Sockets

_ORDERS = "spot.orders"
_TRADES = "spot.usertrades"
_PRIVATE = {_ORDERS, _TRADES}
_BAD_REQUEST, _BAD_KEY = 2, 4


class UserStreams(Deliveries):
    def __init__(
        self,
        sockets: Sockets,
        books: Books,
        desk: OrderDesk,
        markets: MarketStreams,
        gate: Gate,
        now: Callable[[], int],
    ) -> None:
        super().__init__()
        self.sockets = sockets
        self._books = books
        self._desk = desk
        self._markets = markets
        self._gate = gate
        self._now = now
        books.listeners.append(self._changed)

    async def hear(self, socket: Socket, message: Message) -> None:
        channel, event = str(message.get("channel")), message.get("event")
        if channel == "spot.ping":
            socket.say({"time": self._now() // 1000, "channel": "spot.pong", "result": None})
            return
        try:
            match event:
                case "subscribe" if channel in _PRIVATE:
                    self._subscribe(socket, channel, message)
                case "subscribe" if channel in CHANNELS:
                    socket.say(self._reply(message))
                    self._markets.subscribe(socket, channel, message["payload"])
                case "unsubscribe":
                    self._markets.leave(socket, channel, message["payload"])
                    socket.say(self._reply(message))
                case _:
                    raise Refused(label="2", message=f"unknown channel {channel}")
        except Refused as refused:
            code = _BAD_KEY if channel in _PRIVATE else _BAD_REQUEST
            error = {"code": code, "message": refused.message}
            status = {"result": {"status": "fail"}}
            socket.say({**self._reply(message), "error": error, **status})

    def listeners(self, account: str) -> int:
        """How many sockets hear of the account's orders and of its trades."""
        heard = {(channel, account) for channel in _PRIVATE}
        return sum(heard <= set(_private(socket)) for socket in self.sockets.open)

    def say(self, account: str, event: Page) -> None:
        for socket in self.sockets.open:
            if (event["channel"], account) in _private(socket):
                socket.say(event)

    def _subscribe(self, socket: Socket, channel: str, message: Message) -> None:
        """Raises Refused if the message is not signed by an account."""
        self._gate.journal.write(Request(kind=RequestKind.SUBSCRIBE, at=self._now()))
        auth, seconds = message.get("auth") or {}, int(message["time"])
        account = signatures.owner_of(auth.get("KEY"), self._books.accounts.values())
        signatures.check_time(seconds, self._now())
        signed = f"channel={channel}&event=subscribe&time={seconds}"
        signatures.check_signature(account, signed, str(auth.get("SIGN")))
        socket.topics[channel] = account.name
        socket.say(self._reply(message))

    def _reply(self, message: Message) -> Page:
        now = self._now()
        return {
            "time": now // 1000,
            "time_ms": now,
            "id": message.get("id"),
            "conn_id": "62f2c1dabbe186d7",
            "channel": message.get("channel"),
            "event": message.get("event"),
            "payload": message.get("payload"),
            "result": {"status": "success"},
        }

    def _changed(self, change: Change) -> None:
        order = change.order
        listing, text = self._books.listings[order.symbol], self._desk.text_of(order)
        if change.trade is not None:
            page = order_pages.streamed_trade(change.trade, listing, text=text)
            self.tell(order.account, self._event(_TRADES, page))
        page = order_pages.streamed_order(
            order,
            listing,
            self._desk.trades_of(order),
            text=text,
            account=self._desk.kind_of(order.account),
        )
        self.tell(order.account, self._event(_ORDERS, page))

    def _event(self, channel: str, page: Page) -> Page:
        now = self._now()
        head = {"time": now // 1000, "time_ms": now, "channel": channel, "event": "update"}
        return {**head, "result": [page]}


def _private(socket: Socket) -> Any:
    return {(name, topic) for name, topic in socket.topics.items() if name in _PRIVATE}
