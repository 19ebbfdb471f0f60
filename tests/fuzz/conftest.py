"""A server to be attacked, which must write nothing of it that an operator has to look at."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping, MutableMapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from app.runtime import Parts
from tests.api.conftest import Api, hasty, never_late, running, settings_of
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.leaks import lines_with_secrets
from tests.support.loops import RestingLoop

T = TypeVar("T")

# Time stands still, so that no budget would ever be filled up again.
UNBOUNDED = {
    "orders_per_second": "0",
    "cost_per_second": "0",
    "subscriptions_per_second": "0",
    "open_subscriptions": "0",
}
WHO = "{ viewer { name } }"
FAULTS = {"error", "critical"}


class Target:
    """A server in a loop of its own, which runs only while somebody does something with it."""

    def __init__(
        self, runner: asyncio.Runner, api: Api, told: list[MutableMapping[str, Any]]
    ) -> None:
        self._runner = runner
        self._told = told
        self.api = api

    def run(self, attack: Coroutine[Any, Any, T]) -> T:
        """Attack it, while an honest client is served."""
        found = self._runner.run(self._beside_honest(attack))
        assert not [line for line in self._told if line["log_level"] in FAULTS]
        assert not lines_with_secrets(str(line) for line in self._told)
        self._told.clear()
        return found

    async def _beside_honest(self, attack: Coroutine[Any, Any, T]) -> T:
        attacking = asyncio.ensure_future(attack)
        await self._serves()
        found = await attacking
        await self._serves()
        return found

    async def _serves(self) -> None:
        assert (await self.api.client().ask(WHO))["viewer"]["name"]


@pytest.fixture
def target(sqlite_url: str, tmp_path: Path) -> Iterator[Target]:
    settings = settings_of(sqlite_url, tmp_path, **UNBOUNDED)
    parts = Parts(clock=ManualClock(START), login_throttle=hasty(), seconds=never_late)
    with all_logs() as told, asyncio.Runner(loop_factory=RestingLoop) as runner:
        stack = AsyncExitStack()
        api = runner.run(stack.enter_async_context(running(settings, parts)))
        try:
            yield Target(runner, api, told)
        finally:
            runner.run(stack.aclose())


class _Kept(logging.Handler):
    """What libraries have to say, beside what we have."""

    def __init__(self, told: list[MutableMapping[str, Any]]) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        line = {"event": self.format(record), "log_level": record.levelname.lower()}
        self._told.append(line)


@contextmanager
def all_logs() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as told:
        kept = _Kept(told)
        logging.getLogger().addHandler(kept)
        try:
            yield told
        finally:
            logging.getLogger().removeHandler(kept)


def codes_of(told: Mapping[str, Any]) -> Sequence[str]:
    """Of the errors of an answer, or of a message of a socket."""
    payload = told.get("payload", told)
    errors = payload if isinstance(payload, list) else (payload or {}).get("errors", [])
    return [error["extensions"]["code"] for error in errors]
