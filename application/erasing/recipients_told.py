"""Who was told of an erasure: every recipient that a follow-up of one of its events was ordered for. GDPR Art. 19."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from application.disclosing.follow_up_story import follow_up_id, read_follow_up
from application.disclosing.follow_ups import HandedTo
from application.disclosing.recipients import RECIPIENTS
from application.erasing.certificate import Told
from application.ports import Book, EventStore
from application.recorded import Recorded
from domain.errors import NotFound


def told_of(
    store: EventStore,
    book: Book,
    handed: HandedTo,
    events: Sequence[Recorded[Any]],
    subject: UUID,
) -> tuple[Told, ...]:
    """The recipients that are told of what `events` (one at least) changed for the subject, by when it was ordered."""
    tenant = events[0].tenant
    found: list[Told] = []
    for disclosure in handed.disclosures(tenant, subject):
        for event in events:
            try:
                id = follow_up_id(tenant, event.event_id, disclosure)
                story = read_follow_up(store, tenant, id)
            except NotFound:
                continue
            recipient = RECIPIENTS.find(book, tenant, story.state.ordered.recipient)[1]
            found.append(Told(recipient, story))
    return tuple(sorted(found, key=lambda it: (it.story.first.occurred_at, it.story.first.stream)))
