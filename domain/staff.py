"""A staff member: a person who offers services, at one location or several, by one schedule.

1. A person who works at two locations is one staff member, and busy at both.
2. `display_name` is what customers see, plain by the business's choice; `name` is sealed under the key of a
   subject of its own, made for this staff member.
3. A schedule that is set replaces the whole of the earlier one.
4. An import of busy time keeps when, and nothing else.
5. A staff member who was released stays released: nothing is revised any more, and nothing is deleted.

*Not here*: what working time a schedule means (`schedule`), what it leaves to be booked (`availability`).
*Source*: README D5; the contract's "Rules of time and slots".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Final, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.errors import InvalidState
from domain.fields import Faults
from domain.personal_text import flaws
from domain.schedule import Schedule
from domain.sealing import Envelope, Plain, Sealed
from domain.values import Personal

NAME_CHARACTERS_MAX: Final = 200
LOCATIONS_MAX: Final = 200
SERVICES_MAX: Final = 500


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StaffName:
    """What the person is called in the business's own records."""

    name: Personal


@dataclass(frozen=True, slots=True)
class StaffTerms:
    """What a business says of a staff member, the sealed name apart."""

    location_ids: tuple[UUID, ...]
    display_name: Annotated[str, Plain("what customers see; the business chose to show it")]
    service_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class StaffEngaged:
    """The staff member works for the tenant from now on. `subject` is the person behind it."""

    TYPE: ClassVar[str] = "staff.engaged.v1"

    staff: UUID
    subject: UUID
    terms: StaffTerms
    name: Annotated[StaffName | Envelope, Sealed("profile", "subject")] | None = None


@dataclass(frozen=True, slots=True)
class StaffRevised:
    """These terms stand from now on; the name too, where one is given."""

    TYPE: ClassVar[str] = "staff.revised.v1"

    subject: UUID
    terms: StaffTerms
    name: Annotated[StaffName | Envelope, Sealed("profile", "subject")] | None = None


@dataclass(frozen=True, slots=True)
class StaffScheduleSet:
    """This schedule stands from now on, whole."""

    TYPE: ClassVar[str] = "staff.schedule_set.v1"

    schedule: Schedule


@dataclass(frozen=True, slots=True)
class StaffBusyImported:
    """What a calendar says of [from_, to): busy from `bounds[0]` to `bounds[1]`, from `bounds[2]` to `bounds[3]`, ...

    Instants in epoch seconds; blocks are sorted and disjoint. Replaces what earlier imports said of the window.
    """

    TYPE: ClassVar[str] = "staff.busy_imported.v1"

    from_: int
    to: int
    bounds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StaffReleased:
    """The staff member cannot be booked any more; what is booked stands."""

    TYPE: ClassVar[str] = "staff.released.v1"


Decision: TypeAlias = (
    StaffEngaged | StaffRevised | StaffScheduleSet | StaffBusyImported | StaffReleased
)
DECISIONS: Final = (
    StaffEngaged,
    StaffRevised,
    StaffScheduleSet,
    StaffBusyImported,
    StaffReleased,
)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Staff:
    """A staff member as it stands. `schedule` is None until one is set; `named` says that a sealed name exists."""

    id: UUID
    subject: UUID
    terms: StaffTerms
    named: bool
    schedule: Schedule | None
    active: bool
    version: int


def evolve(staff: Staff | None, decision: Decision) -> Staff:
    """The staff member after `decision`."""
    if isinstance(decision, StaffEngaged):
        return Staff(
            id=decision.staff,
            subject=decision.subject,
            terms=decision.terms,
            named=decision.name is not None,
            schedule=None,
            active=True,
            version=1,
        )
    assert staff is not None, "a staff member is engaged first"
    following = replace(staff, version=staff.version + 1)
    match decision:
        case StaffRevised():
            named = staff.named or decision.name is not None
            return replace(following, terms=decision.terms, named=named)
        case StaffScheduleSet():
            return replace(following, schedule=decision.schedule)
        case StaffBusyImported():
            return following
        case StaffReleased():
            return replace(following, active=False)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def engage(
    staff: UUID, subject: UUID, terms: StaffTerms, name: Personal | None
) -> tuple[StaffEngaged, ...]:
    """Engage a staff member, whose person is `subject`.

    Refuses: Unacceptable (any field).
    """
    fields.accept(_faults(terms), flaws(name, "/name", NAME_CHARACTERS_MAX))
    return (StaffEngaged(staff, subject, terms, _group(name)),)


def revise(staff: Staff, terms: StaffTerms, name: Personal | None) -> tuple[StaffRevised, ...]:
    """Let `terms` stand, and `name` where it is given; the same terms and no name decide nothing.

    A name cannot be compared with one that is sealed: giving it is always a decision.
    Refuses: InvalidState (released), Unacceptable (any field).
    """
    require_engaged(staff)
    fields.accept(_faults(terms), flaws(name, "/name", NAME_CHARACTERS_MAX))
    if name is None and terms == staff.terms:
        return ()
    return (StaffRevised(staff.subject, terms, _group(name)),)


def set_schedule(staff: Staff, schedule: Schedule) -> tuple[StaffScheduleSet, ...]:
    """Let `schedule` stand; the same again decides nothing. Its fields were checked where it was read.

    Refuses: InvalidState (released).
    """
    require_engaged(staff)
    return (StaffScheduleSet(schedule),) if schedule != staff.schedule else ()


def import_busy(
    staff: Staff, from_: int, to: int, blocks: tuple[tuple[int, int], ...]
) -> tuple[StaffBusyImported, ...]:
    """Keep what a calendar says of [from_, to): `blocks` sorted, disjoint, inside it; epoch seconds.

    Refuses: InvalidState (released).
    """
    require_engaged(staff)
    bounds = tuple(instant for block in blocks for instant in block)
    assert list(bounds) == sorted(bounds), "blocks are sorted and disjoint"
    assert all(from_ <= instant <= to for instant in bounds), "blocks lie in their window"
    return (StaffBusyImported(from_, to, bounds),)


def release(staff: Staff) -> tuple[StaffReleased, ...]:
    """Release a staff member for good; one who was released stays so."""
    return (StaffReleased(),) if staff.active else ()


def require_engaged(staff: Staff) -> None:
    """Go on when the staff member works here still.

    Refuses: InvalidState (released).
    """
    if not staff.active:
        raise InvalidState("The staff member was released")


def _group(name: Personal | None) -> StaffName | None:
    return None if name is None else StaffName(name)


def _faults(terms: StaffTerms) -> Faults:
    return (
        *fields.distinct("/location_ids", terms.location_ids, 1, LOCATIONS_MAX),
        *fields.line("/display_name", terms.display_name, NAME_CHARACTERS_MAX),
        *fields.distinct("/service_ids", terms.service_ids, 0, SERVICES_MAX),
    )
