"""The account's WebSocket: login, subscription, and a message for each change of an order."""

from collections.abc import Callable
from typing import Any

from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.orders import Change
from tests.support.venues.okx.api import signatures
from tests.support.venues.okx.api.market_pages import Page
from tests.support.venues.okx.api.order_desk import OrderDesk
from tests.support.venues.okx.api.order_pages import streamed_page
from tests.support.venues.okx.api.refusals import Refused, unauthorized
from tests.support.venues.serving.deliveries import Deliveries
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind
from tests.support.venues.serving.sockets import Message, Socket, Sockets

_KINDS = {"login": RequestKind.LOGIN, "subscribe": RequestKind.SUBSCRIBE}
_VERIFIED = "GET/users/self/verify"
_OWNER = "owner"


class UserStreams(Deliveries):
    def __init__(self, books: Books, desk: OrderDesk, gate: Gate, now: Callable[[], int]) -> None:
        super().__init__()
        self.sockets = Sockets()
        self._books = books
        self._desk = desk
        self._gate = gate
        self._now = now
        books.listeners.append(self._changed)

    async def hear(self, socket: Socket, message: Message) -> None:
        if message.get("word") == "ping":
            socket.say_raw("pong")
            return
        kind = _KINDS.get(str(message.get("op")))
        for asked in message.get("args") or ():
            if kind is not None:
                self._gate.journal.write(Request(kind=kind, at=self._now()))
            try:
                self._serve(socket, kind, asked)
            except Refused as refused:
                error = {"event": "error", "code": refused.code, "msg": refused.message}
                socket.say({**error, "connId": "a4d3ae55"})

    def listeners(self, account: str) -> int:
        return sum(self._is_heard_by(socket, account) for socket in self.sockets.open)

    def say(self, account: str, event: Page) -> None:
        for socket in self.sockets.open:
            if self._is_heard_by(socket, account):
                topic = socket.topics["orders"]
                socket.say({"arg": {**topic, "uid": "44705892343619584"}, "data": [event]})

    def _serve(self, socket: Socket, kind: RequestKind | None, asked: dict[str, Any]) -> None:
        match kind:
            case RequestKind.LOGIN:
                socket.topics[_OWNER] = self._owner(asked).name
                socket.say({"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"})
            case RequestKind.SUBSCRIBE if _OWNER not in socket.topics:
                raise unauthorized("60011", "Please log in")
            case RequestKind.SUBSCRIBE if asked.get("channel") == "orders":
                # A second subscription to the same channel changes nothing.
                socket.topics["orders"] = asked
                socket.say({"event": "subscribe", "arg": asked, "connId": "a4d3ae55"})
            case _:
                raise unauthorized("60018", f"Wrong URL or channel:{asked} doesn't exist.")

    def _owner(self, asked: dict[str, Any]) -> Account:
        """Who logs in. Raises Refused."""
        account = signatures.owner_of(asked.get("apiKey"), self._books.accounts.values())
        timestamp = str(asked.get("timestamp"))
        signatures.check_time(int(timestamp) * 1000, self._now())
        signatures.check_signature(account, timestamp + _VERIFIED, str(asked.get("sign")))
        if asked.get("passphrase") != signatures.passphrase_of(account):
            raise unauthorized("60024", "Wrong passphrase")
        return account

    def _is_heard_by(self, socket: Socket, account: str) -> bool:
        return socket.topics.get(_OWNER) == account and "orders" in socket.topics

    def _changed(self, change: Change) -> None:
        order = change.order
        page = streamed_page(
            order,
            self._books.listings[order.symbol],
            self._desk.trades_of(order),
            is_new=change.trade is not None,
        )
        self.tell(order.account, page)
