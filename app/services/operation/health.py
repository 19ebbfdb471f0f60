"""The health of database and accounts, as findings: for `orderdeck doctor`."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from app.domain.access.tokens import Scope
from app.domain.findings import Finding, Severity, fault, ok, warning, worst
from app.errors import StorageError
from app.ports import Clock
from app.services.operation.account_checks import AccountCandidate, examine_account
from app.storage.database import Snapshot
from app.storage.upkeep.health import HealthStore, SchemaState, SchemaStatus
from app.storage.upkeep.inspections import LOOK_SECONDS, DatabaseMissing, UnfinishedLog

ANSWER_SECONDS = 10.0
# The clocks of two machines never agree exactly.
CLOCK_TOLERANCE = timedelta(seconds=1)
CLOCK_LIMIT = timedelta(seconds=5)

_REACH = "look at the database and at database_url in the settings"
_RESTORE = "stop the server, keep a copy of the file, and restore the last backup"
_SET_CLOCK = "set the clock of this machine, best by NTP, before the server is started"


class HealthService:
    """Examines what a server needs; changes nothing, and never waits for long."""

    def __init__(
        self,
        *,
        inspect: Callable[[], AbstractAsyncContextManager[Snapshot]],
        place: str,
        clock: Clock,
        accounts: Mapping[str, AccountCandidate],
    ) -> None:
        self._inspect = inspect
        self._place = place
        self._clock = clock
        self._accounts = accounts

    def now(self) -> datetime:
        return self._clock.now()

    async def check_database(self) -> list[Finding]:
        """Whether the database is reached, at which schema, undamaged, and with the right time.

        After a fault it is examined again: a server that is starting may be changing the file.
        """
        findings = await self._examine_database()
        return findings if worst(findings) is not Severity.FAULT else await self._examine_database()

    async def check_account(self, name: str) -> list[Finding]:
        """Whether the account's exchange answers, and what its keys may do."""
        return await examine_account(self._accounts[name], self._clock)

    async def has_admin(self) -> bool:
        """Whether a valid ADMIN token exists."""
        now = self._clock.now()
        async with self._clock.timeout(ANSWER_SECONDS), self._inspect() as view:
            unrevoked = await view.tokens.unrevoked()
        return any(token.is_valid(now) and token.allows(Scope.ADMIN) for token in unrevoked)

    async def _examine_database(self) -> list[Finding]:
        findings: list[Finding] = []
        try:
            async with self._clock.timeout(LOOK_SECONDS), self._inspect() as view:
                await self._examine(view, findings)
        except DatabaseMissing:
            return [
                ok("database", f"{self._place} does not exist yet: it is made at the first start")
            ]
        except UnfinishedLog as error:
            return [warning("database", str(error), "start the server, and look again")]
        except TimeoutError:
            words = f"{self._place}: not all was looked at within {LOOK_SECONDS:g} s"
            findings.append(warning("integrity", words, "look again when it is less busy"))
        except StorageError as error:
            advice = _RESTORE if findings else _REACH
            name = "integrity" if findings else "database"
            findings.append(fault(name, f"{self._place}: {error}", advice))
        return findings

    async def _examine(self, view: Snapshot, findings: list[Finding]) -> None:
        """Add findings one by one, so that those made before a failure are kept."""
        store = HealthStore(view.sql)
        async with self._clock.timeout(ANSWER_SECONDS):
            product = await store.product()
            schema = await store.schema()
        findings.append(ok("database", f"{product}, {self._place}"))
        findings.append(_of_schema(schema))
        findings.append(_of_damage(await store.damage()))
        server_at = await store.server_time()
        if server_at is not None:
            findings.append(_of_skew(server_at - self._clock.now()))
        if schema.standing is SchemaStatus.AT_HEAD:
            findings.append(_of_log(await store.newest_event_at(), self._clock.now()))


def _of_schema(schema: SchemaState) -> Finding:
    there = f"at {schema.revision}" if schema.revision else "still without tables"
    match schema.standing:
        case SchemaStatus.AT_HEAD:
            return ok("schema", f"the database is {there}, which this program needs")
        case SchemaStatus.BEHIND:
            words = f"the database is {there} and this program needs {schema.head}"
            return warning(
                "schema", words, "run `orderdeck migrate`, or let the next start do so by itself"
            )
        case SchemaStatus.NEWER:
            words = f"the database is {there}, which is newer than this program"
            return fault("schema", words, "run the newer orderdeck")


def _of_damage(damage: str | None) -> Finding:
    if damage is None:
        return ok("integrity", "nothing is damaged")
    return fault("integrity", f"the database file is damaged: {damage}", _RESTORE)


def _of_skew(skew: timedelta) -> Finding:
    """Our clock compared with the database server's."""
    name = "clock against the database"
    seconds = abs(skew.total_seconds())
    words = f"this machine's clock and the database server's are {seconds:.1f} s apart"
    if abs(skew) > CLOCK_LIMIT:
        return fault(name, words, "set both by NTP before the server is started")
    if abs(skew) > CLOCK_TOLERANCE:
        return warning(name, words, "set both by NTP")
    return ok(name, words)


def _of_log(newest: datetime | None, now: datetime) -> Finding:
    """Our clock compared with the newest event: times in the log must not run backwards."""
    if newest is None:
        return ok("clock", "no event was recorded yet that it could stand behind")
    if now + CLOCK_TOLERANCE < newest:
        words = f"the clock stands {_span(newest - now)} behind the last recorded event"
        return fault("clock", words, _SET_CLOCK)
    return ok("clock", "it stands behind no recorded event")


def _span(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s" if span < timedelta(hours=1) else str(span).split(".")[0]
