"""The public WebSockets: tickers and order books on one address, candles on another."""

from collections.abc import Callable, Mapping

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Level, Tape
from tests.support.venues.okx.api import market_pages
from tests.support.venues.okx.api.market_desk import MarketDesk
from tests.support.venues.okx.api.refusals import Refused
from tests.support.venues.serving.sockets import Message, Socket, Sockets

Sides = tuple[list[Level], list[Level]]
_CANDLE = "candle"
_DEPTH = 400


class MarketStreams:
    def __init__(
        self, markets: MarketDesk, tapes: Mapping[str, Tape], now: Callable[[], int]
    ) -> None:
        self.sockets = Sockets()
        self._markets = markets
        self._tapes = tapes
        self._now = now

    async def hear(self, socket: Socket, message: Message) -> None:
        if message.get("word") == "ping":
            socket.say_raw("pong")
            return
        for topic in message.get("args") or ():
            match message.get("op"):
                case "subscribe":
                    self._subscribe(socket, topic)
                case "unsubscribe":
                    socket.topics.pop(_name(topic), None)
                    socket.say({"event": "unsubscribe", "arg": topic, "connId": "a4d3ae55"})

    def moved(self, listing: Listing, before: Sides) -> None:
        """Tell of a market's new prices."""
        now, tape = self._now(), self._tapes[listing.symbol]
        for socket in self.sockets.open:
            for topic in socket.topics.values():
                if topic["instId"] != market_pages.inst_id(listing):
                    continue
                if topic["channel"] == "books":
                    change = market_pages.book_change(tape, before, now)
                    socket.say({"arg": topic, "action": "update", "data": [change]})
                else:
                    self._tell(socket, topic, listing)

    def _subscribe(self, socket: Socket, topic: dict[str, str]) -> None:
        channel = topic.get("channel", "")
        try:
            listing = self._markets.listing(topic)
        except Refused:
            listing = None
        is_known = channel in {"tickers", "books"} or (
            channel.startswith(_CANDLE) and market_pages.span_of(channel[len(_CANDLE) :])
        )
        if listing is None or not is_known:
            words = f"Wrong URL or channel:{channel},instId:{topic.get('instId')} doesn't exist."
            socket.say({"event": "error", "code": "60018", "msg": words, "connId": "a4d3ae55"})
            return
        socket.topics[_name(topic)] = topic
        socket.say({"event": "subscribe", "arg": topic, "connId": "a4d3ae55"})
        self._tell(socket, topic, listing)

    def _tell(self, socket: Socket, topic: dict[str, str], listing: Listing) -> None:
        """The present state of what a topic is about."""
        now, tape = self._now(), self._tapes[listing.symbol]
        channel = topic["channel"]
        if channel == "tickers":
            page = market_pages.ticker_page(listing, tape, at=now)
            socket.say({"arg": topic, "data": [page]})
        elif channel == "books":
            book = market_pages.book_page(tape, depth=_DEPTH, at=now)
            whole = {**book, "prevSeqId": -1, "checksum": 0}
            socket.say({"arg": topic, "action": "snapshot", "data": [whole]})
        else:
            bar = channel[len(_CANDLE) :]
            start = market_pages.starts(tape, bar, now)[-1]
            candle = tape.candle(start, market_pages.span_of(bar) or 0)
            socket.say({"arg": topic, "data": [market_pages.candle_row(candle, at=now)]})


def _name(topic: dict[str, str]) -> str:
    return f"{topic.get('channel')}:{topic.get('instId')}"
