"""The stream of what binds one person's keys, and how it stands."""

from __future__ import annotations

from functools import reduce
from uuid import UUID, uuid5

from application.ports import EventStore
from domain.custody import DECISIONS, Custody, evolve


def custody_stream(subject: UUID) -> UUID:
    """The stream of what binds a person's keys."""
    return uuid5(subject, "daybook/custody")


def read_custody(store: EventStore, tenant: UUID, subject: UUID) -> Custody:
    """What binds a person's keys now. Sees every append that has returned.

    Its `version` is that of the stream: whoever adds to it appends version + 1, and is refused when somebody was first.
    """
    events = store.read(tenant, custody_stream(subject))
    decisions = [event.decision for event in events if isinstance(event.decision, DECISIONS)]
    return reduce(evolve, decisions, Custody())
