"""The requests that a person has made, for whoever has to know of them: read from what stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from application.ports import CatalogEntry, CatalogKind
from application.setup.register import PAGE_ROWS_MAX
from domain.errors import RangeTooLong
from domain.privacy_request_state import PrivacyRequest
from domain.retention import RequestsUnder

LOOKED_AT_MAX: Final = 100_000


class RequestRows(Protocol):
    """The requests of a business by whom they are about, and what has a time by when that is."""

    def about(self, tenant: UUID, subject: UUID) -> Sequence[PrivacyRequest]:
        """All requests that name a person, in no particular order. MUST be current."""
        ...

    def askers(self, tenant: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
        """At most `limit` persons whom requests name, by id, after the given one."""
        ...

    def due(
        self, tenant: UUID, kind: CatalogKind, before: datetime, after: UUID | None, limit: int
    ) -> Sequence[CatalogEntry]:
        """At most `limit` things of which something may be due before an instant, by id, after the given one.

        Of requests, legal processes and legal holds: all that do have something due by then, and few others. MUST be
        current.
        """
        ...


def due_of(
    rows: RequestRows, tenant: UUID, kind: CatalogKind, before: datetime
) -> Iterator[CatalogEntry]:
    """All things of a kind of which something may be due before an instant. Refuses: RangeTooLong (over 100,000)."""
    after: UUID | None = None
    for _ in range(LOOKED_AT_MAX // PAGE_ROWS_MAX):
        page = rows.due(tenant, kind, before, after, PAGE_ROWS_MAX)
        yield from page
        if len(page) < PAGE_ROWS_MAX:
            return
        after = page[-1].id
    raise RangeTooLong("More of them than can be looked at")


@dataclass(frozen=True, slots=True)
class RequestsAsked:
    """See the port `RequestsOf`. A request is open until it is closed: one that may be appealed is."""

    rows: RequestRows

    def under(self, tenant: UUID, subject: UUID) -> tuple[RequestsUnder, ...]:
        """See the port."""
        asked = self.rows.about(tenant, subject)
        laws = dict.fromkeys(one.terms.jurisdiction for one in asked)
        return tuple(
            _under([one for one in asked if one.terms.jurisdiction == law]) for law in laws
        )

    def askers(self, tenant: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
        """See the port."""
        return self.rows.askers(tenant, after, limit)


def _under(asked: Sequence[PrivacyRequest]) -> RequestsUnder:
    """How requests under one law stand, one at least. Days are UTC days, as everywhere in retention."""
    closed = [one.closed_at.date() for one in asked if one.closed_at is not None]
    is_open = len(closed) < len(asked)
    return RequestsUnder(asked[0].terms.jurisdiction, is_open, max(closed, default=None))
