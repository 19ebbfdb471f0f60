"""The public channels: tickers, order books and candles."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.support.venues.engine.listings import Listing
from tests.support.venues.engine.tape import Tape
from tests.support.venues.gate.api import market_pages
from tests.support.venues.gate.api.market_desk import MarketDesk
from tests.support.venues.gate.api.refusals import Refused
from tests.support.venues.serving.sockets import Socket, Sockets

_BOOKS = "spot.obu"
_CANDLES = "spot.candlesticks"
_TICKERS = "spot.tickers"
CHANNELS = {_BOOKS, _CANDLES, _TICKERS}


class MarketStreams:
    def __init__(
        self,
        sockets: Sockets,
        markets: MarketDesk,
        tapes: Mapping[str, Tape],
        now: Callable[[], int],
    ) -> None:
        self.sockets = sockets
        self._markets = markets
        self._tapes = tapes
        self._now = now

    def subscribe(self, socket: Socket, channel: str, payload: list[str]) -> None:
        """Tell of the present state, and from now on of changes. Raises Refused."""
        for topic in _topics(channel, payload):
            listing = self._markets.listing(topic[1])
            socket.topics[":".join(topic)] = topic
            self._tell(socket, topic, listing, None)

    def leave(self, socket: Socket, channel: str, payload: list[str]) -> None:
        for topic in _topics(channel, payload):
            socket.topics.pop(":".join(topic), None)

    def moved(self, listing: Listing, before: market_pages.Sides) -> None:
        """Tell of a market's new prices."""
        for socket in self.sockets.open:
            for topic in list(socket.topics.values()):
                if isinstance(topic, tuple) and topic[1] == market_pages.pair_of(listing):
                    self._tell(socket, topic, listing, before)

    def _tell(
        self,
        socket: Socket,
        topic: tuple[str, ...],
        listing: Listing,
        before: market_pages.Sides | None,
    ) -> None:
        now, tape = self._now(), self._tapes[listing.symbol]
        channel, pair, detail = topic
        match channel:
            case "spot.tickers":
                result: Any = market_pages.ticker_page(listing, tape, at=now)
            case "spot.obu":
                result = _book(tape, f"ob.{pair}.{detail}", before, now)
            case _:
                span = market_pages.SPANS[detail]
                candle = tape.candle(tape.starts(span, now)[-1], span)
                result = market_pages.streamed_candle(candle, f"{detail}_{pair}", at=now)
        socket.say(
            {
                "time": now // 1000,
                "time_ms": now,
                "channel": channel,
                "event": "update",
                "result": result,
            }
        )


def _topics(channel: str, payload: list[str]) -> list[tuple[str, str, str]]:
    """The channel, the market, and the depth or the interval. Raises Refused."""
    if channel == _TICKERS:
        return [(channel, pair, "") for pair in payload]
    if channel == _BOOKS:
        parts = [name.split(".") for name in payload]
        return [(channel, pair, depth) for _, pair, depth in parts]
    interval, pair = payload
    if interval not in market_pages.SPANS:
        raise Refused(label="2", message=f"invalid argument: {interval}")
    return [(channel, pair, interval)]


def _book(tape: Tape, name: str, before: market_pages.Sides | None, now: int) -> dict[str, Any]:
    """The whole book, or what has changed in it."""
    head = {"t": now, "s": name, "u": tape.update_id}
    if before is None:
        sides = {"b": market_pages.levels(tape.bids()), "a": market_pages.levels(tape.asks())}
        return {**head, "full": True, **sides}
    bids, asks = before
    return {
        **head,
        "U": tape.update_id,
        "b": market_pages.changes(bids, tape.bids()),
        "a": market_pages.changes(asks, tape.asks()),
    }
