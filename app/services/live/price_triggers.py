"""Wakes a live query when one of the prices that it depends on moves."""

from collections.abc import Callable, Hashable, Sequence

from app.domain.markets.markets import Ticker
from app.services.markets.channels import Channel, ChannelKey
from app.services.markets.stream_registry import StreamRegistry

# At most this many streams per query: an account full of dust would open thousands.
MOST_STREAMS = 200


class PriceTrigger:
    """Watches a changing set of prices, and calls `ring` when any of them moves."""

    def __init__(self, streams: StreamRegistry, ring: Callable[[], None]) -> None:
        self._streams = streams
        self._ring = ring
        self._wanted: Sequence[Channel[Ticker]] = ()
        self._joined: dict[ChannelKey, Channel[Ticker]] = {}

    @property
    def silent(self) -> int:
        """How many prices no live stream delivers, so that they must be polled."""
        return sum(self._streams.live(channel) is None for channel in self._wanted)

    def turn_to(self, wanted: Sequence[Channel[Ticker]]) -> None:
        """Watch exactly these prices from now on."""
        chosen = {channel.key: channel for channel in wanted[:MOST_STREAMS]}
        gone = [channel for key, channel in self._joined.items() if key not in chosen]
        new = [channel for key, channel in chosen.items() if key not in self._joined]
        self._wanted, self._joined = wanted, chosen
        for channel in new:
            self._streams.join(channel, self)
        for channel in gone:
            self._streams.leave(channel, self)

    def put(self, _topic: Hashable, _value: Ticker) -> None:
        self._ring()
