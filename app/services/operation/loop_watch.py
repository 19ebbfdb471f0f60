"""LoopWatch: notices when the event loop stands still, and names what held it."""

import asyncio
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePath
from time import monotonic
from types import FrameType

import structlog

from app.services.metrics import Metrics

STOP_SECONDS = 0.05
PAUSE_SECONDS = 0.05
# How often a loop that still stands is looked at again.
PATIENCE_SECONDS = 1.0
FRAMES = 12
_NANOSECONDS = 1e-9

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LoopStop:
    """How long the loop stood still, without its waits for a core, and what it was doing."""

    seconds: float
    # Places in the code, the innermost first. No values: they may be secret.
    stack: tuple[str, ...]


class LoopWatch:
    """A thread that asks the loop for a sign of life and looks at its stack if none comes."""

    def __init__(
        self,
        report: Callable[[LoopStop], None],
        *,
        pause_seconds: float = PAUSE_SECONDS,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._report = report
        self._pause_seconds = pause_seconds
        self._stop_seconds = stop_seconds

    async def run(self) -> None:
        """Watch the running loop until cancelled."""
        loop, ended, alive = asyncio.get_running_loop(), threading.Event(), threading.Event()
        with _Waits.of_this_thread() as waits, _Collections() as collections:
            watched = _Watched(loop, threading.get_ident(), waits, collections)
            arguments = (watched, ended, alive)
            thread = threading.Thread(
                target=self._watch, args=arguments, name="loop-watch", daemon=True
            )
            thread.start()
            try:
                await loop.create_future()
            finally:
                ended.set()
                # The thread must not wait for a sign of life while the loop waits for the thread.
                alive.set()
                thread.join()

    def _watch(self, watched: "_Watched", ended: threading.Event, alive: threading.Event) -> None:
        while not ended.wait(self._pause_seconds):
            alive.clear()
            began, waited = monotonic(), watched.waits.seconds()
            watched.loop.call_soon_threadsafe(alive.set)
            if alive.wait(self._stop_seconds):
                continue
            stack = watched.stack()
            while not ended.is_set() and not alive.wait(PATIENCE_SECONDS):
                pass
            if ended.is_set():
                return
            seconds = monotonic() - began - (watched.waits.seconds() - waited)
            if seconds >= self._stop_seconds:
                self._report(LoopStop(seconds=seconds, stack=stack))


def logging_stops(metrics: Metrics) -> Callable[[LoopStop], None]:
    """Count each stop and log it, once, as a warning."""

    def report(stop: LoopStop) -> None:
        metrics.stopped()
        _logger.warning("loop.stopped", seconds=round(stop.seconds, 3), held_by=list(stop.stack))

    return report


@dataclass(frozen=True, slots=True)
class _Watched:
    """The loop, the thread that runs it, and what is known of both."""

    loop: asyncio.AbstractEventLoop
    thread_id: int
    waits: "_Waits"
    collections: "_Collections"

    def stack(self) -> tuple[str, ...]:
        frame = sys._current_frames().get(self.thread_id)  # noqa: SLF001 - the only way to it
        collecting = self.collections.generation
        ahead = () if collecting is None else (f"garbage collection of generation {collecting}",)
        return (*ahead, *_places(frame))


def _places(frame: FrameType | None) -> Iterator[str]:
    for _ in range(FRAMES):
        if frame is None:
            return
        code = frame.f_code
        file = "/".join(PurePath(code.co_filename).parts[-3:])
        yield f"{file}:{frame.f_lineno} {code.co_name}"
        frame = frame.f_back


class _Waits:
    """How long a thread has waited for a core, where the system tells: its neighbours' doing."""

    def __init__(self, file: int | None) -> None:
        self._file = file

    @classmethod
    def of_this_thread(cls) -> "_Waits":
        try:
            path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
            return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            return cls(None)

    def seconds(self) -> float:
        if self._file is None:
            return 0.0
        return int(os.pread(self._file, 100, 0).split()[1]) * _NANOSECONDS

    def __enter__(self) -> "_Waits":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            os.close(self._file)


class _Collections:
    """The generation that is being collected, by whichever thread, as all others wait for it."""

    def __init__(self) -> None:
        self.generation: int | None = None

    def __enter__(self) -> "_Collections":
        gc.callbacks.append(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        gc.callbacks.remove(self._note)

    def _note(self, phase: str, info: dict[str, int]) -> None:
        self.generation = info["generation"] if phase == "start" else None
