"""Every key that a value was sealed under is there, or was destroyed by an order; and none lives that was said gone.

The order of reading matters beside writers. A key is there before the event that is sealed under it, so the keys are
read after the events. An order is there before its tombstones, so orders are read once more after the keys; and a key
is destroyed before an erasure says so, so what erasures say is taken from before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final, Literal
from uuid import UUID

import psycopg

from domain.erasure import DECISIONS, ErasureEffected, ErasureOrdered, ErasureResumed
from domain.errors import LedgerDamaged
from infrastructure.fsck.finding import OF_TENANT, ROWS_AT_ONCE, Finding, Row, Scope, snapshot
from infrastructure.keys.key_tree import NOBODY
from infrastructure.ledger.tree.intact import header_of
from infrastructure.store.event_mapper import EventMapper, NoKeys, UnknownEventType
from infrastructure.store.event_recorder import COLUMNS, headed

KEYS: Final = "keys"
SEALED: Final = (
    "SELECT e.tenant_id, s.position, e.header FROM event e"
    " LEFT JOIN sequenced s USING (tenant_id, stream_id, stream_version)"
    f" WHERE position('\"seals\"'::bytea IN e.header) > 0 AND {OF_TENANT.format('e')}"
)
# How each of the keys asked for stands, in their order; NULL for one that is not there.
FOUND: Final = (
    "SELECT CASE WHEN k.wrapped IS NOT NULL THEN 'live' WHEN k.key_id IS NOT NULL THEN 'gone' END"
    " FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::uuid[])"
    " WITH ORDINALITY AS x(tenant_id, subject_id, retention_class, key_id, n)"
    " LEFT JOIN subject_key k USING (tenant_id, subject_id, retention_class, key_id) ORDER BY x.n"
)
# A thousand keys are looked up among millions: never by reading all of them.
BY_KEY: Final = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"
TOMBSTONES: Final = (
    "SELECT k.tenant_id, k.subject_id, k.retention_class, k.key_id FROM subject_key k"
    f" WHERE k.destroyed_at IS NOT NULL AND k.tenant_id <> %(nobody)s AND {OF_TENANT.format('k')}"
)
# What a re-keying came upon that does not open, unless it is gone meanwhile.
DAMAGED: Final = (
    "SELECT d.tenant_id, d.subject_id, d.kind, d.key_id FROM damaged_key d"
    f" WHERE {OF_TENANT.format('d')} AND (EXISTS (SELECT FROM subject_key k WHERE k.tenant_id = d.tenant_id"
    " AND k.subject_id = d.subject_id AND k.retention_class = d.kind AND k.key_id = d.key_id"
    " AND k.destroyed_at IS NULL) OR EXISTS (SELECT FROM blind_index i WHERE i.tenant_id = d.tenant_id"
    " AND i.subject_id = d.subject_id AND i.kind = d.kind AND d.key_id = %(nobody)s))"
    " ORDER BY d.tenant_id, d.subject_id, d.kind"
)
SAID: Final = (
    f"SELECT {COLUMNS} FROM event e WHERE e.type = ANY(%(types)s) AND {OF_TENANT.format('e')}"
    " ORDER BY tenant_id, stream_id, stream_version"
)
Key = tuple[UUID, UUID, str, UUID]  # tenant, subject, class, key
Whose = tuple[UUID, UUID, str]  # tenant, subject, class
Stands = Literal["live", "gone"] | None
LIVE: Final = "live"


@dataclass(slots=True)
class Said:
    """What the erasures' own events say. Memory grows with the number of erasures only."""

    ordered: dict[Whose, datetime] = field(default_factory=dict)  # and through when: the fence
    effected: set[Whose] = field(default_factory=set)
    gone: dict[Key, UUID] = field(default_factory=dict)  # by which erasure a key was destroyed


def keys(scope: Scope) -> Iterator[Finding]:
    """The key database against the events. It is read as the shredder, who sees all tenants."""
    before = said(scope)
    with ExitStack() as closed_after:
        try:
            store = closed_after.enter_context(snapshot(scope.deployment.dsn_of("shredder")))
        except psycopg.OperationalError:
            yield Finding(KEYS, None, None, "the key database cannot be reached")
            return
        store.execute(BY_KEY)
        store.execute(
            "SELECT 1"
        )  # a snapshot is taken by the first query, and this one before the next
        with snapshot(scope.deployment.dsn_of("keeper")) as later:
            ordered = said(replace(scope, connection=later)).ordered
        there = replace(scope, connection=store)
        yield from _sealed(scope, there, before)
        yield from _said_gone(there, before)
        yield from _tombstones(there, ordered)
        yield from _damaged(there)


