"""One call of the SQL function `append_events`: its columns, its effects, its parameters. README D3."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from application.recorded import Answer
from application.vouching import Vouched
from infrastructure.canonical import canonical
from infrastructure.sql_arrays import array
from infrastructure.store.event_header import PREFIX
from infrastructure.store.event_mapper import HeadedEvent


@dataclass(frozen=True, slots=True)
class Effects:
    """What changes in the same transaction as the events; plain JSON values for the SQL function."""

    document: bytes | None = None
    answer_row: UUID | None = None
    answer: Answer | None = None


NOTHING: Final = Effects()


class Columns(NamedTuple):
    """The events of one append, of one tenant: as many of each as there are events, in the order given."""

    tenant: UUID
    streams: list[UUID | str]
    versions: list[int]
    ids: list[UUID]
    types: list[str]
    headers: list[bytes]
    states: list[bytes]
    sealed: list[tuple[UUID, str]]


def columns(
    events: Sequence[StoredEvent], tenant: UUID | None, new_id: Callable[[], UUID]
) -> Columns:
    """The columns of at least one event. Those without a header of their own get `tenant`, an id and a short header."""
    first = events[0]
    tenant = first.tenant_id if isinstance(first, HeadedEvent) else tenant
    assert tenant is not None, "an event belongs to a tenant"
    ids: list[UUID] = []
    headers: list[bytes] = []
    sealed: set[tuple[UUID, str]] = set()
    for event in events:
        if isinstance(event, HeadedEvent):
            assert event.tenant_id == tenant, "one append is of one tenant"
            ids.append(event.event_id)
            headers.append(event.header)
            sealed.update(event.subjects)
        else:
            ids.append(event_id := new_id())
            headers.append(b'%s{"id":"%s","v":1}' % (PREFIX, event_id.hex.encode()))
    return Columns(
        tenant,
        [event.originator_id for event in events],
        [event.originator_version for event in events],
        ids,
        [event.topic for event in events],
        headers,
        [event.state for event in events],
        sorted(sealed),
    )


def append_call(events: Columns, effects: Effects, key: Vouched | None) -> tuple[str, list[object]]:
    """The call of `append_events`, and its parameters in the order of the function. `key` must still stand."""
    answer = effects.answer
    arguments: list[tuple[str, list[object]]] = [
        ("%b", [events.tenant]),
        array("uuid", events.streams),
        array("int", events.versions),
        array("uuid", events.ids),
        array("text", events.types),
        array("bytea", events.headers),
        array("bytea", events.states),
        array("uuid", [subject for subject, _ in events.sealed] or None),
        array("text", [name for _, name in events.sealed] or None),
        ("%s::jsonb", [effects.document.decode() if effects.document else None]),
        ("%b::uuid", [effects.answer_row if answer else None]),
        ("%s::int", [answer.status if answer else None]),
        ("%s::text", [canonical(answer.headers).decode() if answer else None]),
        ("%b::bytea", [answer.body if answer else None]),
        ("%b::uuid", [key.key if key else None]),
        ("%s::int", [key.version if key else None]),
    ]
    placeholders = ", ".join(sql for sql, _ in arguments)
    return f"SELECT append_events({placeholders})", [it for _, values in arguments for it in values]
