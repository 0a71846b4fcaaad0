"""Engage staff, give them schedules and busy time, and release them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.permissions import SETUP_ROLES, TENANT_ROLES, require, sees
from application.ports import Book, BusyReplacement, CalendarReader, Clock, EventStore, Ids, People
from application.recorded import Caller
from application.setup.locations import LOCATIONS
from application.setup.references import require_locations, require_services
from application.setup.register import (
    UNSET,
    CreationKey,
    Listing,
    Receipt,
    Register,
    Unset,
    append_of,
    chosen,
)
from domain import staff
from domain.errors import FieldError, NotFound, RangeTooLong, Unacceptable
from domain.schedule import Schedule
from domain.staff import Staff, StaffTerms
from domain.values import Personal, epoch_seconds, from_epoch

STAFF: Final = Register("staff", Staff, staff.evolve)
IMPORT_WINDOW_MAX: Final = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class EngageStaff:
    """Engage a staff member on these terms; `name` is sealed."""

    terms: StaffTerms
    name: Personal | None = None


@dataclass(frozen=True, slots=True)
class ReviseStaff:
    """Let the given fields of a staff member stand, and leave the others. A name can be given, not taken away."""

    staff: UUID
    location_ids: tuple[UUID, ...] | Unset = UNSET
    display_name: str | Unset = UNSET
    service_ids: tuple[UUID, ...] | Unset = UNSET
    name: Personal | Unset = UNSET
    if_match: int | None = None

    def upon(self, terms: StaffTerms) -> StaffTerms:
        """The terms that stand once these fields do."""
        return StaffTerms(
            location_ids=chosen(self.location_ids, terms.location_ids),
            display_name=chosen(self.display_name, terms.display_name),
            service_ids=chosen(self.service_ids, terms.service_ids),
        )


@dataclass(frozen=True, slots=True)
class SetSchedule:
    """Let this schedule stand, whole."""

    staff: UUID
    schedule: Schedule
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ImportBusy:
    """Take a staff member's busy time in [from_, to) from an iCalendar file; fractions of seconds are dropped."""

    staff: UUID
    body: bytes
    from_: datetime
    to: datetime


@dataclass(frozen=True, slots=True)
class ReleaseStaff:
    """Release a staff member for good."""

    staff: UUID
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class BusyImport:
    """What an import has left: so many blocks in [from_, to), both UTC. `version` is the staff member's."""

    staff: UUID
    blocks: int
    from_: datetime
    to: datetime
    version: int


