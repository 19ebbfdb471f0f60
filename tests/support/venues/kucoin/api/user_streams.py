"""The account's WebSocket: a message for each change of an order, and none tells a fee."""

from collections.abc import Callable

from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.orders import Change, Execution, Status
from tests.support.venues.kucoin.api import order_pages, sockets_talk
from tests.support.venues.kucoin.api.market_pages import Page
from tests.support.venues.kucoin.api.stream_tokens import StreamTokens
from tests.support.venues.serving.deliveries import Deliveries
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind
from tests.support.venues.serving.sockets import Message, Socket, Sockets

ORDERS = "/spotMarket/tradeOrders"


class UserStreams(Deliveries):
    def __init__(
        self, books: Books, tokens: StreamTokens, gate: Gate, now: Callable[[], int]
    ) -> None:
        super().__init__()
        self.sockets = Sockets()
        self._books = books
        self._tokens = tokens
        self._gate = gate
        self._now = now
        books.listeners.append(self._changed)

    async def hear(self, socket: Socket, message: Message) -> None:
        if sockets_talk.is_expired(socket, self._tokens):
            sockets_talk.fail(socket, message, 401, "token is expired")
            return
        sockets_talk.greet(socket)
        match message.get("type"):
            case "ping":
                sockets_talk.answer(socket, message, "pong")
            case "subscribe":
                self._gate.journal.write(Request(kind=RequestKind.SUBSCRIBE, at=self._now()))
                self._subscribe(socket, message)
            case _:
                sockets_talk.fail(socket, message, 415, "type is not supported")

    def listeners(self, account: str) -> int:
        return sum(self._is_heard_by(socket, account) for socket in self.sockets.open)

    def say(self, account: str, event: Page) -> None:
        for socket in self.sockets.open:
            if self._is_heard_by(socket, account):
                head = {"topic": ORDERS, "type": "message", "subject": "orderChange"}
                socket.say({**head, "channelType": "private", "userId": account, "data": event})

    def _subscribe(self, socket: Socket, message: Message) -> None:
        if message.get("topic") != ORDERS:
            words = f"topic {message.get('topic')} is not found"
            sockets_talk.fail(socket, message, 404, words)
        elif message.get("privateChannel") is not True:
            sockets_talk.fail(socket, message, 403, "login is required")
        else:
            socket.topics[ORDERS] = ""
            sockets_talk.answer(socket, message, "ack")

    def _is_heard_by(self, socket: Socket, account: str) -> bool:
        owner = self._tokens.owner(socket.query.get("token"))
        return owner == account and ORDERS in socket.topics

    def _changed(self, change: Change) -> None:
        order = change.order
        page = order_pages.streamed_page(change, self._books.listings[order.symbol])
        if page is not None:
            self.tell(order.account, page)
        if change.execution is Execution.TRADE and order.status is Status.FILLED:
            listing = self._books.listings[order.symbol]
            self.tell(order.account, order_pages.filled_page(order, listing))
