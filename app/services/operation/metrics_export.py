"""The export of metrics for Prometheus: counters, and gauges that are read at each export."""

from functools import partial
from math import nan
from platform import python_version

from prometheus_client import Gauge
from prometheus_client.exposition import choose_encoder

from app import __version__
from app.domain.accounts import Connectivity
from app.errors import StorageError
from app.ports import Clock
from app.services.accounts import AccountService
from app.services.live.live_queries import LiveQueries
from app.services.markets.stream_registry import StreamRegistry
from app.services.metrics import NAMESPACE, Metrics
from app.services.operation.readiness import HealthCheck, Readiness
from app.services.operation.traffic_metrics import TrafficMetrics
from app.services.orders.update_log import OrderLog
from app.storage.database import Database


class MetricsExport:
    """Reads all gauges and renders the metrics, at each request."""

    def __init__(
        self,
        *,
        metrics: Metrics,
        database: Database,
        accounts: AccountService,
        readiness: Readiness,
        log: OrderLog,
        streams: StreamRegistry,
        live: LiveQueries,
        clock: Clock,
    ) -> None:
        self._metrics = metrics
        self._database = database
        self._accounts = accounts
        self._readiness = readiness
        self._log = log
        self._streams = streams
        self._live = live
        self._clock = clock
        metrics.registry.register(TrafficMetrics(accounts))
        gauge = partial(Gauge, namespace=NAMESPACE, registry=metrics.registry)
        self._doubts = gauge(
            "orders_in_doubt", "Orders that the exchange may or may not have.", ["account"]
        )
        self._doubt_age = gauge(
            "orders_in_doubt_oldest_seconds", "The age of the oldest order in doubt.", ["account"]
        )
        self._connected = gauge(
            "account_connected", "1: the exchange is reached, 0: it is not.", ["account"]
        )
        self._in_step = gauge(
            "account_in_step", "1: compared with the exchange since the start.", ["account"]
        )
        self._ready = gauge("ready", "1: the check passes, 0: it fails.", ["check"])
        self._readers = gauge("subscribers", "Open subscriptions.", ["stream"])
        self._behind = gauge(
            "subscriber_behind_events", "Events that the slowest subscriber to orders lags behind."
        )
        self._open_streams = gauge("price_streams", "Open streams of prices.")
        self._head = gauge("log_events", "The number of the newest event in the log.")
        build = gauge("build_info", "The version of this program; always 1.", ["version", "python"])
        build.labels(__version__, python_version()).set(1)

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The metrics in the format that the client prefers, and its content type."""
        await self._read_doubts()
        await self._read_readiness()
        self._read_accounts()
        self._read_streams()
        encode, content_type = choose_encoder(accept)
        return encode(self._metrics.registry), content_type

    async def _read_doubts(self) -> None:
        """Set the gauges of orders in doubt; NaN if the database cannot be read."""
        names, now = self._accounts.entries, self._clock.now()
        try:
            async with self._database.snapshot() as view:
                doubts = await view.orders.doubts()
        except StorageError:
            for name in names:
                self._doubts.labels(name).set(nan)
                self._doubt_age.labels(name).set(nan)
            return
        for name in names:
            count, oldest = doubts.get(name, (0, now))
            self._doubts.labels(name).set(count)
            self._doubt_age.labels(name).set((now - oldest).total_seconds())

    async def _read_readiness(self) -> None:
        problems = (await self._readiness.look()).problems
        for check in HealthCheck:
            self._ready.labels(check).set(check not in problems)

    def _read_accounts(self) -> None:
        accounts = self._accounts
        for name, entry in accounts.entries.items():
            connectivity = entry.gateway.connection.connectivity
            reached = connectivity in {Connectivity.CONNECTED, Connectivity.DEGRADED}
            self._connected.labels(name).set(reached)
            self._in_step.labels(name).set(accounts.is_in_step(name))

    def _read_streams(self) -> None:
        log, streams, live = self._log, self._streams, self._live
        self._readers.labels("orders").set(log.readers)
        self._readers.labels("prices").set(streams.watchers)
        self._readers.labels("views").set(live.readers)
        self._behind.set(log.furthest_behind)
        self._open_streams.set(len(streams))
        self._head.set(log.head)