@dataclass(frozen=True, slots=True)
class Staffing:
    """The people who offer services."""

    store: EventStore
    book: Book
    people: People
    calendars: CalendarReader
    clock: Clock
    ids: Ids

    def engage(self, command: EngageStaff, by: Caller) -> Receipt[Staff]:
        """Engage a staff member at locations of the caller's, behind whom stands a subject of its own.

        Refuses: NotPermitted, Unacceptable (fields), UnknownReference (locations, then services).
        """
        require(by, *SETUP_ROLES)
        id, subject = self.ids.uuid(), self.ids.uuid()

        def decide() -> tuple[staff.Decision, ...]:
            decisions = staff.engage(id, subject, command.terms, command.name)
            require_locations(self.book, by, command.terms.location_ids)
            require_services(self.book, by, command.terms.service_ids)
            if command.name is not None:
                self.people.prepare(by.tenant, subject, ("profile",))
            return decisions

        return STAFF.enter(self, by, id, decide)

    def revise(self, command: ReviseStaff, by: Caller) -> Receipt[Staff]:
        """Revise a staff member; what already stands decides nothing. What is given is looked up.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (released), Unacceptable (fields),
        UnknownReference (locations, then services).
        """
        require(by, *SETUP_ROLES)
        name = chosen(command.name, None)

        def decide(standing: Staff) -> tuple[staff.Decision, ...]:
            decisions = staff.revise(standing, command.upon(standing.terms), name)
            require_locations(self.book, by, chosen(command.location_ids, ()))
            require_services(self.book, by, chosen(command.service_ids, ()))
            if name is not None:
                self.people.prepare(by.tenant, standing.subject, ("profile",))
            return decisions

        return STAFF.change(self, by, command.staff, _permit(by), decide, command.if_match)

    def set_schedule(self, command: SetSchedule, by: Caller) -> Receipt[Staff]:
        """Set a schedule; the one that stands decides nothing.

        Refuses: NotPermitted, NotFound, VersionMismatch, InvalidState (released).
        """
        require(by, *SETUP_ROLES)

        def decide(standing: Staff) -> tuple[staff.Decision, ...]:
            return staff.set_schedule(standing, command.schedule)

        return STAFF.change(self, by, command.staff, _permit(by), decide, command.if_match)

    def import_busy(self, command: ImportBusy, by: Caller) -> Receipt[BusyImport]:
        """Replace what earlier imports said of the window; floating times are in the schedule's zone.

        Without a schedule they are in the zone of the staff member's first location.
        Refuses: NotPermitted, Unacceptable (the window ends before it starts), RangeTooLong (over 730 days), NotFound,
        InvalidState (released), TooLarge, CalendarInvalid, CalendarTooDense, Stale.
        """
        require(by, *SETUP_ROLES)
        from_, to = _window(command)

        def attempt() -> Plan[Receipt[BusyImport]]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry, standing = STAFF.find(self.book, by.tenant, command.staff)
            _permit(by)(standing)
            staff.require_engaged(standing)
            zone = self._zone(by.tenant, standing)
            blocks = self.calendars.busy(command.body, zone, from_epoch(from_), from_epoch(to))
            decisions = staff.import_busy(standing, from_, to, blocks)
            written = STAFF.write(scribe, standing.id, decisions, entry)
            done = BusyImport(
                standing.id, len(blocks), from_epoch(from_), from_epoch(to), written.state.version
            )
            receipt = Receipt(done, written.events[-1].event_id)
            append = append_of(scribe, (written,), receipt)
            busy = BusyReplacement(standing.id, from_, to, blocks)
            return Plan(replace(append, busy=busy), receipt)

        return carry_out(self.store, attempt)

    def release(self, command: ReleaseStaff, by: Caller) -> Receipt[Staff]:
        """Release a staff member; once released, they stay so and nothing more is decided.

        Refuses: NotPermitted, NotFound, VersionMismatch.
        """
        require(by, *SETUP_ROLES)
        return STAFF.change(self, by, command.staff, _permit(by), staff.release, command.if_match)

    def staff_member(self, id: UUID, by: Caller) -> Staff:
        """One staff member, the sealed name apart.

        Refuses: NotPermitted, NotFound (also: at none of the caller's locations).
        """
        require(by, *TENANT_ROLES)
        standing = STAFF.find(self.book, by.tenant, id)[1]
        if not sees(by, standing.terms.location_ids):
            raise NotFound()
        return standing

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[Staff]:
        """The staff at the caller's locations by creation, released ones included.

        Refuses: NotPermitted.
        """
        require(by, *TENANT_ROLES)
        return STAFF.page(
            self.book,
            by.tenant,
            limit,
            after,
            lambda standing: sees(by, standing.terms.location_ids),
        )

    def _zone(self, tenant: UUID, standing: Staff) -> str:
        if standing.schedule is not None:
            return standing.schedule.time_zone
        first = standing.terms.location_ids[0]
        return LOCATIONS.find(self.book, tenant, first)[1].terms.time_zone


def _permit(by: Caller) -> Callable[[Staff], None]:
    return lambda standing: require(by, *SETUP_ROLES, at=standing.terms.location_ids)


def _window(command: ImportBusy) -> tuple[int, int]:
    """The import's window in epoch seconds."""
    from_, to = epoch_seconds(command.from_), epoch_seconds(command.to)
    if from_ >= to:
        error = FieldError("/to", "not_after_from", "It is not after `from`.")
        raise Unacceptable(errors=(error,))
    if to - from_ > IMPORT_WINDOW_MAX.total_seconds():
        raise RangeTooLong(f"An import covers at most {IMPORT_WINDOW_MAX.days} days")
    return from_, to
