"""The account's WebSocket: login, and the topics order, execution and wallet."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.venues.bybit.api import signatures
from tests.support.venues.bybit.api.account_desk import AccountDesk
from tests.support.venues.bybit.api.account_pages import balance_page
from tests.support.venues.bybit.api.order_pages import execution_page, order_page
from tests.support.venues.bybit.api.refusals import Refused
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.orders import Change
from tests.support.venues.serving.deliveries import Deliveries, Page
from tests.support.venues.serving.faults import Answer, Cut
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind
from tests.support.venues.serving.sockets import Message, Socket, Sockets

TOPICS = ("order", "execution", "wallet")
# Under which a socket keeps whose it is.
_OWNER = "owner"
_CONNECTION = "cpcj5gilqh5vgpqmb3n0-1"


class PrivateStreams(Deliveries):
    def __init__(
        self, books: Books, accounts: AccountDesk, gate: Gate, now: Callable[[], int]
    ) -> None:
        super().__init__()
        self.sockets = Sockets()
        # Whether executions say what their fee was paid in: Bybit's documentation does not list it.
        self.names_fees = True
        self._books = books
        self._accounts = accounts
        self._gate = gate
        self._now = now
        books.listeners.append(self._changed)

    async def hear(self, socket: Socket, message: Message) -> None:
        match message.get("op"):
            case "auth":
                self._log_in(socket, message)
            case "ping":
                socket.say(_pong(message, self._now()))
            case "subscribe":
                await self._subscribe(socket, message)
            case "unsubscribe":
                for topic in message.get("args") or ():
                    socket.topics.pop(str(topic), None)
                socket.say(_reply(message))
            case _:
                socket.say(_reply(message, error="error:invalid op"))

    def listeners(self, account: str) -> int:
        """How many sockets hear of the account's orders and of its trades."""
        return sum(
            socket.topics.get(_OWNER) == account and {"order", "execution"} <= socket.topics.keys()
            for socket in self.sockets.open
        )

    def say(self, account: str, event: Page) -> None:
        for socket in self.sockets.open:
            if socket.topics.get(_OWNER) == account and event["topic"] in socket.topics:
                socket.say(event)

    def moved(self, account: Account, asset: str) -> None:
        """Report a deposit or withdrawal."""
        is_unified = self._accounts.is_unified(account)
        page = balance_page(account, is_unified=is_unified, assets=[asset])
        self.tell(account.name, self._event("wallet", page["list"][0]))

    def _changed(self, change: Change) -> None:
        order = change.order
        if change.trade is not None:
            page = execution_page(change.trade, order) | {"category": "spot"}
            if not self.names_fees:
                del page["feeCurrency"]
            self.tell(order.account, self._event("execution", page))
        page = order_page(order) | {"category": "spot"}
        self.tell(order.account, self._event("order", page))

    def _event(self, topic: str, page: Page) -> Page:
        now = self._now()
        return {"id": f"{topic}-{now}", "topic": topic, "creationTime": now, "data": [page]}

    def _log_in(self, socket: Socket, message: Message) -> None:
        key, expires, given = (str(part) for part in message["args"])
        try:
            account = self._accounts.by_key(key)
        except Refused:
            socket.say(_reply(message, error="API key is invalid."))
            return
        if not signatures.is_login(account, expires, given, now=self._now()):
            socket.say(_reply(message, error="Params Error"))
            return
        socket.topics[_OWNER] = account.name
        socket.say(_reply(message))

    async def _subscribe(self, socket: Socket, message: Message) -> None:
        topics = [str(topic) for topic in message.get("args") or ()]
        owner = self._books.accounts.get(str(socket.topics.get(_OWNER)))
        if owner is None:
            socket.say(_reply(message, error="Request not authorized"))
            return
        request = Request(
            kind=RequestKind.SUBSCRIBE,
            at=self._now(),
            params={"topics": ",".join(topics)},
            api_key=owner.api_key,
        )
        outcome = await self._gate.admit(request)
        match outcome:
            case Cut():
                socket.cut()
            case Answer():
                self._confirm(socket, message, topics, outcome)

    def _confirm(self, socket: Socket, message: Message, topics: list[str], answer: Answer) -> None:
        code: Any = json.loads(answer.body).get("retCode")
        unknown = [topic for topic in topics if topic not in TOPICS]
        if code != 0 or unknown:
            socket.say(_reply(message, error=f"error:handler not found,topic:{unknown}"))
            return
        socket.topics.update(dict.fromkeys(topics))
        socket.say(_reply(message))


def _reply(message: Message, *, error: str | None = None) -> Page:
    page = {
        "success": error is None,
        "ret_msg": error or "",
        "op": message.get("op"),
        "conn_id": _CONNECTION,
    }
    if error is not None:
        page["request"] = {"op": message.get("op"), "args": message.get("args")}
    return page | ({"req_id": str(message["req_id"])} if "req_id" in message else {})


def _pong(message: Message, now: int) -> Page:
    return {
        "req_id": str(message.get("req_id", "")),
        "op": "pong",
        "args": [str(now)],
        "conn_id": _CONNECTION,
    }
