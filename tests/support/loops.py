"""An event loop that knows when nothing can go on by itself, for clocks that tests advance."""

import asyncio
import selectors
from asyncio import Future
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# A loop that would wake by itself this soon is not at rest.
_BRIEF_SECONDS = 0.05
# The methods of AsyncConnection by which this application waits for its databases.
_CALLS = ("start", "execute", "run_sync", "commit", "invalidate", "close")


class _Selector(selectors.DefaultSelector):
    """Resolves futures when its loop is about to wait, as no task can go on by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.at_pause: list[Future[None]] = []
        self.at_next_pause: list[Future[None]] = []
        # Whether the wait would be so short that some task is only polling.
        self.is_brief = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        if self.at_pause:
            ready = super().select(0)
            self.is_brief = timeout is not None and timeout <= _BRIEF_SECONDS
            if ready or self._resolve():
                return ready
        ready = super().select(timeout)
        self.at_pause += self.at_next_pause
        self.at_next_pause.clear()
        return ready

    def _resolve(self) -> bool:
        """Resolve the futures at a pause; returns whether any was still awaited."""
        awaited = [future for future in self.at_pause if not future.done()]
        self.at_pause.clear()
        for future in awaited:
            future.set_result(None)
        return bool(awaited)


class RestingLoop(asyncio.SelectorEventLoop):
    """Counts the work that threads, databases and processes still do for it."""

    def __init__(self) -> None:
        self._rests = _Selector()
        super().__init__(self._rests)
        self._trips = 0
        self._processes: list[asyncio.SubprocessTransport] = []

    @property
    def is_at_rest(self) -> bool:
        """During a pause: whether nothing will happen before a timer or a request from outside."""
        running = [process for process in self._processes if process.get_returncode() is None]
        self._processes = running
        return not (self._trips or self._processes or self._rests.is_brief)

    async def pause(self) -> None:
        """Return when every task waits for something."""
        await self._resolved(self._rests.at_pause)

    async def next_pause(self) -> None:
        """Return at the pause after the next event from outside of the loop."""
        await self._resolved(self._rests.at_next_pause)

    @contextmanager
    def trip(self) -> Iterator[None]:
        """Count a piece of work outside of the loop that will come back to it."""
        self._trips += 1
        try:
            yield
        finally:
            self._trips -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> Future[T]:
        trip = self.trip()
        trip.__enter__()
        done = super().run_in_executor(executor, func, *args)
        done.add_done_callback(lambda _: trip.__exit__(None, None, None))
        return done

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        with self.trip():
            transport, protocol = await super().subprocess_exec(*args, **options)
        self._processes.append(transport)
        return transport, protocol

    async def _resolved(self, waiting: list[Future[None]]) -> None:
        future = self.create_future()
        waiting.append(future)
        await future


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a RestingLoop, as asyncio.run does."""
    with asyncio.Runner(loop_factory=RestingLoop) as runner:
        return runner.run(main)


def _counted(call: Callable[..., Awaitable[T]]) -> Callable[..., Coroutine[Any, Any, T]]:
    @wraps(call)
    async def counted(*args: Any, **options: Any) -> T:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, RestingLoop):
            return await call(*args, **options)
        with loop.trip():
            return await call(*args, **options)

    return counted


# SQLAlchemy has no event for the end of a call of an asynchronous connection.
for _name in _CALLS:
    setattr(AsyncConnection, _name, _counted(getattr(AsyncConnection, _name)))