def said(scope: Scope) -> Said:
    """What erasures say in one snapshot. Events that do not read are the entries' affair."""
    found, mapper = Said(), EventMapper(NoKeys())
    types = [one.TYPE for one in DECISIONS]
    for row in scope.rows("erasures", SAID, types=types):
        try:
            event = mapper.to_domain_event(headed(row))
        except (LedgerDamaged, UnknownEventType, ValueError, KeyError, TypeError):
            continue
        _take_in(found, event.tenant, event.stream, event.decision)
    return found


def _take_in(found: Said, tenant: UUID, erasure: UUID, decision: object) -> None:
    match decision:
        case ErasureOrdered() | ErasureResumed():
            for name in decision.classes:
                found.ordered[tenant, decision.subject, name] = decision.through
        case ErasureEffected():
            found.effected.update((tenant, decision.subject, name) for name in decision.classes)
            for one in decision.keys:
                found.gone[tenant, decision.subject, one.retention_class, one.key] = erasure


def _sealed(scope: Scope, there: Scope, before: Said) -> Iterator[Finding]:
    """Each key that events name: it is there, or destroyed; and destroyed, where an erasure of before took effect."""
    rows = scope.counted(scope.rows("sealed", SEALED))
    while some := list(islice(rows, ROWS_AT_ONCE)):
        named = {key: (position, at) for row in some for key, position, at in _seals(row)}
        for key, stands in _look_up(there, list(named)):
            (tenant, subject, name, _), (position, at) = key, named[key]
            whose = (tenant, subject, name)
            if stands is None:
                reason = (
                    f"the key of class {name} of subject {subject} is missing, and nothing says why"
                )
                yield Finding(KEYS, tenant, position, reason)
            elif stands == LIVE and whose in before.effected and at <= before.ordered[whose]:
                reason = f"class {name} of subject {subject} was erased, and its key is there"
                yield Finding(KEYS, tenant, position, reason)


def _seals(row: Row) -> Iterator[tuple[Key, int | None, datetime]]:
    """The keys that a header names; none where it does not read."""
    tenant, position, header = row
    try:
        fields = header_of(header)
        at = datetime.fromisoformat(fields["at"])
        for seal in fields.get("seals", ()):
            yield (tenant, UUID(seal["s"]), str(seal["c"]), UUID(seal["k"])), position, at
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
        return


def _look_up(there: Scope, wanted: list[Key]) -> Iterator[tuple[Key, Stands]]:
    columns: list[Any] = [list(column) for column in zip(*wanted, strict=True)] or [[]] * 4
    rows = there.connection.execute(FOUND.encode(), columns).fetchall()
    for key, (stands,) in zip(wanted, rows, strict=True):
        yield key, stands


def _said_gone(there: Scope, before: Said) -> Iterator[Finding]:
    """What an erasure named as destroyed."""
    named = iter(before.gone)
    while some := list(islice(named, ROWS_AT_ONCE)):
        for key, stands in _look_up(there, some):
            if stands == LIVE:
                said_so, name = before.gone[key], key[2]
                reason = f"erasure {said_so} says that a key of class {name} is destroyed, and it is there"
                yield Finding(KEYS, key[0], None, reason)


def _tombstones(there: Scope, ordered: Mapping[Whose, datetime]) -> Iterator[Finding]:
    rows = there.counted(there.rows("tombstones", TOMBSTONES, nobody=NOBODY))
    for tenant, subject, name, key in rows:
        if (tenant, subject, name) not in ordered:
            reason = (
                f"key {key} of class {name} of subject {subject} was destroyed without an order"
            )
            yield Finding(KEYS, tenant, None, reason)


def _damaged(there: Scope) -> Iterator[Finding]:
    for tenant, subject, kind, key in there.rows("damaged", DAMAGED, nobody=NOBODY):
        what = f"look-up by {kind}" if key == NOBODY else f"key {key} of class {kind}"
        yield Finding(
            KEYS, tenant, None, f"the {what} of subject {subject} is damaged: it does not open"
        )
