"""The dead-man switch: halts trading if a client stops arming it, even after a restart of ours."""

from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from app.bus import Bus, Listener, Topic
from app.domain.checks import invalid
from app.domain.risk.clearings import HaltOptions
from app.domain.risk.rules import ALL, Rules
from app.errors import StorageError
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.orders.gate import deny
from app.services.risk.clearing import ClearingService
from app.services.risk.halt import HaltService
from app.services.risk.scope import HaltScope
from app.storage.database import Database

MOST_SECONDS = 24 * 3600
REASON = "the dead-man switch was not armed again in time"
# Switches that other processes arm are not announced here, and a machine that slept wakes late.
LOOK_SECONDS = 5.0

_logger = structlog.get_logger(__name__)


class DeadManSwitch:
    """Keeps its switches in the database: only time and their owner can change them."""

    def __init__(
        self, database: Database, accounts: AccountService, halts: HaltService,
        clearing: ClearingService, bus: Bus, clock: Clock,
    ) -> None:  # fmt: skip
        self._database = database
        self._accounts = accounts
        self._halts = halts
        self._clearing = clearing
        self._bus = bus
        self._clock = clock
        # The stored time of each switch, and the elapsed time that belongs to it.
        self._due_at: dict[str, tuple[datetime, float]] = {}

    async def arm(self, halt_scope: HaltScope, seconds: int) -> None:
        """Halt trading after this time, unless the switch is armed again or disarmed before."""
        if not 1 <= seconds <= MOST_SECONDS:
            deny(invalid("timeoutSeconds", f"timeoutSeconds takes 1 to {MOST_SECONDS}"))
        async with self._database.transaction() as tx:
            await tx.rules.lock()
            fires_at = self._clock.now() + timedelta(seconds=seconds)
            for key in halt_scope.keys:
                self._due_at[key] = (fires_at, self._clock.elapsed() + seconds)
                await tx.rules.save_switch(key, fires_at)
            tx.announce(Topic.FEED, Topic.SWITCHES)
            await tx.attempted(halt_scope.subject)

    async def disarm(self, halt_scope: HaltScope) -> None:
        """Disarm the scope's switches; one armed for all accounts needs a scope of all accounts."""
        async with self._database.transaction() as tx:
            armed = (await tx.rules.lock()).switches
            doomed = [name for name in {*halt_scope.keys, *halt_scope.accounts} if name in armed]
            for key in doomed:
                await tx.rules.forget_switch(key)
            if doomed:
                tx.announce(Topic.FEED, Topic.SWITCHES)
                await tx.attempted(halt_scope.subject)

    async def run(self) -> None:
        with self._bus.listen(Topic.SWITCHES) as listener:
            while True:
                try:
                    await self.fire_due()
                except StorageError as error:
                    _logger.warning("dead_man.not_looked_at", error=str(error))
                await self._until_due(listener)

    async def fire_due(self) -> None:
        """Halt for each due switch; what is to be canceled is stored with the halt."""
        async with self._database.snapshot() as view:
            armed = (await view.rules.read()).switches
        for key, fires_at in armed.items():
            if self._rest_seconds(key, fires_at) <= 0:
                await self._fire(key)

    async def _fire(self, key: str) -> None:
        """Halt if still due: a client that arms it now is in time, or finds trading halted."""
        halt_scope = HaltScope.of([] if key == ALL else [key], is_all=key == ALL)
        known = self._accounts.entries
        names = [name for name in known if halt_scope.is_all or name in halt_scope.accounts]
        async with self._database.transaction() as tx:
            if not self._is_due(await tx.rules.lock(), key):
                return
            await self._halts.latch(tx, halt_scope, REASON)
            await self._clearing.store(tx, names, HaltOptions())
            await tx.rules.forget_switch(key)
            tx.announce(Topic.FEED, Topic.SWITCHES)
        _logger.warning("dead_man.fired", accounts=names)

    def _is_due(self, rules: Rules, key: str) -> bool:
        fires_at = rules.switches.get(key)
        return fires_at is not None and self._rest_seconds(key, fires_at) <= 0

    def _rest_seconds(self, key: str, fires_at: datetime) -> float:
        """By elapsed time; for one of another process or run, first by the wall clock."""
        elapsed = self._clock.elapsed()
        known = self._due_at.get(key)
        if known is None or known[0] != fires_at:
            rest = (fires_at - self._clock.now()).total_seconds()
            known = self._due_at[key] = (fires_at, elapsed + rest)
        return known[1] - elapsed

    async def _until_due(self, listener: Listener) -> None:
        async with self._database.snapshot() as view:
            armed = (await view.rules.read()).switches
        if not armed and self._database.poll_seconds is None:
            await listener.wait()
            return
        rests = [self._rest_seconds(key, fires_at) for key, fires_at in armed.items()]
        with suppress(TimeoutError):
            async with self._clock.timeout(max(min([*rests, LOOK_SECONDS]), 0.0)):
                await listener.wait()
