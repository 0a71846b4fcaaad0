"""Fills a log fast with events that look like a booking: a header with a seal, a plain part, an envelope."""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent

from infrastructure.canonical import b64, canonical, sha256
from infrastructure.store.event_header import PREFIX
from infrastructure.store.event_mapper import HeadedEvent
from infrastructure.store.event_recorder import SequencedRecorder

TYPE = "booking.confirmed.v1"
APPEND_EVENTS = 100
CIPHERTEXT_BYTES = 144


def written(tenant: UUID, stream: UUID, version: int, about: UUID | None = None) -> HeadedEvent:
    """One event of about 500 bytes of header and as many of payload, about a subject of its own by default."""
    event, subject, key = uuid4(), about or uuid4(), uuid4()
    nonce, sealed = os.urandom(12), os.urandom(CIPHERTEXT_BYTES)
    plain = canonical(
        {"booking": stream.hex, "staff": key.hex, "status": "confirmed", "n": version}
    )
    envelope = canonical(
        {
            "class": "booking",
            "ct": b64(sealed),
            "key": key.hex,
            "nonce": b64(nonce),
            "subject": subject.hex,
            "v": 1,
        }
    )
    seal = {"s": subject.hex, "c": "booking", "k": key.hex, "cd": b64(sha256(nonce + sealed))}
    header = {
        "v": 1,
        "id": event.hex,
        "at": "2027-01-04T10:00:00Z",
        "tenant": tenant.hex,
        "stream": stream.hex,
        "ver": version,
        "type": TYPE,
        "actor": f"key_{stream.hex}",
        "pd": b64(sha256(plain)),
        "seals": [seal | {"pc": b64(os.urandom(32))}],
    }
    return HeadedEvent(
        originator_id=stream,
        originator_version=version,
        topic=TYPE,
        state=plain + b"\n" + envelope,
        tenant_id=tenant,
        event_id=event,
        header=PREFIX + canonical(header),
    )


def fill(recorder: SequencedRecorder, tenant: UUID, count: int) -> None:
    """Append so many events, in streams of at most APPEND_EVENTS, each in one append."""
    for batch in batches(tenant, count):
        recorder.insert_events(batch)


def batches(tenant: UUID, count: int) -> Iterator[list[StoredEvent]]:
    """The events, an append at a time."""
    for first in range(0, count, APPEND_EVENTS):
        stream = uuid4()
        upto = min(APPEND_EVENTS, count - first)
        yield [written(tenant, stream, version) for version in range(1, upto + 1)]
