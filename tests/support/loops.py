"""An event loop that knows when all is at rest, for clocks that are moved by hand."""

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

# A loop that goes on so soon by itself is not at rest.
_BRIEF_SECONDS = 0.05
# The calls by which this application waits for its databases.
_CALLS = ("start", "execute", "run_sync", "commit", "invalidate", "close")


class _Selector(selectors.DefaultSelector):
    """Tells those who want to know when its loop would wait: nothing can go on by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.at_pause: list[Future[None]] = []
        self.at_next_pause: list[Future[None]] = []
        # Whether the pause would be so short that somebody is only looking again and again.
        self.is_brief = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        if self.at_pause:
            ready = super().select(0)
            self.is_brief = timeout is not None and timeout <= _BRIEF_SECONDS
            if ready or self._tell():
                return ready
        ready = super().select(timeout)
        self.at_pause += self.at_next_pause
        self.at_next_pause.clear()
        return ready

    def _tell(self) -> bool:
        """Whether somebody still wanted to know."""
        told = [one for one in self.at_pause if not one.done()]
        self.at_pause.clear()
        for one in told:
            one.set_result(None)
        return bool(told)


class RestingLoop(asyncio.SelectorEventLoop):
    """Knows what threads, databases and processes still do for it."""

    def __init__(self) -> None:
        self._rests = _Selector()
        super().__init__(self._rests)
        self._trips = 0
        self._processes: list[asyncio.SubprocessTransport] = []

    @property
    def is_at_rest(self) -> bool:
        """In a pause: whether nothing will go on before a timer rings or somebody asks."""
        self._processes = [one for one in self._processes if one.get_returncode() is None]
        return not (self._trips or self._processes or self._rests.is_brief)

    async def pause(self) -> None:
        """Return when all that can go on by itself has gone on."""
        await self._told(self._rests.at_pause)

    async def next_pause(self) -> None:
        """Return at the pause after something was heard from outside."""
        await self._told(self._rests.at_next_pause)

    @contextmanager
    def trip(self) -> Iterator[None]:
        """What is done elsewhere, and comes back."""
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

    async def _told(self, waiting: list[Future[None]]) -> None:
        told = self.create_future()
        waiting.append(told)
        await told


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run does, in such a loop."""
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


# Nothing else in SQLAlchemy tells when a call of an asynchronous connection ends.
for _name in _CALLS:
    setattr(AsyncConnection, _name, _counted(getattr(AsyncConnection, _name)))
