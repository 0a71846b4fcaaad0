"""What the use cases need from outside. Each port says what is durable, what is serialised, what may be retried.

Every adapter, the in-memory twin included, passes the same contract tests (`tests/contracts/`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, Protocol
from uuid import UUID

from application.recorded import Answer, Recorded, Ticket
from domain.custody import Fence
from domain.sealing import Envelope, RetentionClass

# fmt: off
CatalogKind = Literal[
    "tenant", "location", "service", "staff", "key", "policy", "purpose", "recipient", "legal_process",
    "franchise_request", "legal_hold", "privacy_request", "erasure",
]
# fmt: on


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The present instant, UTC, microseconds."""
        ...


class Ids(Protocol):
    """The only source of identity and of randomness."""

    def uuid(self) -> UUID:
        """A random version 4 UUID."""
        ...

    def secret(self) -> bytes:
        """32 random bytes from the operating system."""
        ...


# --- the event store -------------------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What became of an append. Everything but APPENDED means that nothing at all was stored."""

    APPENDED = "appended"
    CONFLICT = "conflict"  # a stream has another version than the append expected: load again, decide again
    TAKEN = "taken"  # a claim overlaps another reservation
    FULL = "full"  # the class has no seat left
    MOVED = (
        "moved"  # a reservation to release is not there any more (or has not expired): load again
    )
    ERASED = "erased"  # a subject it speaks of is fenced
    ANSWERED = "answered"  # the idempotent call was answered by someone else meanwhile
    REVOKED = "revoked"  # the key that asks for it stands no more


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish to occupy one staff member's time, or one seat of a class.

    `start`..`end` is the visit, `from_`..`to` the same with its buffers; all epoch seconds, half-open.
    `owner` is the booking or hold. With `capacity` over 1 the claim is for one seat of the session (staff, service,
    start); the session occupies `from_`..`to`. `expires_at` (epoch seconds) is a hold's end, or a pending booking's
    start; None never expires.
    """

    owner: UUID
    kind: Literal["hold", "booking"]
    staff: UUID
    service: UUID
    start: int
    end: int
    from_: int
    to: int
    capacity: int = 1
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """Give up what `owner` occupies. With `expired_by` (epoch seconds) only if it has expired by then."""

    owner: UUID
    expired_by: int | None = None


@dataclass(frozen=True, slots=True)
class BusyReplacement:
    """What an import says of `staff` in [from_, to): `blocks` sorted, disjoint, clipped to it; epoch seconds."""

    staff: UUID
    from_: int
    to: int
    blocks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """The current state of a thing a business has set up, as of `version` of its stream."""

    kind: CatalogKind
    id: UUID
    version: int
    created_at: datetime
    state: object


@dataclass(frozen=True, slots=True)
class Append:
    """Everything that one command decides. It is stored as a whole or not at all.

    The first event of each stream must have version 1, or follow a version that is committed.
    Order inside: fences (who seals for them now is waited for), releases, claims, the rest, `answer` with `ticket`.
    """

    tenant: UUID
    at: datetime
    events: tuple[Recorded[object], ...]
    releases: tuple[Release, ...] = ()
    claims: tuple[Claim, ...] = ()
    busy: BusyReplacement | None = None
    catalog: tuple[CatalogEntry, ...] = ()
    fences: tuple[Fence, ...] = ()
    ticket: Ticket | None = None
    answer: Answer | None = None


class EventStore(Protocol):
    """Streams of events, and what must change with them in the same instant."""

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        """The stream's events, oldest first; empty when there is none. Sees every append that has returned."""
        ...

    def append(self, append: Append) -> Outcome:
        """Store all of it durably, or nothing.

        Implementer: MUST be durable on APPENDED; MUST let appends to different streams and staff run side by side;
        MUST serialise claims that overlap so that exactly one wins; MUST seal before any value leaves the process.
        Caller: MUST NOT repeat a call whose outcome is unknown without looking for its event ids first.
        Raises Unavailable when the outcome is known to be nothing.
        """
        ...


# --- what can be booked ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seat:
    """One seat of a session."""

    owner: UUID
    kind: Literal["hold", "booking"]
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Occupied:
    """A reservation of a staff member's time: by one hold or booking (`seats` has one), or by a class session.

    `start`..`end` is the visit, `from_`..`to` the reservation with buffers; epoch seconds, half-open.
    Expired ones are among them: the caller judges by its own clock.
    """

    staff: UUID
    service: UUID
    start: int
    end: int
    from_: int
    to: int
    capacity: int
    seats: tuple[Seat, ...]


