"""The public WebSocket: tickers, order books as a whole, and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.kucoin.api import market_pages, sockets_talk
from tests.support.venues.kucoin.api.market_desk import MarketDesk
from tests.support.venues.kucoin.api.refusals import Refused
from tests.support.venues.serving.sockets import Message, Socket, Sockets

_TICKER, _CANDLES = "/market/ticker", "/market/candles"
_BOOKS = {"/spotMarket/level2Depth5": 5, "/spotMarket/level2Depth50": 50}


class MarketStreams:
    def __init__(
        self, markets: MarketDesk, tapes: Mapping[str, Tape], now: Callable[[], int]
    ) -> None:
        self.sockets = Sockets()
        self._markets = markets
        self._tapes = tapes
        self._now = now

    async def hear(self, socket: Socket, message: Message) -> None:
        sockets_talk.greet(socket)
        topic = str(message.get("topic"))
        match message.get("type"):
            case "ping":
                sockets_talk.answer(socket, message, "pong")
            case "subscribe":
                self._subscribe(socket, message, topic)
            case "unsubscribe":
                socket.topics.pop(topic, None)
                sockets_talk.answer(socket, message, "ack")
            case _:
                sockets_talk.fail(socket, message, 415, "type is not supported")

    def moved(self, listing: Listing) -> None:
        """Tell of a market's new prices."""
        for socket in self.sockets.open:
            for topic in sockets_talk.topics_of(socket):
                if socket.topics[topic] == listing.symbol:
                    self._tell(socket, topic, listing)

    def _subscribe(self, socket: Socket, message: Message, topic: str) -> None:
        channel, _, rest = topic.partition(":")
        symbol, _, kind = rest.partition("_")
        try:
            listing = self._markets.listing({"symbol": symbol})
        except Refused:
            listing = None
        is_candle = channel == _CANDLES and kind in market_pages.SPANS
        if listing is None or not (channel == _TICKER or channel in _BOOKS or is_candle):
            sockets_talk.fail(socket, message, 404, f"topic {topic} is not found")
            return
        socket.topics[topic] = listing.symbol
        sockets_talk.answer(socket, message, "ack")
        self._tell(socket, topic, listing)

    def _tell(self, socket: Socket, topic: str, listing: Listing) -> None:
        """The present state of what a topic is about."""
        subject, data = self._news(topic, listing)
        socket.say({"topic": topic, "type": "message", "subject": subject, "data": data})

    def _news(self, topic: str, listing: Listing) -> tuple[str, dict[str, Any]]:
        now, tape = self._now(), self._tapes[listing.symbol]
        channel, _, rest = topic.partition(":")
        if channel == _TICKER:
            return "trade.ticker", market_pages.quote_page(tape, at=now)
        if channel in _BOOKS:
            return "level2", {**market_pages.sides(tape, _BOOKS[channel]), "timestamp": now}
        span = market_pages.SPANS[rest.partition("_")[2]]
        row = market_pages.candle_row(tape.candle(tape.starts(span, now)[-1], span))
        symbol = market_pages.symbol_of(listing)
        return "trade.candles.update", {"symbol": symbol, "candles": row, "time": now * 1_000_000}
