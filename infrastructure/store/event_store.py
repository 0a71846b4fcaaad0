"""The port `EventStore` on PostgreSQL: the library's store with our mapper and recorder. README D1, D3, D4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import EventStore as LibraryEventStore
from eventsourcing.persistence import OperationalError

from application.ports import Append, BusyReplacement, Claim, Outcome, Release
from application.recorded import Recorded
from domain.custody import Fence
from domain.errors import Unavailable
from infrastructure.canonical import canonical
from infrastructure.database import Database
from infrastructure.store.append_call import Effects
from infrastructure.store.catalog_codec import catalog_row
from infrastructure.store.event_mapper import EventMapper
from infrastructure.store.event_recorder import (
    COLUMNS,
    AppendRefused,
    SequencedRecorder,
)
from infrastructure.store.loading import load


class PostgresEventStore:
    """Appends commands as a whole, and reads streams."""

    def __init__(
        self, database: Database, mapper: EventMapper, recorder: SequencedRecorder
    ) -> None:
        self._database = database
        self._mapper = mapper
        self._library: LibraryEventStore[UUID] = LibraryEventStore(mapper, recorder)

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        """See the port."""
        rows = self._database.rows(
            f"SELECT {COLUMNS}, (SELECT s.leaf_hash FROM sequenced s WHERE s.tenant_id = e.tenant_id"
            " AND s.event_id = e.event_id) FROM event e"
            " WHERE tenant_id = %b AND stream_id = %b ORDER BY stream_version",
            (tenant, stream),
        )
        return tuple(load(self._mapper, row) for row in rows)

    def is_begun(self, tenant: UUID, stream: UUID) -> bool:
        """True when the stream has an event."""
        return (
            self._database.row(
                "SELECT 1 FROM event WHERE tenant_id = %b AND stream_id = %b LIMIT 1",
                (tenant, stream),
            )
            is not None
        )

    def begun(self, tenant: UUID, streams: Sequence[UUID]) -> frozenset[UUID]:
        """See the port `Streams`."""
        rows = self._database.rows(
            "SELECT stream_id FROM event"
            " WHERE tenant_id = %b AND stream_id = ANY(%b::uuid[]) AND stream_version = 1",
            (tenant, list(streams)),
        )
        return frozenset(row[0] for row in rows)

    def append(self, append: Append) -> Outcome:
        """See the port."""
        assert all(event.tenant == append.tenant for event in append.events)
        ticket = append.ticket
        effects = Effects(
            document_of(append),
            ticket.row if ticket and append.answer else None,
            append.answer if ticket else None,
        )
        try:
            self._library.put(append.events, effects=effects)
        except AppendRefused as refused:
            return refused.outcome
        except OperationalError as error:
            raise Unavailable("The database cannot be reached", retry_after_seconds=1) from error
        return Outcome.APPENDED


def document_of(append: Append) -> bytes | None:
    """The effects of an append for the SQL function; None when there are none."""
    document: dict[str, Any] = {}
    if append.claims or append.releases:
        document["releases"] = [_release(release) for release in append.releases]
        document["claims"] = [_claim(claim) for claim in append.claims]
    if append.busy is not None:
        document["busy"] = _busy(append.busy)
    if append.catalog:
        document["catalog"] = [catalog_row(entry) for entry in append.catalog]
    if append.fences:
        document["fences"] = [_fence(fence) for fence in append.fences]
    return canonical(document) if document else None


def _release(release: Release) -> dict[str, object]:
    return {"owner": str(release.owner), "expired_by": release.expired_by}


def _claim(claim: Claim) -> dict[str, object]:
    return {
        "owner": str(claim.owner),
        "kind": claim.kind,
        "staff": str(claim.staff),
        "service": str(claim.service),
        "start": claim.start,
        "end": claim.end,
        "from": claim.from_,
        "to": claim.to,
        "capacity": claim.capacity,
        "expires_at": claim.expires_at,
    }


def _fence(fence: Fence) -> dict[str, object]:
    return {
        "subject": str(fence.subject),
        "classes": list(fence.classes),
        "through": fence.through.isoformat(),
        "unless_after": fence.unless_after,
    }


def _busy(busy: BusyReplacement) -> dict[str, object]:
    return {
        "staff": str(busy.staff),
        "from": busy.from_,
        "to": busy.to,
        "blocks": [list(block) for block in busy.blocks],
    }
