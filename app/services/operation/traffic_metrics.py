"""TrafficMetrics: the requests to exchanges as Prometheus metrics, read at each export."""

from collections.abc import Iterator
from functools import partial

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.domain.traffic import Traffic
from app.services.accounts import AccountService
from app.services.metrics import NAMESPACE

_LABELS = ("account", "kind", "priority")


class TrafficMetrics(Collector):
    """Reads every account's traffic; kinds are the names of ccxt's methods."""

    def __init__(self, accounts: AccountService) -> None:
        self._accounts = accounts

    def describe(self) -> list[Metric]:
        """Nothing is read before the first export."""
        return []

    def collect(self) -> Iterator[Metric]:
        counted = partial(CounterMetricFamily, labels=_LABELS)
        requests = counted(f"{NAMESPACE}_exchange_requests", "Requests sent to an exchange.")
        waited = counted(
            f"{NAMESPACE}_exchange_requests_waited_seconds", "How long they waited to be sent."
        )
        weights = counted(
            f"{NAMESPACE}_exchange_requests_weight", "Their weight in the exchange's rate limit."
        )
        left = GaugeMetricFamily(
            f"{NAMESPACE}_exchange_weight_left",
            "The weight that is left of the last minute.",
            labels=("account",),
        )
        for name, traffic in self._all():
            for total in traffic.totals:
                labels = (name, total.kind, total.priority)
                requests.add_metric(labels, total.count)
                waited.add_metric(labels, total.waited_seconds)
                weights.add_metric(labels, total.weight)
            if traffic.weight_left is not None:
                left.add_metric((name,), traffic.weight_left)
        yield from (requests, waited, weights, left)

    def _all(self) -> Iterator[tuple[str, Traffic]]:
        for name, entry in self._accounts.entries.items():
            yield name, entry.gateway.traffic
