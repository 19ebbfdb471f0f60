"""WebSocket streams of prices."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.binance.api.market_pages import depth_update, stream_page
from tests.support.venues.engine.tape import Level, Tape
from tests.support.venues.serving.sockets import Message, Socket, Sockets

Sides = tuple[list[Level], list[Level]]


class MarketStreams:
    def __init__(self, tapes: Mapping[str, Tape], now: Callable[[], int]) -> None:
        self.sockets = Sockets()
        self._tapes = tapes
        self._now = now

    async def hear(self, socket: Socket, message: Message) -> None:
        names = [str(name) for name in message.get("params") or ()]
        match message.get("method"):
            case "SUBSCRIBE":
                self._subscribe(socket, names, message["id"])
            case "UNSUBSCRIBE":
                for name in names:
                    socket.topics.pop(name, None)
                socket.say({"result": None, "id": message["id"]})
            case "LIST_SUBSCRIPTIONS":
                socket.say({"result": list(socket.topics), "id": message["id"]})
            case _:
                error = {"code": 2, "msg": "Invalid request: unknown variant"}
                socket.say({"error": error, "id": message.get("id")})

    def moved(self, symbol: str, before: Sides) -> None:
        """Send the present prices of a market to all subscribers."""
        for socket in self.sockets.open:
            for name in list(socket.topics):
                market, _, channel = name.partition("@")
                if market.upper() == symbol:
                    self._say(socket, channel, symbol, before)
        self._all_markets(symbol)

    def _subscribe(self, socket: Socket, names: list[str], id_: Any) -> None:
        malformed = [name for name in names if "@" not in name]
        if malformed:
            error = {"code": 2, "msg": f"Invalid request: invalid stream {malformed[0]}"}
            socket.say({"error": error, "id": id_})
            return
        socket.topics.update(dict.fromkeys(names))
        socket.say({"result": None, "id": id_})
        for name in names:
            market, _, channel = name.partition("@")
            if market.upper() in self._tapes and not channel.startswith("depth"):
                self._say(socket, channel, market.upper(), ([], []))

    def _say(self, socket: Socket, channel: str, symbol: str, before: Sides) -> None:
        tape, now = self._tapes[symbol], self._now()
        if channel.startswith("depth"):
            socket.say(depth_update(symbol, tape, before, now))
        elif page := stream_page(channel, symbol, tape, at=now):
            socket.say(page)

    def _all_markets(self, symbol: str) -> None:
        for socket in self.sockets.open:
            for name in socket.topics:
                if name.startswith("!") and name.endswith("@arr"):
                    channel = name[1:].removesuffix("@arr")
                    page = stream_page(channel, symbol, self._tapes[symbol], at=self._now())
                    socket.say([page] if page else [])
