"""Runs strategies by name: built-in ones in a thread, your own in separate processes."""

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

# How many files are loaded at once when the server starts.
_AT_ONCE = 2
_MOST_NAME = 64

_logger = structlog.get_logger(__name__)


class StrategyRunner:
    """Finds and runs strategies wherever they run; one that fails does not affect the others."""

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
        """Load the folder's strategies, and end all their processes when the server stops."""
        try:
            if self._folder is not None:
                await self._load(self._folder)
            self._is_known.set()
            await asyncio.Event().wait()
        finally:
            self._is_known.set()
            await asyncio.gather(*(worker.close() for worker in self._workers.values()))

    async def catalog(self) -> Catalog:
        """The catalog, once the folder has been loaded."""
        await self._is_known.wait()
        return self._catalog

    async def strategies(self) -> Sequence[StrategyInfo]:
        """All strategies, sorted by name."""
        known = (await self.catalog()).strategies
        return [known[name] for name in sorted(known)]

    async def check_parameters(self, name: str, parameters: Mapping[str, Any]) -> Refusal | None:
        """Why a strategy cannot be assigned with these parameters."""
        if not await self._exists(name):
            return Refusal(
                code=RefusalCode.UNKNOWN_STRATEGY,
                message=await self._unknown_words(name),
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
        """How many candles the strategy needs; 1 if that fails, because `decide` then says why."""
        if not await self._exists(name):
            return 1
        try:
            return await self._count(name, parameters)
        except (BadParameter, StrategyFailed):
            return 1

    async def decide(
        self, name: str, candles: Candles, held: Held, parameters: Mapping[str, Any]
    ) -> Advice:
        """Raises StrategyFailed with the reason if the strategy gives no advice."""
        if not await self._exists(name):
            raise StrategyFailed(await self._unknown_words(name))
        try:
            if name in BUILT_IN:
                return await self._decide_here(name, candles, held, parameters)
            return _to_advice(
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

    async def _exists(self, name: str) -> bool:
        return name in BUILT_IN or name in (await self.catalog()).strategies

    async def _unknown_words(self, name: str) -> str:
        catalog = await self.catalog()
        refused = "".join(f"; {file.name} is refused" for file in sorted(catalog.broken))
        known = ", ".join(sorted(catalog.strategies))
        return f"{name[:_MOST_NAME]} is no strategy: known are {known}{refused}"

    async def _load(self, folder: Path) -> None:
        files = await asyncio.to_thread(_files, folder)
        workers = {file: StrategyWorker(file, self._clock, self._limits) for file in files}
        few = asyncio.Semaphore(_AT_ONCE)

        async def inspect(worker: StrategyWorker) -> FileReport:
            async with few:
                return await worker.inspect()

        reports = await asyncio.gather(*(inspect(worker) for worker in workers.values()))
        self._catalog = catalog_of(reports)
        self._workers = {name: workers[file] for name, file in self._catalog.files.items()}
        for file, words in self._catalog.broken.items():
            _logger.error("strategy.refused", file=file.name, reason=words)


def _files(folder: Path) -> list[Path]:
    """The strategy files; those that begin with _ are helpers for them to import."""
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


def _to_advice(answer: Any) -> Advice:
    """Check the answer again: the strategy could have tampered with the check in its process."""
    try:
        signal = Signal(answer["signal"])
        return Advice(signal=signal, reason=answer["reason"], part=answer["part"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StrategyFailed("answered what nobody understands") from error
