"""WebSocket version 2, public: tickers, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Level, Tape
from tests.support.venues.kraken.api import market_pages
from tests.support.venues.kraken.api.market_desk import MarketDesk
from tests.support.venues.kraken.api.numbers_json import written
from tests.support.venues.serving.sockets import Message, Socket, Sockets

Sides = tuple[list[Level], list[Level]]
CHANNELS = ("ticker", "book", "ohlc")


class MarketStreams:
    def __init__(
        self,
        listings: Mapping[str, Listing],
        tapes: Mapping[str, Tape],
        markets: MarketDesk,
        now: Callable[[], int],
    ) -> None:
        self.sockets = Sockets()
        self._listings = listings
        self._tapes = tapes
        self._markets = markets
        self._now = now

    async def hear(self, socket: Socket, message: Message) -> None:
        match message.get("method"):
            case "ping":
                socket.say_raw(written({"method": "pong", **self._times(message)}))
            case "subscribe":
                for symbol in message.get("params", {}).get("symbol") or ():
                    self._subscribe(socket, message, str(symbol))
            case "unsubscribe":
                for symbol in message.get("params", {}).get("symbol") or ():
                    socket.topics.pop(_topic(message["params"], str(symbol)), None)
            case _:
                socket.say_raw(written(self._refused(message, "Method not supported")))

    def moved(self, symbol: str, before: Sides) -> None:
        """Send the present prices of a market to all subscribers."""
        listing = self._listings[symbol]
        for socket in self.sockets.open:
            for topic, (wanted, params) in list(socket.topics.items()):
                if wanted == symbol and topic:
                    self._say(socket, params, listing, before)

    def _subscribe(self, socket: Socket, message: Message, symbol: str) -> None:
        params = message["params"]
        listing = self._markets.by_stream_symbol(symbol)
        if params.get("channel") not in CHANNELS or listing is None:
            words = f"Currency pair not supported {symbol}"
            socket.say_raw(written(self._refused(message, words)))
            return
        socket.topics[_topic(params, symbol)] = (listing.symbol, params)
        result = {"channel": params["channel"], "symbol": symbol, "snapshot": True}
        answer = {"method": "subscribe", "result": result, "success": True}
        socket.say_raw(written({**answer, **self._times(message)}))
        self._say(socket, params, listing, None)

    def _say(
        self, socket: Socket, params: Mapping[str, Any], listing: Listing, before: Sides | None
    ) -> None:
        tape, now, channel = self._tapes[listing.symbol], self._now(), params["channel"]
        if channel == "ticker":
            event = market_pages.ticker_event(listing, tape, at=now)
        elif channel == "ohlc":
            minutes = int(params.get("interval", 1))
            start = now // (minutes * 60_000) * minutes * 60_000
            candle = tape.candle(start, minutes * 60_000)
            event = market_pages.candle_event(listing, candle, minutes=minutes)
        else:
            event = market_pages.book_event(listing, _changes(tape, before))
            event["timestamp"] = market_pages.moment_text(now)
        kind = "snapshot" if before is None else "update"
        socket.say_raw(written({"channel": channel, "type": kind, "data": [event]}))

    def _refused(self, message: Message, words: str) -> Message:
        head = {"method": message.get("method"), "success": False, "error": words}
        return {**head, **self._times(message)}

    def _times(self, message: Message) -> Message:
        moment = market_pages.moment_text(self._now())
        known = {"req_id": message["req_id"]} if "req_id" in message else {}
        return {**known, "time_in": moment, "time_out": moment}


def _topic(params: Mapping[str, Any], symbol: str) -> str:
    return f"{params.get('channel')} {symbol} {params.get('interval', '')}"


def _changes(tape: Tape, before: Sides | None) -> Sides:
    """The levels of the book; as an update, with those that are gone at zero."""
    now = (tape.bids(), tape.asks())
    if before is None:
        return now
    bids, asks = (
        [(price, amount * 0) for price, amount in old if price not in dict(new)] + new
        for old, new in zip(before, now, strict=True)
    )
    return bids, asks
