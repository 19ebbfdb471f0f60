"""Strategies by name: the built-in ones in a thread, own ones in processes of their own."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import structlog

from app.domain.signals import Signal
from app.errors import Refusal, RefusalCode, StrategyFailed
from app.ports import Clock
from app.services.bot.strategy_workers import StrategyWorker, WorkerLimits
from app.strategies.built_in import BUILT_IN
from app.strategies.catalog import Catalog, FileReport, StrategyInfo, catalog_of
from app.strategies.interface import Advice, Candles, Held
from app.strategies.parameters import BadParameter, as_text, read

# Files that are looked at together when the server starts.
_AT_ONCE = 2
_MOST_NAME = 64

_logger = structlog.get_logger(__name__)


class StrategyRunner:
    """What runs where is nobody else's business; a strategy that fails fails alone."""

    def __init__(
        self, folder: Path | None, clock: Clock, limits: WorkerLimits | None = None
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._limits = limits or WorkerLimits()
        self._catalog = catalog_of(())
        self._is_known = asyncio.Event()
        self._workers: dict[str, StrategyWorker] = {}
        if folder is None:
            self._is_known.set()

    async def run(self) -> None:
        """Look at the folder, and see to it that no process is left in the end."""
        try:
            if self._folder is not None:
                await self._look(self._folder)
            self._is_known.set()
            await asyncio.Event().wait()
        finally:
            self._is_known.set()
            await asyncio.gather(*(worker.close() for worker in self._workers.values()))

    async def catalog(self) -> Catalog:
        """As it is when the folder has been looked at."""
        await self._is_known.wait()
        return self._catalog

    async def strategies(self) -> Sequence[StrategyInfo]:
        """By name."""
        known = (await self.catalog()).strategies
        return [known[name] for name in sorted(known)]

    async def check_parameters(self, name: str, parameters: Mapping[str, Any]) -> Refusal | None:
        """Why a strategy cannot be assigned with these parameters."""
        if not await self._is_there(name):
            return Refusal(
                code=RefusalCode.UNKNOWN_STRATEGY,
                message=await self._unknown(name),
                field=("strategy",),
            )
        try:
            await self._count(name, parameters)
        except BadParameter as bad:
            return Refusal(
                code=RefusalCode.INVALID_INPUT,
                message=bad.words,
                field=("parameters", *bad.path),
            )
        except StrategyFailed as failed:
            message = f"{name} {failed}"
            return Refusal(code=RefusalCode.INVALID_STATE, message=message, retryable=True)
        return None

    async def candles_needed(self, name: str, parameters: Mapping[str, Any]) -> int:
        """Where it cannot be told it is one: to decide then tells why."""
        if not await self._is_there(name):
            return 1
        try:
            return await self._count(name, parameters)
        except (BadParameter, StrategyFailed):
            return 1

    async def decide(
        self, name: str, candles: Candles, held: Held, parameters: Mapping[str, Any]
    ) -> Advice:
        """StrategyFailed tells why it gave no advice."""
        if not await self._is_there(name):
            raise StrategyFailed(await self._unknown(name))
        try:
            if name in BUILT_IN:
                return await self._decide_here(name, candles, held, parameters)
            return _as_advice(
                await self._workers[name].ask(_question(name, candles, held, parameters))
            )
        except BadParameter as bad:
            raise StrategyFailed(bad.words) from bad

    async def _decide_here(
        self, name: str, candles: Candles, held: Held, parameters: Mapping[str, Any]
    ) -> Advice:
        strategy = BUILT_IN[name]
        given = read(strategy.Parameters, as_text(parameters))
        return await asyncio.to_thread(strategy.decide, candles, held, given)

    async def _count(self, name: str, parameters: Mapping[str, Any]) -> int:
        if name in BUILT_IN:
            strategy = BUILT_IN[name]
            return strategy.candles_needed(read(strategy.Parameters, as_text(parameters)))
        asked = {"ask": "candles_needed", "name": name, "parameters": as_text(parameters)}
        count: int = await self._workers[name].ask(asked)
        return count

    async def _is_there(self, name: str) -> bool:
        return name in BUILT_IN or name in (await self.catalog()).strategies

    async def _unknown(self, name: str) -> str:
        catalog = await self.catalog()
        refused = "".join(f"; {file.name} is refused" for file in sorted(catalog.broken))
        known = ", ".join(sorted(catalog.strategies))
        return f"{name[:_MOST_NAME]} is no strategy: known are {known}{refused}"

    async def _look(self, folder: Path) -> None:
        files = await asyncio.to_thread(_files, folder)
        workers = {file: StrategyWorker(file, self._clock, self._limits) for file in files}
        few = asyncio.Semaphore(_AT_ONCE)

        async def look(worker: StrategyWorker) -> FileReport:
            async with few:
                return await worker.look()

        looks = await asyncio.gather(*(look(worker) for worker in workers.values()))
        self._catalog = catalog_of(looks)
        self._workers = {name: workers[file] for name, file in self._catalog.files.items()}
        for file, words in self._catalog.broken.items():
            _logger.error("strategy.refused", file=file.name, reason=words)


def _files(folder: Path) -> list[Path]:
    """What begins with _ is there to be imported by the others."""
    return sorted(folder.glob("[!_.]*.py"))


def _question(
    name: str, candles: Candles, held: Held, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    return {
        "ask": "decide",
        "name": name,
        "parameters": as_text(parameters),
        "candles": asdict(candles),
        "held": asdict(held),
    }


def _as_advice(told: Any) -> Advice:
    """The worker has looked at it already; what runs there may have had a hand in that."""
    try:
        signal = Signal(told["signal"])
        return Advice(signal=signal, reason=told["reason"], part=told["part"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StrategyFailed("answered what nobody understands") from error
