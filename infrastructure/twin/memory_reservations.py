"""Reservations in memory: whose time is taken, with the answers that the database's constraint gives. README D4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from application.ports import Claim, Counting, Occupied, Outcome, Release, Seat


@dataclass(slots=True)
class Reservations:
    """One tenant's reservations. Not locked: its owner sees to that."""

    by_staff: dict[UUID, tuple[Occupied, ...]] = field(default_factory=dict)
    staff_of: dict[UUID, UUID] = field(default_factory=dict)

    def between(self, staff: UUID, from_: int, to: int) -> list[Occupied]:
        """What overlaps [from_, to), by time; expired ones too."""
        found = self.by_staff.get(staff, ())
        return sorted(
            (one for one in found if one.from_ < to and from_ < one.to), key=lambda one: one.from_
        )

    def booked(self, staff: UUID, counting: Counting) -> int:
        """How many bookings of the staff member are to be counted."""
        return sum(
            seat.kind == "booking"
            and (seat.expires_at is None or seat.expires_at > counting.now)
            and seat.owner != counting.ignoring
            for one in self.by_staff.get(staff, ())
            if counting.from_ <= one.start < counting.to
            for seat in one.seats
        )

    def expired(self, by: int) -> list[Seat]:
        """Who has a time that is over by then, oldest first."""
        seats = [
            (seat.expires_at, seat.owner, seat)
            for found in self.by_staff.values()
            for one in found
            for seat in one.seats
            if seat.expires_at is not None and seat.expires_at <= by
        ]
        return [seat for _, _, seat in sorted(seats, key=lambda one: one[:2])]

    def settled(
        self, releases: Iterable[Release], claims: Iterable[Claim]
    ) -> Reservations | Outcome:
        """What stands after releases, then claims; or why not, and then nothing has changed."""
        draft = Reservations(dict(self.by_staff), dict(self.staff_of))
        for release in releases:
            if not draft._give_up(release):
                return Outcome.MOVED
        for claim in claims:
            if (refusal := draft._take(claim)) is not None:
                return refusal
        return draft

    def _give_up(self, release: Release) -> bool:
        staff = self.staff_of.get(release.owner)
        if staff is None:
            return False
        for one in self.by_staff[staff]:
            for seat in one.seats:
                if seat.owner == release.owner:
                    if not _may_go(seat, release.expired_by):
                        return False
                    kept = tuple(other for other in one.seats if other is not seat)
                    self._put(staff, one, replace(one, seats=kept) if kept else None)
                    del self.staff_of[release.owner]
                    return True
        raise AssertionError("an owner's reservation is where it is said to be")

    def _take(self, claim: Claim) -> Outcome | None:
        assert claim.from_ <= claim.start < claim.end <= claim.to
        assert claim.capacity >= 1
        if claim.owner in self.staff_of:
            return Outcome.TAKEN
        seat = Seat(claim.owner, claim.kind, claim.expires_at)
        session = self._session(claim)
        if session is not None:
            if len(session.seats) >= claim.capacity:
                return Outcome.FULL
            wider = _with_seat(session, claim, seat)
            if any(one is not session for one in self.between(claim.staff, wider.from_, wider.to)):
                return Outcome.TAKEN
            self._put(claim.staff, session, wider)
        elif self.between(claim.staff, claim.from_, claim.to):
            return Outcome.TAKEN
        else:
            self._put(claim.staff, None, _occupied(claim, seat))
        self.staff_of[claim.owner] = claim.staff
        return None

    def _session(self, claim: Claim) -> Occupied | None:
        """The class that the claim is for a seat of, if it has begun to fill."""
        if claim.capacity == 1:
            return None
        for one in self.by_staff.get(claim.staff, ()):
            if one.capacity > 1 and (one.service, one.start) == (claim.service, claim.start):
                return one
        return None

    def _put(self, staff: UUID, old: Occupied | None, new: Occupied | None) -> None:
        kept: Sequence[Occupied] = [one for one in self.by_staff.get(staff, ()) if one is not old]
        self.by_staff[staff] = (*kept, new) if new is not None else tuple(kept)


def _with_seat(session: Occupied, claim: Claim, seat: Seat) -> Occupied:
    """The session with one more seat: it takes the longest time that a seat of it was sold for."""
    return replace(
        session,
        end=max(session.end, claim.end),
        from_=min(session.from_, claim.from_),
        to=max(session.to, claim.to),
        capacity=max(session.capacity, claim.capacity),
        seats=(*session.seats, seat),
    )


def _may_go(seat: Seat, expired_by: int | None) -> bool:
    if expired_by is None:
        return True
    return seat.expires_at is not None and seat.expires_at <= expired_by


def _occupied(claim: Claim, seat: Seat) -> Occupied:
    return Occupied(
        staff=claim.staff,
        service=claim.service,
        start=claim.start,
        end=claim.end,
        from_=claim.from_,
        to=claim.to,
        capacity=claim.capacity,
        seats=(seat,),
    )
