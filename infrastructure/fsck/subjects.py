"""Who each leaf is about, everyone's chain, and the map over them: derived again from the stored bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final
from uuid import UUID

from application.ledger.records import log_stream
from domain.ledger import LedgerRestored
from infrastructure.canonical import parsed, unb64
from infrastructure.fsck.finding import OF_TENANT, Finding, Row, Scope
from infrastructure.ledger.subjects.map_buckets import DEPTH_MAX, build_nodes, nodes_root
from infrastructure.ledger.subjects.map_drawing import items_of
from infrastructure.ledger.subjects.subject_index import covered
from infrastructure.ledger.subjects.subject_map import Chain, map_root
from infrastructure.ledger.subjects.subject_tags import tags_of

# What the index has taken in, beside what it says of it: one row for each leaf, in order.
INDEXED: Final = (
    "SELECT s.tenant_id, s.position, e.header, e.state,"
    " ARRAY(SELECT l.subject_id FROM subject_leaf l WHERE l.tenant_id = s.tenant_id AND l.position = s.position),"
    " ARRAY(SELECT m.covers FROM map_leaf m WHERE m.tenant_id = s.tenant_id AND m.position = s.position)"
    " FROM sequenced s JOIN event e USING (tenant_id, stream_id, stream_version)"
    f" WHERE s.sequence <= (SELECT sequence FROM subject_index) AND {OF_TENANT.format('s')}"
    " ORDER BY s.tenant_id, s.position"
)
# Everyone's leaves below what their map covers, and the chain that is stored: one person after the other.
CHAINED: Final = (
    "SELECT l.tenant_id, l.subject_id, l.position, s.leaf_hash, c.leaves, c.head FROM subject_leaf l"
    " JOIN subject_map m USING (tenant_id) JOIN sequenced s USING (tenant_id, position)"
    " LEFT JOIN subject_chain c ON c.tenant_id = l.tenant_id"
    " AND c.key = sha256('subject'::bytea || '\\x00'::bytea || uuid_send(l.subject_id))"
    f" WHERE l.position < m.covers AND {OF_TENANT.format('l')}"
    " ORDER BY l.tenant_id, l.subject_id, l.position"
)
# Every log that has a map, or chains, or a leaf that commits to a map.
MAPPED: Final = (
    f"SELECT m.tenant_id FROM subject_map m WHERE {OF_TENANT.format('m')}"
    f" UNION SELECT l.tenant_id FROM map_leaf l WHERE {OF_TENANT.format('l')}"
    f" UNION SELECT c.tenant_id FROM subject_chain c WHERE {OF_TENANT.format('c')} ORDER BY 1"
)
MAP: Final = (
    "SELECT m.covers, m.keys, m.depth, m.root, m.nodes,"
    " (SELECT count(*) FROM subject_chain c WHERE c.tenant_id = m.tenant_id),"
    " (SELECT max(l.position) FROM map_leaf l WHERE l.tenant_id = m.tenant_id AND l.covers > m.covers)"
    " FROM subject_map m WHERE m.tenant_id = %(of)s"
)
COMMITTED: Final = (
    "SELECT e.state FROM map_leaf l JOIN sequenced s USING (tenant_id, position)"
    " JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE l.tenant_id = %(of)s AND l.covers = %(covers)s ORDER BY l.position LIMIT 1"
)
RESTORED: Final = "SELECT 1 FROM event WHERE tenant_id = %(of)s AND stream_id = %(stream)s AND type = %(kind)s LIMIT 1"
ITEMS: Final = "SELECT key, leaves, head FROM subject_chain WHERE tenant_id = %(of)s ORDER BY key"


def subjects(scope: Scope) -> Iterator[Finding]:
    """The index, then the chains, then the maps: each is derived from the one before."""
    yield from _index(scope)
    yield from _chains(scope)
    for (tenant,) in list(scope.rows("mapped", MAPPED)):
        yield from _map(scope, tenant)


def _is_restored(scope: Scope, tenant: UUID) -> bool:
    """True for a log that was brought back: its maps are older than their leaves until the next one is drawn."""
    stream, kind = log_stream(tenant), LedgerRestored.TYPE
    return bool(list(scope.rows("restored", RESTORED, of=tenant, stream=stream, kind=kind)))


def _index(scope: Scope) -> Iterator[Finding]:
    for row in scope.counted(scope.rows("indexed", INDEXED)):
        tenant, position, header, state, kept, maps = row
        try:
            right = tags_of(header, state) == set(kept) and list(covered(header, state)) == maps
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError):
            continue  # a leaf that does not read is the entries' affair
        if not right:
            yield Finding(
                "subjects", tenant, position, "the index says otherwise whom this event is about"
            )


def _chains(scope: Scope) -> Iterator[Finding]:
    rows = scope.counted(scope.rows("chained", CHAINED))
    for (tenant, subject), leaves in groupby(rows, itemgetter(0, 1)):
        yield from _chain(tenant, subject, leaves)


def _chain(tenant: UUID, subject: UUID, leaves: Iterable[Row]) -> Iterator[Finding]:
    found, last = Chain(), 0
    stored: tuple[int | None, bytes | None] = (None, None)
    for _, _, last, leaf_hash, count, head in leaves:
        found, stored = found.extended(last, leaf_hash), (count, head)
    if stored != (found.count, found.head):
        reason = f"the chain of subject {subject} is not the one that its leaves make"
        yield Finding("subjects", tenant, last, reason)


def _map(scope: Scope, tenant: UUID) -> Iterator[Finding]:
    drawn = list(scope.rows("map", MAP, of=tenant))
    if not drawn:
        if not _is_restored(scope, tenant):
            yield Finding("subjects", tenant, None, "the map is missing")
        return
    covers, keys, depth, root, nodes, chains, later = drawn[0]

    def items() -> Iterator[Any]:
        return items_of(scope.rows("items", ITEMS, of=tenant))

    def wrong(reason: str) -> Finding:
        return Finding("subjects", tenant, covers, f"the map of {covers} leaves {reason}")

    if later is not None and not _is_restored(scope, tenant):
        yield Finding("subjects", tenant, later, "the map is older than the one of this leaf")
    if keys != chains:
        yield wrong(f"has {keys} keys, and there are {chains} chains")
    if map_root(items()) != root:
        yield wrong("is not that of the chains")
    if (
        not 0 <= depth <= DEPTH_MAX
        or build_nodes(items(), depth) != nodes
        or nodes_root(nodes) != root
    ):
        yield wrong("has another top than its chains make")
    for (state,) in list(scope.rows("committed", COMMITTED, of=tenant, covers=covers)):
        if _root_in(state) != root:
            yield wrong("is not the one that its leaf commits to")


def _root_in(payload: bytes) -> bytes | None:
    """The root that the leaf of a map commits to; None where it does not read."""
    try:
        return unb64(parsed(payload.split(b"\n", 1)[0])["root"])
    except (ValueError, KeyError, TypeError):
        return None
