"""Which values of persons an event seals: in which class, for whom."""

from __future__ import annotations

from uuid import UUID

from application.event_types import catalogue
from domain import booking, consent, subject
from domain.sealing import RetentionClass

# Where persons are spoken of; what is sealed for staff, recipients and legal processes has no period of its own.
PERSONAL = (*subject.DECISIONS, *booking.DECISIONS, *consent.DECISIONS)


def sealed_by(decision: object) -> list[tuple[UUID, RetentionClass]]:
    """The pairs of person and class that `decision` has a value for."""
    if not isinstance(decision, PERSONAL):
        return []
    return [
        (getattr(decision, one.subject_field), one.retention_class)  # type: ignore[misc]
        for one in catalogue()[decision.TYPE].sealed
        if getattr(decision, one.name) is not None
    ]
