"""Readiness of the server: one word for everybody, the reasons for the operator."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from app.errors import StorageError
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.operation.event_loop_lag import EventLoopLag
from app.storage.database import Database
from app.storage.upkeep.health import HealthStore, SchemaStatus

ANSWER_SECONDS = 5.0
# Answers are reused this long, so that asking often costs nothing.
GOOD_FOR_SECONDS = 1.0
LOOK_SECONDS = 10.0

_logger = structlog.get_logger(__name__)


class ReadinessWord(StrEnum):
    """All that a client without a token learns."""

    READY = "ready"
    STARTING = "starting"
    UNREADY = "unready"


class HealthCheck(StrEnum):
    """What must be in order for the server to be ready."""

    DATABASE = "database"
    SCHEMA = "schema"
    ACCOUNTS = "accounts"
    LOOP = "loop"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadinessState:
    """The checks that fail at one moment, with the reasons."""

    # In elapsed time.
    at: float
    problems: Mapping[HealthCheck, str] = field(default_factory=dict)

    @property
    def word(self) -> ReadinessWord:
        """STARTING if only accounts that were not compared yet are missing."""
        if not self.problems:
            return ReadinessWord.READY
        return (
            ReadinessWord.STARTING
            if set(self.problems) == {HealthCheck.ACCOUNTS}
            else ReadinessWord.UNREADY
        )


class Readiness:
    """Checks on request and regularly, and logs changes."""

    def __init__(
        self, database: Database, accounts: AccountService, loop: EventLoopLag, clock: Clock
    ) -> None:
        self._database = database
        self._accounts = accounts
        self._loop = loop
        self._clock = clock
        self._lock = asyncio.Lock()
        self._state: ReadinessState | None = None

    async def look(self) -> ReadinessState:
        """The state now, or up to a second ago."""
        async with self._lock:
            if self._state is None or not self._is_good(self._state):
                before, self._state = self._state, await self._check()
                _log_change(before, self._state)
            return self._state

    async def run(self) -> None:
        while True:
            await self.look()
            await self._clock.sleep(LOOK_SECONDS)

    def _is_good(self, state: ReadinessState) -> bool:
        return self._clock.elapsed() - state.at < GOOD_FOR_SECONDS

    async def _check(self) -> ReadinessState:
        problems = dict([*await self._of_database(), *self._of_accounts(), *self._of_loop()])
        return ReadinessState(at=self._clock.elapsed(), problems=problems)

    async def _of_database(self) -> list[tuple[HealthCheck, str]]:
        try:
            async with self._clock.timeout(ANSWER_SECONDS), self._database.snapshot() as view:
                schema = await HealthStore(view.sql).schema()
        except StorageError as error:
            return [(HealthCheck.DATABASE, str(error))]
        except TimeoutError:
            return [(HealthCheck.DATABASE, f"it does not answer within {ANSWER_SECONDS:g} s")]
        if schema.standing is SchemaStatus.AT_HEAD:
            return []
        return [(HealthCheck.SCHEMA, f"it is at {schema.revision}, and {schema.head} is needed")]

    def _of_accounts(self) -> Iterator[tuple[HealthCheck, str]]:
        names = [name for name in self._accounts.entries if not self._accounts.is_in_step(name)]
        if names:
            words = f"not yet compared with the exchange: {', '.join(sorted(names))}"
            yield HealthCheck.ACCOUNTS, words

    def _of_loop(self) -> Iterator[tuple[HealthCheck, str]]:
        seconds = self._loop.blocked_seconds()
        if seconds is not None:
            yield HealthCheck.LOOP, f"it was held up for {seconds:.1f} s"


def _log_change(before: ReadinessState | None, now: ReadinessState) -> None:
    """Log if the set of failing checks has changed; their words change all the time."""
    if before is not None and set(before.problems) == set(now.problems):
        return
    if now.problems:
        problems = {str(check): words for check, words in now.problems.items()}
        _logger.warning("readiness.lost", word=str(now.word), **problems)
    else:
        _logger.info("readiness.gained", word=str(now.word))
