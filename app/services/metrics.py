"""Counters and timers for Prometheus; labels are values of ours, never a client's input."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import Self

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from app.domain.orders.events import LoggedEvent
from app.domain.orders.order import OrderStatus
from app.errors import Denied, RefusalCode

NAMESPACE = "orderdeck"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
DONE, FAILED = "done", "failed"


class Metrics:
    """The metrics of one runtime, in a registry of their own: several runtimes share nothing."""

    def __init__(self) -> None:
        # Otherwise each counter has a second sample with its time of creation.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        counted = partial(Counter, namespace=NAMESPACE, registry=self.registry)
        timed = partial(Histogram, namespace=NAMESPACE, registry=self.registry, buckets=SECONDS)
        self._orders = counted(
            "orders",
            "Orders by the status that they reached, in this process.",
            ["account", "status"],
        )
        self._denied = counted(
            "orders_denied", "Orders that orderdeck denied.", ["account", "code"]
        )
        self._replayed = counted(
            "orders_replayed", "Repeated requests, answered with the first order.", ["account"]
        )
        self._sent = timed(
            "order_sent_seconds",
            "From a request to sending its order to the exchange.",
            ["account"],
        )
        self._answered = timed(
            "order_answered_seconds", "From a request to the exchange's answer.", ["account"]
        )
        self._news_lag = timed(
            "news_lag_seconds", "From a change at the exchange to its report here.", ["account"]
        )
        self._gaps = counted(
            "stream_gaps", "Connections and reconnections to an exchange's stream.", ["account"]
        )
        self._compared = counted(
            "reconciliations",
            "Comparisons of an account with its exchange.",
            ["account", "outcome"],
        )
        self._breaks = counted("price_stream_breaks", "Breaks of price streams.", ["kind"])
        self._commits = timed("commit_seconds", "The wait for the database to commit.")
        self._loop_delay = timed("loop_delay_seconds", "How late the event loop runs what is due.")
        self._loop_stops = counted("loop_stops", "Stops of the event loop for longer than 50 ms.")
        self._cycles = counted("bot_cycles", "Cycles of the bot.", ["outcome"])
        self._cycle = timed("bot_cycle_seconds", "How long a cycle of the bot took.")
        self._faults = counted("internal_errors", "Requests that failed by an error in orderdeck.")
        self._answers = counted("http_answers", "Answers over HTTP.", ["status"])
        self._sockets = Gauge(
            "sockets", "Open sockets.", namespace=NAMESPACE, registry=self.registry
        )
        self._closed = counted("sockets_closed", "Closed sockets, by close code.", ["code"])
        self._over_budget = counted(
            "budget_refusals", "Operations that a budget of their token refused.", ["budget"]
        )
        self._turned_away = counted("tokens_refused", "Requests with an invalid token.", ["code"])

    def count_events(self, committed: Sequence[LoggedEvent]) -> None:
        """Count orders by new status, from the events that this process has committed."""
        for logged in committed:
            order = logged.event.order
            if order.status is not logged.event.previous_status:
                self._orders.labels(order.account, order.status).inc()

    def placing(self, account: str) -> "PlacementTimer":
        return PlacementTimer(self, account)

    def denied(self, account: str, code: RefusalCode) -> None:
        self._denied.labels(account, code).inc()

    def replayed(self, account: str) -> None:
        self._replayed.labels(account).inc()

    def sent(self, account: str, seconds: float) -> None:
        self._sent.labels(account).observe(seconds)

    def answered(self, account: str, seconds: float) -> None:
        self._answered.labels(account).observe(seconds)

    def heard(self, account: str, seconds: float) -> None:
        """Record the lag of news; differing clocks can make it negative, which counts as 0."""
        self._news_lag.labels(account).observe(max(seconds, 0.0))

    def gap(self, account: str) -> None:
        self._gaps.labels(account).inc()

    def compared(self, account: str, *, is_answered: bool) -> None:
        self._compared.labels(account, DONE if is_answered else FAILED).inc()

    def broke(self, kind: str) -> None:
        self._breaks.labels(kind).inc()

    def committed(self, seconds: float) -> None:
        self._commits.observe(seconds)

    def delayed(self, seconds: float) -> None:
        self._loop_delay.observe(seconds)

    def stopped(self) -> None:
        """Count a stop of the event loop."""
        self._loop_stops.inc()

    def cycled(self, seconds: float, *, is_done: bool) -> None:
        self._cycles.labels(DONE if is_done else FAILED).inc()
        self._cycle.observe(seconds)

    def failed(self) -> None:
        self._faults.inc()

    def told(self, status: int) -> None:
        """Count an answer over HTTP."""
        self._answers.labels(status).inc()

    def opened(self) -> None:
        """Count a socket as open."""
        self._sockets.inc()

    def closed(self, code: str) -> None:
        self._sockets.dec()
        self._closed.labels(code).inc()

    def over_budget(self, budget: str) -> None:
        self._over_budget.labels(budget).inc()

    def turned_away(self, code: str) -> None:
        """Count a request with an invalid token, or one refused after too many of them."""
        self._turned_away.labels(code).inc()


class PlacementTimer:
    """Times one request to place an order, from here to its outcome."""

    def __init__(self, metrics: Metrics, account: str) -> None:
        self._metrics = metrics
        self._account = account
        self._began = perf_counter()
        self._has_passed = False

    def replayed(self) -> None:
        self._has_passed = True
        self._metrics.replayed(self._account)

    def sent(self) -> None:
        self._has_passed = True
        self._metrics.sent(self._account, perf_counter() - self._began)

    def answered(self, status: OrderStatus) -> None:
        """Record the time to the answer; IN_DOUBT is not an answer."""
        if status.is_answered:
            self._metrics.answered(self._account, perf_counter() - self._began)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if isinstance(error, Denied) and not self._has_passed:
            self._metrics.denied(self._account, error.refusal.code)
