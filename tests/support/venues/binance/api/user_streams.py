"""The account's WebSocket: streams its order reports, and takes requests as HTTP does."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.support.venues.binance.api.order_pages import (
    Page,
    balance_report,
    execution_report,
    position_report,
)
from tests.support.venues.binance.api.rest import named_order
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.orders import Change
from tests.support.venues.serving.deliveries import Deliveries
from tests.support.venues.serving.faults import Answer, Cut
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind
from tests.support.venues.serving.sockets import Message, Socket, Sockets

METHODS = {
    "ping": RequestKind.PING,
    "time": RequestKind.TIME,
    "userDataStream.subscribe.signature": RequestKind.SUBSCRIBE,
    "order.place": RequestKind.CREATE_ORDER,
    "order.cancel": RequestKind.CANCEL_ORDER,
    "order.status": RequestKind.FETCH_ORDER,
    "openOrders.status": RequestKind.OPEN_ORDERS,
    "allOrders": RequestKind.ALL_ORDERS,
    "myTrades": RequestKind.MY_TRADES,
    "account.status": RequestKind.ACCOUNT,
}
_OK = 200


class UserStreams(Deliveries):
    def __init__(self, books: Books, gate: Gate, now: Callable[[], int]) -> None:
        super().__init__()
        self.sockets = Sockets()
        self._books = books
        self._gate = gate
        self._now = now
        books.listeners.append(self._changed)

    async def hear(self, socket: Socket, message: Message) -> None:
        kind = METHODS.get(str(message.get("method")))
        if kind is None:
            error = {"code": -1100, "msg": "Invalid method."}
            socket.say({"id": message.get("id"), "status": 400, "error": error})
            return
        request = self._request(kind, message.get("params") or {})
        outcome = await self._gate.admit(request)
        match outcome:
            case Cut():
                socket.cut()
            case Answer():
                self._answer(socket, message, request, outcome)

    def listeners(self, account: str) -> int:
        return sum(account in socket.topics.values() for socket in self.sockets.open)

    def terminate(self, account: str) -> None:
        """End the account's stream, but leave its sockets open."""
        self.say(account, {"e": "eventStreamTerminated", "E": self._now()})
        for socket in self.sockets.open:
            ended = [topic for topic, whose in socket.topics.items() if whose == account]
            for topic in ended:
                del socket.topics[topic]

    def moved(self, account: Account, asset: str, change: Decimal) -> None:
        """Report a deposit or withdrawal."""
        now = self._now()
        self.tell(account.name, balance_report(asset, change, at=now))
        self.tell(account.name, position_report(account, [asset], at=now))

    def _changed(self, change: Change) -> None:
        order, now = change.order, self._now()
        account = self._books.accounts[order.account]
        listing = self._books.listings[order.symbol]
        fees = [change.trade.commission_asset] if change.trade else []
        assets = dict.fromkeys([listing.base, listing.quote, *fees])
        self.tell(account.name, execution_report(change, at=now))
        self.tell(account.name, position_report(account, assets, at=now))

    def say(self, account: str, event: Page) -> None:
        for socket in self.sockets.open:
            for topic, whose in socket.topics.items():
                if whose == account:
                    socket.say({"subscriptionId": int(topic), "event": event})

    def _request(self, kind: RequestKind, params: dict[str, Any]) -> Request:
        texts = {name: _text(value) for name, value in params.items()}
        signed = sorted(texts.items() - {("signature", texts.get("signature", ""))})
        return Request(
            kind=kind,
            at=self._now(),
            params=texts,
            client_order_id=named_order(texts),
            payload="&".join(f"{name}={value}" for name, value in signed),
            api_key=texts.get("apiKey"),
        )

    def _answer(self, socket: Socket, message: Message, request: Request, answer: Answer) -> None:
        if answer.content_type != "application/json" or answer.is_cut_short:
            socket.say_raw(answer.body.decode())
            return
        page: Any = json.loads(answer.body)
        if answer.status != _OK:
            socket.say({"id": message["id"], "status": answer.status, "error": page})
            return
        if request.kind is RequestKind.SUBSCRIBE:
            page = {"subscriptionId": self._subscribe(socket, request)}
        socket.say({"id": message["id"], "status": _OK, "result": page, "rateLimits": []})

    def _subscribe(self, socket: Socket, request: Request) -> int:
        owners = (each for each in self._books.accounts.values() if each.api_key == request.api_key)
        number = len(socket.topics)
        socket.topics[str(number)] = next(owners).name
        return number


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
