"""A legal hold: what a matter needs of persons' data is not erased until the hold is released.

1. It names a matter by its id, whoever ordered it, the persons and the classes, and when it is looked at again.
2. Only its custodian or an owner releases it. Whoever else tries is refused, and that is on record.
3. What was taken before it was placed is gone; the hold says so, and pins what is left.
4. Under a gag nothing in a person's chain tells of it; on the gag's date it is told by itself.

*Not here*: what a pin does (`custody`), what waits for the release (`erasure`).
*Source*: GDPR Art. 17(3)(e); row 97 of the policy's matrix; README D5, D9.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.custody import Custody
from domain.errors import InvalidState
from domain.fields import FINE, Faults, fault
from domain.legal_paper import AUTHORITY_CHARACTERS_MAX
from domain.sealing import RETENTION_CLASSES, Plain, RetentionClass, WithheldUnderGag

PERSONS_MAX: Final = 1_000
_MATTER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_/-]{0,63}")
_MATTER_WORDS: Final = "It is an id of at most 64 of A-Z a-z 0-9 . : _ / -, never a name."

Status = Literal["placed", "released"]


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """What the hold is for. `review_on` is a day, `gag_until` an instant (UTC); None where nobody is to be silent."""

    matter: Annotated[str, Plain("an id by pattern, as the file has it")]
    authority: Annotated[str, Plain("the name of an organisation")]
    classes: tuple[RetentionClass, ...]
    review_on: date
    gag_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class HeldPerson:
    """A person under the hold: the classes that it pins, and those that an erasure had taken before."""

    person: Annotated[UUID, WithheldUnderGag()]
    pinned: tuple[RetentionClass, ...]
    gone: tuple[RetentionClass, ...]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegalHoldPlaced:
    """It was placed; whoever placed it is its custodian. (Its field's name keeps it out of the persons' chains.)"""

    TYPE: ClassVar[str] = "legal_hold.placed.v1"

    legal_hold: UUID
    terms: HoldTerms
    custodian: Annotated[str, Plain("a key's public id")]
    persons: tuple[HeldPerson, ...]


@dataclass(frozen=True, slots=True)
class LegalHoldExtended:
    """It pins data of further persons."""

    TYPE: ClassVar[str] = "legal_hold.extended.v1"

    persons: tuple[HeldPerson, ...]


@dataclass(frozen=True, slots=True)
class LegalHoldReviewed:
    """It is still needed, and looked at again on `review_on`."""

    TYPE: ClassVar[str] = "legal_hold.reviewed.v1"

    review_on: date


@dataclass(frozen=True, slots=True)
class LegalHoldReleased:
    """The matter needs it no more: it pins nothing, and what waited for it is erased."""

    TYPE: ClassVar[str] = "legal_hold.released.v1"

    matter: Annotated[str, Plain("an id by pattern, as the file has it")]


@dataclass(frozen=True, slots=True)
class LegalHoldReleaseRefused:
    """Somebody who is neither its custodian nor an owner tried to release it."""

    TYPE: ClassVar[str] = "legal_hold.release_refused.v1"

    reason: Literal["not_your_hold"]


@dataclass(frozen=True, slots=True)
class LegalHoldUngagged:
    """The gag's date has passed, and every person under the hold has been told of it in their chain."""

    TYPE: ClassVar[str] = "legal_hold.ungagged.v1"

    told: int


@dataclass(frozen=True, slots=True)
class LegalHoldOpened:
    """The gag's date has passed: the hold pinned data of `subject`, as the event `pinned` says. A stream of its own."""

    TYPE: ClassVar[str] = "legal_hold.opened.v1"

    subject: UUID
    legal_hold: UUID
    pinned: UUID


