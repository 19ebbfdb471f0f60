"""One cycle of the bot: looks at the candles of each assignment that is due, and decides."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.bot.bot import Bot
from app.domain.markets.candles import Candle, CandleRequest
from app.errors import CycleFailed
from app.services.accounts import AccountEntry, AccountService
from app.services.bot.agenda import Agenda, Due, Name
from app.services.bot.decisions import DecisionMaker
from app.services.bot.strategies import StrategyRunner
from app.services.markets.candle_history import CandleHistory
from app.storage.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What came of looking at an assignment's candles: whether any are known, or why not."""

    has_candles: bool
    failure: BaseException | None = None


_Path = asyncio.Task[_Look]


class BotCycles:
    """Runs cycles; each closed candle is decided on once per assignment."""

    def __init__(
        self,
        *,
        database: Database,
        accounts: AccountService,
        candles: CandleHistory,
        strategies: StrategyRunner,
        decisions: DecisionMaker,
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._candles = candles
        self._strategies = strategies
        self._decisions = decisions

    async def run(self, bot: Bot, agenda: Agenda) -> None:
        """Follow each assignment on a path of its own until none is under way.

        An assignment that becomes due meanwhile joins the cycle, so that a slow one delays only
        itself. Raises CycleFailed if there are no candles for any of them.
        """
        under_way: dict[Name, _Path] = {}
        ended: list[_Path] = []
        try:
            while True:
                under_way |= await self._begin(bot, agenda.take(bot, under_way))
                if not under_way:
                    break
                await _until_one_ends(under_way.values(), agenda, bot)
                done = [name for name, path in under_way.items() if path.done()]
                ended += [under_way.pop(name) for name in done]
        finally:
            for path in under_way.values():
                path.cancel()
            await asyncio.gather(*under_way.values(), *ended, return_exceptions=True)
        _examine(await asyncio.gather(*ended))

    async def _begin(self, bot: Bot, due: Sequence[Due]) -> Mapping[Name, _Path]:
        if not due:
            return {}
        account = self._accounts.get(bot.account or "")
        names = [each.assignment.name for each in due]
        async with self._database.snapshot() as view:
            decided = await view.bots.decided_until(account.name, names)
        return {
            name: asyncio.create_task(self._path(bot, account, each, decided.get(name)))
            for name, each in zip(names, due, strict=True)
        }

    async def _path(
        self, bot: Bot, account: AccountEntry, due: Due, decided: datetime | None
    ) -> _Look:
        [candles] = await asyncio.gather(self._closed(account, due), return_exceptions=True)
        if isinstance(candles, BaseException):
            return _Look(has_candles=False, failure=candles)
        if candles and (decided is None or candles[-1].at > decided):
            await self._decisions.decide(bot, account, due.assignment, candles)
        return _Look(has_candles=bool(candles))

    async def _closed(self, account: AccountEntry, due: Due) -> Sequence[Candle]:
        assignment = due.assignment
        needed = await self._strategies.candles_needed(assignment.strategy, assignment.parameters)
        wanted = CandleRequest(
            symbol=assignment.symbol, timeframe=assignment.timeframe, limit=needed
        )
        return await self._candles.closed(account, wanted, due.told)


async def _until_one_ends(paths: Iterable[_Path], agenda: Agenda, bot: Bot) -> None:
    """Return when a path has ended, or when more may be due."""
    waiting = asyncio.ensure_future(agenda.wait(bot))
    try:
        await asyncio.wait({*paths, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def _examine(looks: Sequence[_Look]) -> None:
    if not any(look.has_candles for look in looks):
        error = next((look.failure for look in looks if look.failure is not None), None)
        words = "no candle has closed so far" if error is None else str(error) or repr(error)
        raise CycleFailed(words) from error
