"""Encoding and decoding an event with sealing: `python -m benchmarks.mapper`.

Ours: a `booking.confirmed.v1` with one sealed group, its envelope, header, digests and commitment. Beside it, in the
same run, the library's mapper with its JSON transcoder and its AES cipher (one key for all, no header) on an event of
the same fields.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.cipher import AESCipher
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, UUIDAsHex
from eventsourcing.utils import Environment

from application.recorded import Recorded
from benchmarks.table import median, show
from domain.booking import BookingConfirmed
from domain.booking_given import PersonGiven
from domain.values import Personal
from domain.visit import Visit
from infrastructure.keys.sealer import SubjectKey
from infrastructure.store.event_mapper import EventMapper

ROUNDS, CALLS = 5, 3_000


class OneKey:
    """The same key for everyone: finding keys is not what is measured."""

    def __init__(self) -> None:
        self._key = SubjectKey(uuid4(), AESGCM(bytes(32)))

    def sealing_key(self, tenant: UUID, subject: UUID, retention_class: str) -> SubjectKey:
        """The key."""
        return self._key


def main() -> None:
    """Measure and print."""
    ours, event = EventMapper(OneKey()), booked()
    stored = ours.to_stored_event(event)
    library = library_mapper()
    theirs = library_event(event)
    kept = library.to_stored_event(theirs)
    rows = [
        (
            "encode",
            *pair(lambda: library.to_stored_event(theirs), lambda: ours.to_stored_event(event)),
        ),
        (
            "decode",
            *pair(lambda: library.to_domain_event(kept), lambda: ours.to_domain_event(stored)),
        ),
    ]
    sizes = (
        "bytes stored",
        str(len(kept.state)),
        f"{len(stored.state)} + header {len(stored.header)}",
        "",
    )
    show(
        f"Microseconds an event (medians of {ROUNDS} rounds of {CALLS} calls)",
        ("", "library, one key", "ours, sealed", "ours/library"),
        [*rows, sizes],
    )


def booked() -> Recorded[object]:
    """A booking as it is made."""
    start = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
    end = start + timedelta(minutes=30)
    booking, subject = uuid4(), uuid4()
    decision = BookingConfirmed(
        booking=booking,
        subject=subject,
        visit=Visit(uuid4(), uuid4(), uuid4(), start, end, start, end),
        hold=None,
        external_ref="ref-1",
        person=PersonGiven(
            name=Personal("Somebody Somewhere"),
            phone=Personal("+15550100"),
            address=None,
            note=None,
            metadata={},
        ),
    )
    return Recorded(uuid4(), booking, 1, uuid4(), start, "key_" + uuid4().hex, decision)


class LibraryBooked(DomainEvent):
    """The same fields as the library would have them."""

    booking: UUID
    subject: UUID
    service: UUID
    location: UUID
    staff: UUID
    start: datetime
    end: datetime
    external_ref: str
    name: str
    phone: str


def library_event(event: Recorded[object]) -> LibraryBooked:
    """The booking for the library's mapper."""
    made = event.decision
    assert isinstance(made, BookingConfirmed)
    found = object.__new__(LibraryBooked)
    values = {
        "originator_id": event.stream,
        "originator_version": 1,
        "timestamp": event.occurred_at,
        "booking": made.booking,
        "subject": made.subject,
        "service": made.visit.service,
        "location": made.visit.location,
        "staff": made.visit.staff,
        "start": made.visit.start,
        "end": made.visit.end,
        "external_ref": "ref-1",
        "name": "Somebody Somewhere",
        "phone": "+15550100",
    }
    object.__setattr__(found, "__dict__", values)
    return found


def library_mapper() -> Mapper[UUID]:
    """The library's mapper with its own AES-GCM cipher."""
    transcoder = JSONTranscoder()
    transcoder.register(UUIDAsHex())
    transcoder.register(DatetimeAsISO())
    key = AESCipher.create_key(num_bytes=32)
    return Mapper(transcoder, cipher=AESCipher(Environment(env={"CIPHER_KEY": key})))


def pair(theirs: Callable[[], object], ours: Callable[[], object]) -> tuple[str, str, str]:
    """Medians of both, round by round in turn, and their ratio."""
    rounds = [(microseconds(theirs), microseconds(ours)) for _ in range(ROUNDS)]
    left, right = median([it[0] for it in rounds]), median([it[1] for it in rounds])
    return f"{left:.1f}", f"{right:.1f}", f"{right / left:.2f}"


def microseconds(call: Callable[[], object]) -> float:
    """Microseconds a call."""
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6


if __name__ == "__main__":
    main()
