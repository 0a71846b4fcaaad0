"""The port `Gauges` on PostgreSQL, and what is counted for it over all tenants at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from application.gauges import (
    ERASURE_OLDEST_SECONDS,
    ERASURES_OPEN,
    MODEL_FOLLOWS,
    MODEL_LAG,
    MODEL_LAG_SECONDS,
    Gauge,
)
from infrastructure.database import Database

STANDS: Final = ("unfinished", "waiting")
ERASURES: Final = (
    "SELECT erasure_stands(state), count(*), extract(epoch FROM greatest(%b::timestamptz - min(created_at),"
    " interval '0'))::float8 FROM catalog WHERE kind = 'erasure' AND erasure_stands(state) <> 'over' GROUP BY 1"
)
COUNTED: Final = "SELECT name, label, value FROM deployment_gauge ORDER BY 1, 2"
# Looked up when it is asked: who counts might be what has stopped.
MODELS: Final = (
    "SELECT m.name, greatest(h.sequence - m.sequence, 0)::float8, (m.state = 'following')::int::float8,"
    " coalesce((SELECT extract(epoch FROM greatest(now() - marked_at, interval '0')) FROM sequence_mark k"
    " WHERE k.sequence > m.sequence ORDER BY k.sequence LIMIT 1), 0)::float8"
    " FROM read_model m, sequencer_head h WHERE m.is_current ORDER BY 1"
)
# What is not counted any more goes: a number of yesterday is worse than none.
KEEP: Final = (
    "WITH kept AS (INSERT INTO deployment_gauge SELECT n, l, v, %b FROM unnest(%b::text[], %b::text[], %b::float8[])"
    " AS w(n, l, v) ON CONFLICT (name, label) DO UPDATE SET value = excluded.value, counted_at = excluded.counted_at"
    " RETURNING name, label) DELETE FROM deployment_gauge WHERE (name, label) NOT IN (SELECT name, label FROM kept)"
)


@dataclass(frozen=True, slots=True)
class PostgresGauges:
    """See the port. The app's role reads, the follower's writes."""

    database: Database

    def keep(self, gauges: Sequence[Gauge], at: datetime) -> None:
        """See the port."""
        names, labels = [one.name for one in gauges], [one.label for one in gauges]
        self.database.rows(KEEP, (at, names, labels, [float(one.value) for one in gauges]))

    def all(self) -> list[Gauge]:
        """See the port."""
        counted = [Gauge(*row) for row in self.database.rows(COUNTED)]
        for model, behind, follows, seconds in self.database.rows(MODELS):
            counted.append(Gauge(MODEL_LAG, model, behind))
            counted.append(Gauge(MODEL_LAG_SECONDS, model, seconds))
            counted.append(Gauge(MODEL_FOLLOWS, model, follows))
        return counted


def erasure_gauges(everyone: Database, now: datetime) -> list[Gauge]:
    """Of erasures that are not at their end; asked by a role that sees those of all tenants."""
    found = {row[0]: row[1:] for row in everyone.rows(ERASURES, (now,))}
    gauges = []
    for stands in STANDS:
        count, oldest = found.get(stands, (0, 0.0))
        gauges.append(Gauge(ERASURES_OPEN, stands, count))
        gauges.append(Gauge(ERASURE_OLDEST_SECONDS, stands, oldest))
    return gauges
