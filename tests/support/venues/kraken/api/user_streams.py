"""WebSocket version 2, private: the channel of executions, which has orders and trades."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.venues.engine.balances import Books
from tests.support.venues.engine.orders import Change, Execution, Order, Status
from tests.support.venues.kraken.api import order_pages
from tests.support.venues.kraken.api.market_pages import moment_text
from tests.support.venues.kraken.api.numbers_json import written
from tests.support.venues.serving.deliveries import Deliveries, Page
from tests.support.venues.serving.faults import Answer, Cut
from tests.support.venues.serving.gate import Gate
from tests.support.venues.serving.requests import Request, RequestKind
from tests.support.venues.serving.sockets import Message, Socket, Sockets

_CHANNEL = "executions"


class UserStreams(Deliveries):
    def __init__(self, books: Books, gate: Gate, now: Callable[[], int]) -> None:
        super().__init__()
        self.sockets = Sockets()
        self._books = books
        self._gate = gate
        self._now = now
        books.listeners.append(self._changed)

    async def hear(self, socket: Socket, message: Message) -> None:
        match message.get("method"):
            case "ping":
                socket.say_raw(written({"method": "pong", **self._times(message)}))
            case "subscribe":
                await self._subscribe(socket, message)
            case _:
                error = {"success": False, "error": "Method not supported"}
                answer = {"method": message.get("method"), **error, **self._times(message)}
                socket.say_raw(written(answer))

    def listeners(self, account: str) -> int:
        return sum(account in socket.topics.values() for socket in self.sockets.open)

    def terminate(self, account: str) -> None:
        """End the account's stream, but leave its sockets open."""
        for socket in self.sockets.open:
            ended = [topic for topic, whose in socket.topics.items() if whose == account]
            for topic in ended:
                del socket.topics[topic]

    def say(self, account: str, event: Page) -> None:
        for socket in self.sockets.open:
            if account in socket.topics.values():
                self._send(socket, [event], "update")

    async def _subscribe(self, socket: Socket, message: Message) -> None:
        params = message.get("params") or {}
        request = Request(
            kind=RequestKind.SUBSCRIBE,
            at=self._now(),
            params={"token": str(params.get("token", "")), "channel": str(params.get("channel"))},
        )
        outcome = await self._gate.admit(request)
        match outcome:
            case Cut():
                socket.cut()
            case Answer():
                self._answer(socket, message, json.loads(outcome.body))

    def _answer(self, socket: Socket, message: Message, page: Any) -> None:
        head = {"method": "subscribe", **self._times(message)}
        if page["error"]:
            socket.say_raw(written({**head, "success": False, "error": page["error"][0]}))
            return
        name = page["result"]["account"]
        socket.topics[_CHANNEL] = name
        socket.say_raw(written({**head, "success": True, "result": {"channel": _CHANNEL}}))
        waiting = [order for order in self._books.of(name) if order.status.is_open]
        self._send(socket, [self._snapshot(order) for order in waiting], "snapshot")

    def _changed(self, change: Change) -> None:
        order = change.order
        listing = self._books.listings[order.symbol]
        if change.trade is not None:
            self.tell(order.account, order_pages.trade_event(change.trade, order, listing))
        is_end = order.status is Status.FILLED
        if change.execution is not Execution.TRADE or is_end:
            self.tell(order.account, order_pages.order_event(change, listing))

    def _snapshot(self, order: Order) -> Page:
        return order_pages.snapshot_event(order, self._books.listings[order.symbol])

    def _send(self, socket: Socket, events: list[Page], kind: str) -> None:
        # A mixed message would be read by the kind of its first event alone.
        numbers = socket.topics.setdefault("sequence", [0])
        numbers[0] += 1
        page = {"channel": _CHANNEL, "type": kind, "data": events, "sequence": numbers[0]}
        socket.say_raw(written(page))

    def _times(self, message: Message) -> Message:
        moment = moment_text(self._now())
        known = {"req_id": message["req_id"]} if "req_id" in message else {}
        return {**known, "time_in": moment, "time_out": moment}
