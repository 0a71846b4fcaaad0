"""Kept answers: each is whole, names an event that there is, and can be found by the key of its day. README D11.

The sweep deletes the answers of a day before it destroys the day's key: an answer whose key is gone is one that no
call can find and no sweep has taken. A row that lacks its key is looked at again, for the sweep may be at work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.values import parse_id
from infrastructure.canonical import parsed
from infrastructure.fsck.finding import OF_TENANT, ROWS_AT_ONCE, Finding, Row, Scope, snapshot

ANSWERS: Final = "answers"
DIGEST_BYTES: Final = 32
KEPT: Final = (
    "SELECT a.tenant_id, a.row_id, octet_length(a.call_digest), octet_length(a.fingerprint), a.begun_at, a.status,"
    f" a.headers FROM kept_answer a WHERE {OF_TENANT.format('a')} ORDER BY a.tenant_id, a.row_id"
)
# Those of the events named that are nowhere.
UNKNOWN: Final = (
    "SELECT x.n FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS x(tenant_id, event_id, n)"
    " WHERE NOT EXISTS (SELECT FROM sequenced s WHERE s.tenant_id = x.tenant_id AND s.event_id = x.event_id)"
    " AND NOT EXISTS (SELECT FROM event_queue q WHERE q.tenant_id = x.tenant_id AND x.event_id = ANY(q.event_ids))"
)
# Those of the days named that have no key.
KEYLESS: Final = (
    "SELECT x.n FROM unnest(%s::uuid[], %s::text[]) WITH ORDINALITY AS x(tenant_id, name, n)"
    " LEFT JOIN sealed_secret k USING (tenant_id, name) WHERE k.name IS NULL"
)
STILL: Final = "SELECT FROM kept_answer WHERE tenant_id = %s AND row_id = %s"


def answers(scope: Scope) -> Iterator[Finding]:
    """The rows in themselves, then against events and daily keys, a thousand at a time."""
    with ExitStack() as closed_after:
        try:
            store = closed_after.enter_context(snapshot(scope.deployment.dsn_of("shredder")))
        except psycopg.OperationalError:
            store = None  # that is what the check of the keys says
        rows = scope.counted(scope.rows("answers", KEPT))
        while some := list(islice(rows, ROWS_AT_ONCE)):
            for row in some:
                if (flaw := _flaw(row)) is not None:
                    yield _found(row, flaw)
            yield from _unknown(scope, some)
            if store is not None:
                yield from _keyless(scope, store, some)


def _found(row: Row, reason: str) -> Finding:
    return Finding(ANSWERS, row[0], None, f"kept answer {row[1]}: {reason}")


def _flaw(row: Row) -> str | None:
    call, body, status, headers = row[2], row[3], row[5], row[6]
    if (call, body) != (DIGEST_BYTES, DIGEST_BYTES):
        return "its digests are no digests"
    if (status is None) != (headers is None):
        return "it is kept by half"
    if status is not None and (not 200 <= status <= 599 or _headers(headers) is None):
        return "it does not read"
    return None


def _headers(text: str) -> dict[str, str] | None:
    """Headers by their names in small letters; None where they do not read."""
    try:
        return {str(name).lower(): str(value) for name, value in parsed(text)}
    except (ValueError, TypeError):
        return None


def _event(row: Row) -> UUID | None:
    """The event that an answer names, where it names one."""
    named = None if row[6] is None else (_headers(row[6]) or {}).get("daybook-event")
    return None if named is None else parse_id("event", named)


def _unknown(scope: Scope, rows: list[Row]) -> Iterator[Finding]:
    named = [(row, event) for row in rows if (event := _event(row)) is not None]
    columns = ([row[0] for row, _ in named], [event for _, event in named])
    for (number,) in scope.connection.execute(UNKNOWN.encode(), columns).fetchall():
        row, event = named[number - 1]
        yield _found(row, f"it names event {event}, which is not there")


def _keyless(scope: Scope, store: psycopg.Connection[Any], rows: list[Row]) -> Iterator[Finding]:
    names = [f"answers:{row[4].date().isoformat()}" for row in rows]
    lacking = store.execute(KEYLESS.encode(), ([row[0] for row in rows], names)).fetchall()
    if not lacking:
        return
    with psycopg.connect(scope.deployment.dsn_of("keeper"), autocommit=True) as now:
        for (number,) in lacking:
            row = rows[number - 1]
            if now.execute(STILL.encode(), (row[0], row[1])).fetchone() is not None:
                yield _found(row, "the key of its day is gone, so no call finds it")
