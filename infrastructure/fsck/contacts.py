"""The blind index: it leads to people who are registered and not erased, and to each of those by e-mail. README D5.

Whom a digest belongs to cannot be told without the values; that it leads to somebody there, and that nobody is lost to
it, can. The order of reading matters beside writers, as it does for keys: a person is registered before their entry
counts as settled, and ordered erased before it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from typing import Final
from uuid import UUID

import psycopg

from domain.subject import SubjectRegistered
from infrastructure.fsck.finding import OF_TENANT, ROWS_AT_ONCE, Finding, Row, Scope, snapshot
from infrastructure.fsck.keys import said

CONTACTS: Final = "contacts"
PROFILE: Final = "profile"
REGISTERED: Final = (
    "SELECT e.tenant_id, e.stream_id FROM event e WHERE e.stream_version = 1 AND e.type = %(kind)s"
    f" AND {OF_TENANT.format('e')} ORDER BY 1, 2"
)
ENTRIES: Final = (
    f"SELECT i.tenant_id, i.subject_id, i.kind, i.pending FROM blind_index i WHERE {OF_TENANT.format('i')}"
    " ORDER BY 1, 2, 3"
)
# Those of the people named who are not registered.
STRANGERS: Final = (
    "SELECT x.n FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS x(tenant_id, subject_id, n)"
    " WHERE NOT EXISTS (SELECT FROM event e WHERE e.tenant_id = x.tenant_id AND e.stream_id = x.subject_id"
    "  AND e.stream_version = 1 AND e.type = %s)"
)
# Those of the people named to whom no e-mail address leads.
LOST: Final = (
    "SELECT x.n FROM unnest(%s::uuid[], %s::uuid[]) WITH ORDINALITY AS x(tenant_id, subject_id, n)"
    " WHERE NOT EXISTS (SELECT FROM blind_index i WHERE i.tenant_id = x.tenant_id AND i.subject_id = x.subject_id"
    "  AND i.kind = 'email')"
)
Person = tuple[UUID, UUID]


def contacts(scope: Scope) -> Iterator[Finding]:
    """The key database's index against the events. It is read as the shredder, who sees all tenants."""
    effected = {(one, who) for one, who, name in said(scope).effected if name == PROFILE}
    with ExitStack() as closed_after:
        try:
            store = closed_after.enter_context(snapshot(scope.deployment.dsn_of("shredder")))
        except psycopg.OperationalError:
            return  # that is what the check of the keys says
        store.execute("SELECT 1")  # a snapshot is taken by the first query
        there = replace(scope, connection=store)
        later = replace(
            scope,
            connection=closed_after.enter_context(snapshot(scope.deployment.dsn_of("keeper"))),
        )
        ordered = {(one, who) for one, who, name in said(later).ordered if name == PROFILE}
        yield from _entries(there, later, effected)
        yield from _people(scope, there, ordered)


def _entries(there: Scope, later: Scope, effected: set[Person]) -> Iterator[Finding]:
    rows = there.counted(there.rows("contacts", ENTRIES))
    while some := list(islice(rows, ROWS_AT_ONCE)):
        for row in some:
            if (row[0], row[1]) in effected:
                yield _found(row, "who is erased")
        settled = [row for row in some if not row[3]]
        columns = ([row[0] for row in settled], [row[1] for row in settled], SubjectRegistered.TYPE)
        for (number,) in later.connection.execute(STRANGERS.encode(), columns).fetchall():
            yield _found(settled[number - 1], "whom no event registers")


def _found(row: Row, whom: str) -> Finding:
    return Finding(CONTACTS, row[0], None, f"the look-up by {row[2]} leads to {row[1]}, {whom}")


def _people(scope: Scope, there: Scope, ordered: set[Person]) -> Iterator[Finding]:
    rows = scope.counted(scope.rows("registered", REGISTERED, kind=SubjectRegistered.TYPE))
    while some := list(islice(rows, ROWS_AT_ONCE)):
        standing = [row for row in some if (row[0], row[1]) not in ordered]
        columns = ([row[0] for row in standing], [row[1] for row in standing])
        for (number,) in there.connection.execute(LOST.encode(), columns).fetchall():
            tenant, subject = standing[number - 1]
            reason = f"no e-mail address leads to subject {subject}, who is registered"
            yield Finding(CONTACTS, tenant, None, reason)
