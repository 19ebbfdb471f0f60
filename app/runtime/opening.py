"""Opens the services for a server or a command as context managers, and closes them again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from app.bus import Bus
from app.clocks import SystemClock
from app.domain.accounts import AccountMode
from app.gateways import Gateways
from app.runtime.building import Build
from app.runtime.parts import Parts
from app.runtime.rooms import build_auth
from app.services import Services
from app.services.access.audit import AuditService
from app.services.access.auth import AuthService
from app.services.ids import AscendingIds
from app.services.metrics import Metrics
from app.services.operation.account_checks import AccountCandidate
from app.services.operation.health import HealthService
from app.services.operation.restore import RestorationService
from app.settings import Settings
from app.storage.database import Database
from app.storage.upkeep import migrations
from app.storage.upkeep.backups import url_of
from app.storage.upkeep.inspections import inspected, place


@asynccontextmanager
async def open_runtime(
    settings: Settings, parts: Parts | None = None, *, migrate: bool = True
) -> AsyncIterator[Services]:
    """Open all services: migrate or check the database, build, prepare, and run the loops."""
    parts = parts or Parts()
    metrics = Metrics()
    url = settings.database_url.get_secret_value()
    async with _open_database(url, metrics, migrate=migrate) as (database, bus):
        built = Build(settings, parts, database, bus, metrics)
        await built.prepare()
        async with asyncio.TaskGroup() as tasks:
            loops = [tasks.create_task(loop) for loop in built.loops()]
            try:
                yield built.services
            finally:
                for loop in loops:
                    loop.cancel()


@asynccontextmanager
async def open_auth(settings: Settings) -> AsyncIterator[tuple[AuthService, AuditService]]:
    """Open tokens and audit log alone, for the command line."""
    parts = Parts()
    url = settings.database_url.get_secret_value()
    async with _open_database(url, Metrics(), migrate=True) as (database, _):
        audit = AuditService(database, parts.clock, AscendingIds().new)
        yield build_auth(settings, database, parts), audit


@asynccontextmanager
async def open_restored(path: Path) -> AsyncIterator[RestorationService]:
    """Open a copy of a database that is being restored, and migrate it."""
    clock = SystemClock()
    async with _open_database(url_of(path), Metrics(), migrate=True) as (database, _):
        audit = AuditService(database, clock, AscendingIds().new)
        yield RestorationService(database, audit, clock)


@asynccontextmanager
async def open_health(settings: Settings) -> AsyncIterator[HealthService]:
    """Open the health checks, which need no server: nothing is created, migrated or written."""
    url = settings.database_url.get_secret_value()
    database, parts = Database(url, Bus()), Parts()
    gateways = Gateways(settings, database, parts.clock, parts.faults)
    candidates = {
        name: AccountCandidate(
            name=name,
            exchange=account.exchange,
            mode=account.mode,
            has_keys=account.api_key is not None and account.mode is not AccountMode.PAPER,
            open=partial(gateways.opened, name),
        )
        for name, account in settings.accounts.items()
    }
    try:
        yield HealthService(
            inspect=partial(inspected, url),
            place=place(url),
            clock=parts.clock,
            accounts=candidates,
        )
    finally:
        await database.close()


async def migrate(settings: Settings, revision: str) -> None:
    database = Database(settings.database_url.get_secret_value(), Bus())
    try:
        await migrations.migrate(database, revision)
    finally:
        await database.close()


@asynccontextmanager
async def _open_database(
    url: str, metrics: Metrics, *, migrate: bool
) -> AsyncIterator[tuple[Database, Bus]]:
    bus = Bus()
    database = Database(url, bus, metrics.committed)
    try:
        await (migrations.migrate(database) if migrate else migrations.check(database))
        yield database, bus
    finally:
        await database.close()
