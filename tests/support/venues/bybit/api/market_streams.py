"""The public WebSocket: tickers, candles and order books of spot markets."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.bybit.api import market_pages
from tests.support.venues.bybit.api.market_pages import SPANS, Page, Sides
from tests.support.venues.engine.tape import Tape
from tests.support.venues.serving.sockets import Message, Socket, Sockets

DEPTHS = {"1", "50", "200", "1000"}


class MarketStreams:
    def __init__(self, tapes: Mapping[str, Tape], now: Callable[[], int]) -> None:
        self.sockets = Sockets()
        self._tapes = tapes
        self._now = now

    async def hear(self, socket: Socket, message: Message) -> None:
        topics = [str(topic) for topic in message.get("args") or ()]
        match message.get("op"):
            case "subscribe":
                self._subscribe(socket, topics, message)
            case "unsubscribe":
                for topic in topics:
                    socket.topics.pop(topic, None)
                socket.say(_reply(message, "unsubscribe"))
            case "ping":
                socket.say(_reply(message, "ping") | {"ret_msg": "pong"})
            case other:
                socket.say(_reply(message, str(other), error="error:invalid op"))

    def moved(self, symbol: str, before: Sides) -> None:
        """Send the present prices of a market to all subscribers."""
        for socket in self.sockets.open:
            for topic in list(socket.topics):
                if topic.endswith(f".{symbol}"):
                    self._say(socket, topic, before)

    def _subscribe(self, socket: Socket, topics: list[str], message: Message) -> None:
        unknown = [topic for topic in topics if not self._is_offered(topic)]
        if unknown:
            error = f"error:handler not found,topic:{unknown[0]}"
            socket.say(_reply(message, "subscribe", error=error))
            return
        socket.topics.update(dict.fromkeys(topics))
        socket.say(_reply(message, "subscribe"))
        for topic in topics:
            self._say(socket, topic, None)

    def _is_offered(self, topic: str) -> bool:
        match topic.split("."):
            case ["tickers", symbol]:
                return symbol in self._tapes
            case ["orderbook", depth, symbol]:
                return depth in DEPTHS and symbol in self._tapes
            case ["kline", interval, symbol]:
                return interval in SPANS and symbol in self._tapes
        return False

    def _say(self, socket: Socket, topic: str, before: Sides | None) -> None:
        """The topic's message: of an order book the changes, if it was sent before."""
        name, *middle, symbol = topic.split(".")
        tape, now = self._tapes[symbol], self._now()
        data: Any
        match name, before:
            case "tickers", _:
                data = market_pages.streamed_ticker(symbol, tape, at=now)
            case "kline", _:
                span = SPANS[middle[0]]
                candle = tape.candle(now // span * span, span)
                data = [market_pages.streamed_kline(candle, middle[0], at=now)]
            case _, None:
                data = market_pages.order_book(symbol, tape, limit=int(middle[0]), at=now)
            case _, sides:
                data = market_pages.order_book_changes(symbol, tape, sides)
        is_delta = name == "orderbook" and before is not None
        kind = "delta" if is_delta else "snapshot"
        socket.say({"topic": topic, "ts": now, "type": kind, "cs": tape.update_id, "data": data})


def _reply(message: Message, op: str, *, error: str | None = None) -> Page:
    return {
        "success": error is None,
        "ret_msg": error or "",
        "conn_id": "2324d924-aa4d-45b0-a858-7b8be29ab52b",
        "req_id": str(message.get("req_id", "")),
        "op": op,
    }
