"""What is counted, for Prometheus: calls by route and status, and how long they took. No tenant, no key, no id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from application import gauges as counted
from application.gauges import GAUGES

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """The counts of one application in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "daybook_http_requests",
            "Answers, by method, route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "daybook_http_request_seconds",
            "From the first byte read to the last one sent.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._late = Gauge(
            "daybook_duties_late",
            "What is late: answers to people, reviews, recipients to be told.",
            registry=self.registry,
        )
        self._soon = Gauge(
            "daybook_duties_due_in_7_days",
            "What is due within seven days, and not late.",
            registry=self.registry,
        )
        self._gauges = {
            name: Gauge(f"daybook_{name}", says, (label,) if label else (), registry=self.registry)
            for name, (label, says) in GAUGES.items()
        }
        # Looking a child up costs more than counting: each is found once.
        self._counted: dict[tuple[str, str, int], Counter] = {}
        self._timed: dict[str, Histogram] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer; status 0 is a client that left."""
        named = method if method in _METHODS else "other"
        key = (named, route, status)
        counter = self._counted.get(key)
        if counter is None:
            counter = self._counted[key] = self._calls.labels(named, route, str(status))
        counter.inc()
        histogram = self._timed.get(route)
        if histogram is None:
            histogram = self._timed[route] = self._seconds.labels(route)
        histogram.observe(seconds)

    def count_duties(self, late: int, soon: int) -> None:
        """Say how much is late, and how much is due within seven days, of all tenants together."""
        self._late.set(late)
        self._soon.set(soon)

    def set_gauges(self, gauges: Sequence[counted.Gauge]) -> None:
        """Say what was counted of all tenants together."""
        for one in gauges:
            gauge = self._gauges[one.name]
            (gauge.labels(one.label) if one.label else gauge).set(one.value)

    def text(self) -> bytes:
        """All of it, in the Prometheus text format."""
        return generate_latest(self.registry)
