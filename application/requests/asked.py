"""The requests that a person has made, for whoever has to know of them: read from what stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.privacy_request_state import PrivacyRequest
from domain.retention import RequestsUnder


class RequestRows(Protocol):
    """The requests of a business, by whom they are about."""

    def about(self, tenant: UUID, subject: UUID) -> Sequence[PrivacyRequest]:
        """All requests that name a person, in no particular order. MUST be current."""
        ...

    def askers(self, tenant: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
        """At most `limit` persons whom requests name, by id, after the given one."""
        ...


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
