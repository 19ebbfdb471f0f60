"""Keeps the process of one file: started when first needed, killed when it takes too long."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.errors import StrategyFailed
from app.ports import Clock
from app.services.bot.strategy_processes import ProcessEnded, StrategyProcess
from app.strategies.catalog import FileReport, StrategyInfo
from app.strategies.parameters import BadParameter


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLimits:
    """How long a strategy may take, and how much memory."""

    answer_seconds: float = 5.0
    start_seconds: float = 10.0
    memory_bytes: int = 1 << 30


class StrategyWorker:
    """Answers one question after the other; each gets its answer or StrategyFailed."""

    def __init__(self, file: Path, clock: Clock, limits: WorkerLimits) -> None:
        self._file = file
        self._clock = clock
        self._limits = limits
        self._turn = asyncio.Lock()
        self._process: StrategyProcess | None = None

    async def look(self) -> FileReport:
        """What is in the file; the process is not kept."""
        try:
            async with self._turn:
                _, found = await self._start()
            infos = tuple(StrategyInfo(**info) for info in found)
            return FileReport(file=self._file, strategies=infos)
        except StrategyFailed as failed:
            return FileReport(file=self._file, refused=str(failed))
        finally:
            await self.close()

    async def ask(self, question: Mapping[str, Any]) -> Any:
        """BadParameter where the strategy does not take its parameters."""
        async with self._own_turn():
            process = self._process
            if process is None or process.is_gone:
                process, _ = await self._start()
            return await self._answer(process, question)

    async def close(self) -> None:
        """Whoever waits for an answer learns that none will come."""
        process = self._process
        if process is not None:
            await process.end()
            self._process = None

    @asynccontextmanager
    async def _own_turn(self) -> AsyncIterator[None]:
        seconds = self._limits.answer_seconds
        try:
            async with self._clock.timeout(seconds):
                await self._turn.acquire()
        except TimeoutError:
            words = f"had no turn within {seconds:g} s: others of {self._file.name} took it all"
            raise StrategyFailed(words) from None
        try:
            yield
        finally:
            self._turn.release()

    async def _start(self) -> tuple[StrategyProcess, Any]:
        await self.close()
        seconds = self._limits.start_seconds
        try:
            async with self._clock.timeout(seconds):
                memory = self._limits.memory_bytes
                process = self._process = await StrategyProcess.started(self._file, memory)
                return process, _read(await self._heard(process, None))
        except TimeoutError:
            raise StrategyFailed(f"did not start within {seconds:g} s") from None
        except OSError as error:
            raise StrategyFailed(f"cannot be started: {error.strerror}") from error
        except StrategyFailed:
            await self.close()
            raise

    async def _answer(self, process: StrategyProcess, question: Mapping[str, Any]) -> Any:
        seconds = self._limits.answer_seconds
        try:
            async with self._clock.timeout(seconds):
                return _read(await self._heard(process, question))
        except TimeoutError:
            raise StrategyFailed(f"did not decide within {seconds:g} s") from None

    async def _heard(self, process: StrategyProcess, question: Mapping[str, Any] | None) -> Any:
        try:
            answer = await (process.heard() if question is None else process.ask(question))
        except BaseException:
            # Nobody will hear the answer: it must not be taken for that to the next question.
            process.kill()
            raise
        if isinstance(answer, ProcessEnded):
            raise StrategyFailed(await process.end())
        if "is_last" in answer:
            process.kill()
        return answer


def _read(answer: Any) -> Any:
    match answer:
        case {"is": value}:
            return value
        case {"failed": str(words)}:
            raise StrategyFailed(words)
        case {"bad": [[*path], str(words)]}:
            raise BadParameter(tuple(path), words)
        case _:
            raise StrategyFailed("answered what nobody understands")