Decision: TypeAlias = (
    LegalHoldPlaced
    | LegalHoldExtended
    | LegalHoldReviewed
    | LegalHoldReleased
    | LegalHoldReleaseRefused
    | LegalHoldUngagged
)
DECISIONS: Final = (
    LegalHoldPlaced,
    LegalHoldExtended,
    LegalHoldReviewed,
    LegalHoldReleased,
    LegalHoldReleaseRefused,
    LegalHoldUngagged,
)
OPENINGS: Final = (LegalHoldOpened,)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A hold as it stands; whom it is about is in its stream. `ungagged` says that its persons were told."""

    id: UUID
    terms: HoldTerms
    custodian: Annotated[str, Plain("a key's public id")]
    version: int
    persons: int
    status: Status = "placed"
    ungagged: bool = False

    def gagged_at(self, now: datetime) -> bool:
        """True when the persons may not learn of it at the instant `now`."""
        return self.terms.gag_until is not None and now < self.terms.gag_until

    def overdue_on(self, today: date) -> bool:
        """True when it stands and the day of its review has passed."""
        return self.status == "placed" and self.terms.review_on < today

    def waits_to_open_at(self, now: datetime) -> bool:
        """True when its gag is over and its persons have not been told."""
        return self.terms.gag_until is not None and not self.ungagged and not self.gagged_at(now)


def evolve(state: LegalHold | None, decision: Decision) -> LegalHold:
    """The hold after `decision`."""
    if isinstance(decision, LegalHoldPlaced):
        return LegalHold(
            decision.legal_hold, decision.terms, decision.custodian, 1, len(decision.persons)
        )
    assert state is not None, "a hold is placed first"
    state = replace(state, version=state.version + 1)
    match decision:
        case LegalHoldExtended():
            return replace(state, persons=state.persons + len(decision.persons))
        case LegalHoldReviewed():
            return replace(state, terms=replace(state.terms, review_on=decision.review_on))
        case LegalHoldReleased():
            return replace(state, status="released")
        case LegalHoldReleaseRefused():
            return state
        case LegalHoldUngagged():
            return replace(state, ungagged=True)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def held(
    persons: Sequence[UUID], classes: Collection[RetentionClass], custody: Mapping[UUID, Custody]
) -> tuple[HeldPerson, ...]:
    """What a hold on `classes` pins of each person, and what is gone; both in the order of `RETENTION_CLASSES`."""
    wanted = [one for one in RETENTION_CLASSES if one in classes]
    return tuple(
        HeldPerson(
            person,
            tuple(one for one in wanted if one not in custody[person].taken),
            tuple(one for one in wanted if one in custody[person].taken),
        )
        for person in persons
    )


def check_terms(terms: HoldTerms, persons: Sequence[UUID], at: datetime) -> None:
    """Go on when a hold with these terms can be placed at the instant `at`.

    Refuses: Unacceptable (matter, authority, persons, classes; a review or a gag's end in the past).
    """
    fields.accept(
        fields.shaped("/matter", terms.matter, _MATTER, _MATTER_WORDS),
        fields.line("/authority", terms.authority, AUTHORITY_CHARACTERS_MAX),
        fields.distinct("/subject_ids", persons, 1, PERSONS_MAX),
        fields.distinct("/retention_classes", terms.classes, 1, len(RETENTION_CLASSES)),
        _review_faults(terms.review_on, at),
        fault("/gag_until", "past", "It lies in the past.")
        if terms.gag_until is not None and terms.gag_until <= at
        else FINE,
    )


def place(
    id: UUID, terms: HoldTerms, custodian: str, persons: tuple[HeldPerson, ...]
) -> tuple[LegalHoldPlaced, ...]:
    """Place a hold whose terms were checked, on persons as they are held now."""
    ordered = tuple(one for one in RETENTION_CLASSES if one in terms.classes)
    return (LegalHoldPlaced(id, replace(terms, classes=ordered), custodian, persons),)


def check_extension(
    hold: LegalHold, known: Collection[UUID], persons: Sequence[UUID]
) -> tuple[UUID, ...]:
    """Which of `persons` are new to the hold, in their order; `known` are under it.

    Refuses: InvalidState (released), Unacceptable (none or one twice; over 1,000 persons in all).
    """
    _standing(hold)
    fields.accept(fields.distinct("/subject_ids", persons, 1, PERSONS_MAX))
    further = tuple(one for one in persons if one not in known)
    if len(further) + hold.persons > PERSONS_MAX:
        words = f"A hold is on at most {PERSONS_MAX} persons; place another for the same matter."
        fields.accept(fault("/subject_ids", "out_of_range", words))
    return further


def extend(persons: tuple[HeldPerson, ...]) -> tuple[LegalHoldExtended, ...]:
    """Extend it to persons who are new to it; to none, nothing is decided."""
    return (LegalHoldExtended(persons),) if persons else ()


def review(hold: LegalHold, review_on: date, at: datetime) -> tuple[LegalHoldReviewed, ...]:
    """Find that it is still needed.

    Refuses: InvalidState (released), Unacceptable (a day in the past).
    """
    _standing(hold)
    fields.accept(_review_faults(review_on, at))
    return (LegalHoldReviewed(review_on),)


def release(
    hold: LegalHold, *, own: bool
) -> tuple[LegalHoldReleased | LegalHoldReleaseRefused, ...]:
    """Release it; `own` says that its custodian or an owner asks, and nobody else does.

    Refuses: InvalidState (released).
    """
    _standing(hold)
    return (
        LegalHoldReleased(hold.terms.matter) if own else LegalHoldReleaseRefused("not_your_hold"),
    )


def _standing(hold: LegalHold) -> None:
    if hold.status != "placed":
        raise InvalidState("It was released")


def _review_faults(review_on: date, at: datetime) -> Faults:
    if review_on >= at.date():
        return FINE
    return fault("/review_on", "past", "It lies in the past.")
