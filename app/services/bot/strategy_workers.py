"""The worker of one strategy file: starts its process when needed, kills it when it is too slow."""

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
    """How long a strategy may take, and how much memory it may use."""

    answer_seconds: float = 5.0
    start_seconds: float = 10.0
    memory_bytes: int = 1 << 30


class StrategyWorker:
    """Answers one question after the other, or raises StrategyFailed."""

    def __init__(self, file: Path, clock: Clock, limits: WorkerLimits) -> None:
        self._file = file
        self._clock = clock
        self._limits = limits
        self._lock = asyncio.Lock()
        self._process: StrategyProcess | None = None

    async def inspect(self) -> FileReport:
        """Report what is in the file; the process ends afterwards."""
        try:
            async with self._lock:
                _, strategies = await self._start()
            infos = tuple(StrategyInfo(**info) for info in strategies)
            return FileReport(file=self._file, strategies=infos)
        except StrategyFailed as failed:
            return FileReport(file=self._file, refused=str(failed))
        finally:
            await self.close()

    async def ask(self, question: Mapping[str, Any]) -> Any:
        """Raises BadParameter if the strategy does not accept its parameters."""
        async with self._own_turn():
            process = self._process
            if process is None or process.is_gone:
                process, _ = await self._start()
            return await self._ask_in_time(process, question)

    async def close(self) -> None:
        """End the process; a caller that waits for an answer gets StrategyFailed."""
        process = self._process
        if process is not None:
            await process.end()
            self._process = None

    @asynccontextmanager
    async def _own_turn(self) -> AsyncIterator[None]:
        seconds = self._limits.answer_seconds
        try:
            async with self._clock.timeout(seconds):
                await self._lock.acquire()
        except TimeoutError:
            words = f"had no turn within {seconds:g} s: others of {self._file.name} took it all"
            raise StrategyFailed(words) from None
        try:
            yield
        finally:
            self._lock.release()

    async def _start(self) -> tuple[StrategyProcess, Any]:
        await self.close()
        seconds = self._limits.start_seconds
        try:
            async with self._clock.timeout(seconds):
                memory = self._limits.memory_bytes
                process = self._process = await StrategyProcess.started(self._file, memory)
                return process, _read(await self._exchange(process, None))
        except TimeoutError:
            raise StrategyFailed(f"did not start within {seconds:g} s") from None
        except OSError as error:
            raise StrategyFailed(f"cannot be started: {error.strerror}") from error
        except StrategyFailed:
            await self.close()
            raise

    async def _ask_in_time(self, process: StrategyProcess, question: Mapping[str, Any]) -> Any:
        seconds = self._limits.answer_seconds
        try:
            async with self._clock.timeout(seconds):
                return _read(await self._exchange(process, question))
        except TimeoutError:
            raise StrategyFailed(f"did not decide within {seconds:g} s") from None

    async def _exchange(self, process: StrategyProcess, question: Mapping[str, Any] | None) -> Any:
        try:
            answer = await (process.receive() if question is None else process.ask(question))
        except BaseException:
            # The late answer must not be taken for the answer to the next question.
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
