"""The log of accesses to one person's data, out of many: `python -m benchmarks.access_log --accesses 1000000`.

A subject with 10,000 accesses among all of them: pages of 50 in each view, the first and those in the middle and at the
end; and the first page of all accesses, of an actor's, of a purpose's. The rows are written straight into the read
model's tables; the questions are the use case's, on a PostgreSQL of our own, durable. The other side, in the same run:
`SELECT 1` on the same connection, which is what a round trip alone costs here.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg

from api.composition import production
from application.access.access_log import AccessLog, AccessRow, LogQuery, SubjectQuery
from application.permissions import operator
from application.recorded import Caller
from benchmarks.running import DURABLE
from benchmarks.servers import served
from benchmarks.table import percentile, show
from infrastructure.wall import bound_to

OF_SUBJECT = 10_000
# Events a second apart, of 50 actors and 4 purposes; every `share`-th is about the one subject.
EVENTS = (
    "INSERT INTO access_event_v1 (tenant_id, event_id, kind, happened_at, actor, purpose, fields, about)"
    " SELECT %(tenant)s, md5(n::text)::uuid, 'granted', timestamptz '2027-01-01Z' + n * interval '1 second',"
    " 'key_' || n %% 50, (ARRAY['service', 'support', 'billing', 'dispute'])[1 + n %% 4], 'name,email', 1"
    " FROM generate_series(1, %(count)s) n"
)
ABOUT = (
    "INSERT INTO access_subject_v1 (tenant_id, subject_id, happened_at, event_id)"
    " SELECT %(tenant)s, CASE WHEN n %% %(share)s = 0 THEN %(subject)s::uuid"
    " ELSE md5('person' || n %% 5000)::uuid END,"
    " timestamptz '2027-01-01Z' + n * interval '1 second', md5(n::text)::uuid"
    " FROM generate_series(1, %(count)s) n"
)
HOLDERS = (
    "INSERT INTO access_holder_v1 SELECT %(tenant)s, 'key_' || n, 'holder-' || n, 'staff'"
    " FROM generate_series(0, 49) n"
)
ANALYZE = "VACUUM (ANALYZE) access_event_v1, access_subject_v1, access_holder_v1"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description="pages of one person's accesses out of many")
    options.add_argument("--accesses", type=int, default=100_000)
    options.add_argument("--runs", type=int, default=200)
    chosen = options.parse_args()
    with served() as server:
        platform, engine = production(server.deployment, connections=2)
        tenant, subject = uuid4(), uuid4()
        write(server.deployment.main, tenant, subject, chosen.accesses)
        with bound_to(tenant):
            rows: list[tuple[object, ...]] = [
                ("SELECT 1", *timed(lambda: engine.app.row("SELECT 1"), chosen.runs))
            ]
            for name, look in looks(platform.access_log, operator(tenant), subject).items():
                rows.append((name, *timed(look, chosen.runs)))
        engine.close()
    show(
        f"The log of accesses, {OF_SUBJECT} of {chosen.accesses} about one person"
        f" ({DURABLE}; {chosen.runs} runs)",
        ("", "p50 ms", "p95 ms", "p99 ms"),
        rows,
    )


def write(main_dsn: str, tenant: UUID, subject: UUID, count: int) -> None:
    """Write the read model's rows."""
    share = max(1, count // OF_SUBJECT)
    given = {"tenant": tenant, "subject": subject, "count": count, "share": share}
    with psycopg.connect(main_dsn, autocommit=True) as owner:
        for statement in (EVENTS, ABOUT, HOLDERS):
            owner.execute(statement.encode(), given)
        owner.execute(ANALYZE.encode())


def looks(log: AccessLog, by: Caller, subject: UUID) -> dict[str, Callable[[], object]]:
    """The questions."""
    person = SubjectQuery(subject, view="person")
    whole = [row for page in pages(log, by, replace(person, limit=200)) for row in page]
    middle, end = whole[len(whole) // 2], whole[-60]
    return {
        "the person's view, first page": lambda: log.about(person, by),
        "the officer's view, first page": lambda: log.about(replace(person, view="officer"), by),
        "the auditor's view, from the middle": lambda: log.about(
            replace(person, view="auditor", after=(middle.at, middle.event)), by
        ),
        "the auditor's view, last page": lambda: log.about(
            replace(person, view="auditor", after=(end.at, end.event)), by
        ),
        "all accesses, first page": lambda: log.all(LogQuery(), by),
        "an actor's, first page": lambda: log.all(LogQuery(actor="key_7"), by),
        "a purpose's, first page": lambda: log.all(LogQuery(purpose="support"), by),
    }


def pages(log: AccessLog, by: Caller, query: SubjectQuery) -> list[tuple[AccessRow, ...]]:
    """All pages of a person's log."""
    found = []
    while True:
        page = log.about(query, by)
        found.append(page.rows)
        if page.next is None:
            return found
        query = replace(query, after=page.next)


def timed(look: Callable[[], object], runs: int) -> tuple[str, ...]:
    """p50, p95 and p99 in milliseconds."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        look()
        seconds.append(time.perf_counter() - began)
    return tuple(f"{percentile(seconds, at) * 1000:.2f}" for at in (0.5, 0.95, 0.99))


if __name__ == "__main__":
    main()