@dataclass(frozen=True, slots=True)
class Counting:
    """Which bookings to count: those that start in [from, to) and have not expired by `now`, but not `ignoring`.

    Epoch seconds.
    """

    from_: int
    to: int
    now: int
    ignoring: UUID | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that listing or claiming a slot of one service needs, read in one instant.

    `staff` are those who offer the service (active or not), `locations` those of the service (active or not).
    `occupied` and `busy` overlap the range that was asked for; `booked` has the bookings of each of the staff that
    were to be counted.
    """

    service: CatalogEntry | None
    locations: tuple[CatalogEntry, ...]
    staff: tuple[CatalogEntry, ...]
    occupied: tuple[Occupied, ...]
    busy: tuple[tuple[UUID, int, int], ...]
    booked: Mapping[UUID, int] = field(default_factory=dict)


class Book(Protocol):
    """Current state: what a business has set up, and whose time is taken. Sees every append that has returned."""

    def facts(
        self,
        tenant: UUID,
        service: UUID,
        from_: int,
        to: int,
        staff: UUID | None = None,
        counting: Counting | None = None,
    ) -> Facts:
        """What bears on slots of `service` in [from_, to) (epoch seconds); of one staff member when named."""
        ...

    def entry(self, tenant: UUID, kind: CatalogKind, id: UUID) -> CatalogEntry | None:
        """The thing's current state, deactivated ones included."""
        ...

    def entries(self, tenant: UUID, kind: CatalogKind, ids: Sequence[UUID]) -> list[CatalogEntry]:
        """Those of `ids` that exist, in no particular order."""
        ...

    def page(
        self, tenant: UUID, kind: CatalogKind, limit: int, after: tuple[datetime, UUID] | None
    ) -> list[CatalogEntry]:
        """At most `limit` things by (created_at, id), after the given one."""
        ...


class ExpiredClaims(Protocol):
    """Reservations whose time is over although nobody has recorded it."""

    def expired(self, tenant: UUID, by: int, limit: int) -> list[Seat]:
        """At most `limit` holds and pending bookings that have expired by `by` (epoch seconds), oldest first."""
        ...


# --- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a contact belongs to. `registered` is False while nobody has appended the subject's first event."""

    subject: UUID
    registered: bool


class People(Protocol):
    """Who is behind an e-mail address or phone number, without keeping either in the clear."""

    def find_or_prepare(
        self, tenant: UUID, email: str, candidate: UUID, classes: Sequence[RetentionClass]
    ) -> Found:
        """The subject with this e-mail, else `candidate`, made ready: keys and pending index row are durable.

        `email` is normalised by the caller (`domain.subject.normalise_email`). Two callers with one new address get the
        same subject. On return the subject has keys of `classes`.
        """
        ...

    def find(self, tenant: UUID, kind: Literal["email", "phone"], value: str) -> UUID | None:
        """The subject with this normalised value, None when there is none."""
        ...

    def prepare(self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass]) -> None:
        """Make keys for a subject that is not looked up by a contact (a staff member). Idempotent."""
        ...


class Opener(Protocol):
    """Opens envelopes. Only `application/access/reveal.py` may be given one."""

    def open(self, tenant: UUID, envelopes: Sequence[Envelope]) -> list[dict[str, object] | None]:
        """The values of each envelope by field name; None where the key was destroyed (its tombstone says so).

        Raises Unreadable when a key is missing without a tombstone, or the ciphertext does not fit.
        """
        ...


# --- answers to repeated calls ---------------------------------------------------------------------------------------


# --- read models -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """One booking as the agenda knows it; instants in epoch seconds; `person` is the sealed customer."""

    booking: UUID
    location: UUID
    service: UUID
    staff: UUID
    subject: UUID
    start: int
    end: int
    status: str
    external_ref: str | None
    last_event: UUID
    version: int
    person: Envelope | None


class Agenda(Protocol):
    """The read model `agenda`: bookings by time. Follows the events by sequence."""

    def between(self, tenant: UUID, location: UUID, from_: int, to: int) -> list[AgendaRow]:
        """Bookings of a location that start in [from_, to), by start and id; at most 10,000."""
        ...

    def page(
        self,
        tenant: UUID,
        from_: int,
        to: int,
        limit: int,
        after: tuple[int, UUID] | None,
        *,
        staff: UUID | None = None,
        locations: Sequence[UUID] | None = None,
        status: str | None = None,
    ) -> list[AgendaRow]:
        """At most `limit` bookings that start in [from_, to), by (start, id), after the given one."""
        ...


class Positions(Protocol):
    """Where the ledger and its followers stand."""

    def wait(self, tenant: UUID, model: str, at_least: UUID | int) -> int:
        """Wait until read model `model` includes the event or position; its position in this tenant (-1: nothing).

        Refuses: UnknownReference (no such event or position), Behind (5 seconds have passed).
        """
        ...

    def current(self, tenant: UUID, model: str) -> int:
        """The position of `model` in this tenant; -1 when it includes nothing."""
        ...


class Holidays(Protocol):
    """Public holidays."""

    def closed_dates(
        self, country: str, subdivision: str | None, first: date, last: date
    ) -> frozenset[date]:
        """Public holidays in [first, last]."""
        ...

    def is_known(self, country: str, subdivision: str | None) -> bool:
        """True when holidays of the place are known."""
        ...


class CalendarReader(Protocol):
    """Reads free/busy time out of iCalendar files."""

    def busy(
        self, body: bytes, zone: str, from_: datetime, to: datetime
    ) -> tuple[tuple[int, int], ...]:
        """Busy blocks in [from_, to): sorted, disjoint, clipped; epoch seconds.

        Refuses: TooLarge, CalendarInvalid, CalendarTooDense.
        """
        ...
