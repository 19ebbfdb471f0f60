"""The foundation of all rooms: settings, clock, database, bus, gateways and accounts."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.bus import Bus
from app.gateways import Gateways, build_all
from app.ports import Clock, ExchangeGateway
from app.runtime.parts import Parts
from app.services.accounts import AccountEntry, AccountService
from app.services.ids import AscendingIds, new_wire_id
from app.services.metrics import Metrics
from app.services.orders.comparing.settling import SyncTimes
from app.services.orders.ledger import IdMakers
from app.settings import Settings
from app.storage.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Foundation:
    """What is built first and passed to the builder of each room."""

    settings: Settings
    parts: Parts
    database: Database
    bus: Bus
    metrics: Metrics
    ids: IdMakers
    gateways: Mapping[str, ExchangeGateway]
    accounts: AccountService
    sync_times: Mapping[str, SyncTimes]

    @property
    def clock(self) -> Clock:
        return self.parts.clock


def build_foundation(
    settings: Settings, parts: Parts, database: Database, bus: Bus, metrics: Metrics
) -> Foundation:
    plans = Gateways(settings, database, parts.clock, parts.faults)
    gateways = build_all(plans)
    entries = [
        AccountEntry(
            name=name,
            exchange=account.exchange,
            mode=account.mode,
            max_open_orders=account.max_open_orders,
            answer_seconds=plans.answer_seconds(name),
            gateway=gateways[name],
        )
        for name, account in settings.accounts.items()
    ]
    return Foundation(
        settings=settings,
        parts=parts,
        database=database,
        bus=bus,
        metrics=metrics,
        ids=IdMakers(new=AscendingIds().new, new_wire=new_wire_id),
        gateways=gateways,
        accounts=AccountService(database, parts.clock, entries),
        sync_times={
            name: SyncTimes(
                interval_seconds=settings.reconcile_seconds,
                not_found_seconds=plans.not_found_seconds(name),
            )
            for name in settings.accounts
        },
    )
