"""Follows the candle streams of the bot's assignments, to learn when a candle has closed."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from app.domain.bot.bot import Bot
from app.domain.markets.candles import Candle
from app.services.accounts import AccountService
from app.services.bot.agenda import Name
from app.services.markets.channels import Channel, candle_channel
from app.services.markets.stream_registry import StreamRegistry

Note = Callable[[Sequence[Name], Candle], None]


@dataclass(kw_only=True, eq=False, slots=True)
class _Followed:
    """One stream, and the assignments that wait for its candles to close."""

    channel: Channel[Candle]
    names: Sequence[Name]
    note: Note
    last: Candle | None = None

    def put(self, _topic: Hashable, candle: Candle, /) -> None:
        if candle.is_closed and (self.last is None or self.last.at < candle.at):
            self.last = candle
            self.note(self.names, candle)


class CandleCloses:
    """One stream for each market and timeframe; none at an exchange that would be polled for it."""

    def __init__(self, streams: StreamRegistry, accounts: AccountService) -> None:
        self._streams = streams
        self._accounts = accounts
        self._followed: Sequence[_Followed] = ()
        self._plan: object = None

    def follow(self, bot: Bot, note: Note) -> None:
        """Follow the streams of these assignments, and no others."""
        gateway = self._accounts.get(bot.account or "").gateway
        is_streamed = gateway.capabilities.streaming_candles
        plan = (gateway.market_set, bot.assignments, is_streamed)
        if plan == self._plan:
            return
        self.leave()
        self._plan = plan
        if is_streamed:
            self._followed = [
                _Followed(
                    channel=candle_channel(gateway.market_set, *series), names=names, note=note
                )
                for series, names in _by_series(bot).items()
            ]
        for each in self._followed:
            self._streams.join(each.channel, each)

    def leave(self) -> None:
        for each in self._followed:
            self._streams.leave(each.channel, each)
        self._followed, self._plan = (), None


def _by_series(bot: Bot) -> dict[tuple[str, str], list[Name]]:
    names: defaultdict[tuple[str, str], list[Name]] = defaultdict(list)
    for assignment in bot.assignments:
        names[assignment.symbol, assignment.timeframe].append(assignment.name)
    return names
