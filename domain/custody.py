"""Custody: what binds a person's keys. Holds pin them, a restriction locks their use, an erasure takes them.

1. A pinned class is not erased; whoever pins and whoever erases append to this one stream, so one of the two is first.
2. What is kept under an exception may be used for the purposes of that exception, and for nothing else.
3. A class that was taken is never taken back; a new value for it is sealed only where that was allowed by name.
4. While a restriction stands, data is stored, and used only for legal claims and legal duties.

*Not here*: why a hold was placed (`legal_hold`), what was asked for (`privacy_request`), how keys die (`erasure`).
*Source*: GDPR Art. 17(3), 18; Cal. Civ. Code 1798.105(d); 11 CCR 7022(c), (f); README D5, D9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain.sealing import RETENTION_CLASSES, Plain, RetentionClass, WithheldUnderGag

ExceptionCode = Literal[
    "gdpr_17_3_a_expression",
    "gdpr_17_3_b_legal_obligation",
    "gdpr_17_3_c_public_health",
    "gdpr_17_3_d_archiving",
    "gdpr_17_3_e_legal_claims",
    "ccpa_105_d_1_transaction",
    "ccpa_105_d_2_security",
    "ccpa_105_d_3_debugging",
    "ccpa_105_d_4_speech",
    "ccpa_105_d_5_calecpa",
    "ccpa_105_d_6_research",
    "ccpa_105_d_7_internal_use",
    "ccpa_105_d_8_legal_obligation",
]
Bar = Literal["erased", "restricted", "kept_for_other_purposes"]
# There is something, and it may not be used for this.
DENYING: Final = frozenset[Bar | None]({"restricted", "kept_for_other_purposes"})
USABLE_UNDER_RESTRICTION: Final = frozenset({"legal_duty", "dispute", "enforcement"})


@dataclass(frozen=True, slots=True)
class Kept:
    """A class that an erasure leaves: under which exception, which statute, for which purposes alone, and until when.

    `until` is the last day on which it may be kept; None where the exception names none.
    """

    retention_class: RetentionClass
    exception: ExceptionCode
    statute: Annotated[str, Plain("a citation from the retention rules")]
    purposes: tuple[Annotated[str, Plain("codes of the closed list of purposes")], ...]
    until: date | None


@dataclass(frozen=True, slots=True)
class Fence:
    """From now on no value is sealed for `subject` in `classes`. Stored with the append that orders it.

    With `unless_after` it stands only where no event after that position of the log names the person: else the append
    that brings it is a conflict.
    """

    subject: UUID
    classes: tuple[RetentionClass, ...]
    through: datetime
    unless_after: int | None = None


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustodyPinned:
    """A legal hold keeps these classes of the person from being erased.

    `subject` is the person's tag; None under a gag, so that nothing in their chain or evidence tells of it.
    """

    TYPE: ClassVar[str] = "custody.pinned.v1"

    person: Annotated[UUID, WithheldUnderGag()]
    subject: UUID | None
    legal_hold: UUID
    classes: tuple[RetentionClass, ...]


@dataclass(frozen=True, slots=True)
class CustodyFreed:
    """The hold was released: it pins nothing of this person any more. `subject` as with the pin."""

    TYPE: ClassVar[str] = "custody.freed.v1"

    person: Annotated[UUID, WithheldUnderGag()]
    subject: UUID | None
    legal_hold: UUID


@dataclass(frozen=True, slots=True)
class CustodyRestricted:
    """The person's data is stored and not used, at their request. GDPR Art. 18."""

    TYPE: ClassVar[str] = "custody.restricted.v1"

    subject: UUID
    request: UUID


@dataclass(frozen=True, slots=True)
class CustodyUnlocked:
    """The restriction was lifted."""

    TYPE: ClassVar[str] = "custody.unlocked.v1"

    subject: UUID
    request: UUID


@dataclass(frozen=True, slots=True)
class CustodyTaken:
    """An erasure takes these classes from now on (none where all wait for holds), and leaves the kept ones.

    Its fence stands with this event.
    """

    TYPE: ClassVar[str] = "custody.taken.v1"

    subject: UUID
    erasure: UUID
    classes: tuple[RetentionClass, ...]
    kept: tuple[Kept, ...]


Decision: TypeAlias = (
    CustodyPinned | CustodyFreed | CustodyRestricted | CustodyUnlocked | CustodyTaken
)
DECISIONS: Final = (
    CustodyPinned,
    CustodyFreed,
    CustodyRestricted,
    CustodyUnlocked,
    CustodyTaken,
)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Custody:
    """What binds one person's keys. `taken` maps a class to the erasure that took it; `erasures`, oldest first."""

    version: int = 0
    pins: Mapping[UUID, tuple[RetentionClass, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    restricted_by: UUID | None = None
    taken: Mapping[RetentionClass, UUID] = field(default_factory=lambda: MappingProxyType({}))
    kept: Mapping[RetentionClass, Kept] = field(default_factory=lambda: MappingProxyType({}))
    erasures: tuple[UUID, ...] = ()

    def holds_on(self, retention_class: RetentionClass) -> tuple[UUID, ...]:
        """The legal holds that pin a class, in the order they were placed."""
        return tuple(hold for hold, classes in self.pins.items() if retention_class in classes)

    def living(self) -> tuple[RetentionClass, ...]:
        """The classes that no erasure has taken, in the order of `RETENTION_CLASSES`."""
        return tuple(one for one in RETENTION_CLASSES if one not in self.taken)

    def bar(self, retention_class: RetentionClass, purpose: str) -> Bar | None:
        """What keeps values of a class from being used for a purpose; None when nothing does."""
        if retention_class in self.taken:
            return "erased"
        if self.restricted_by is not None and purpose not in USABLE_UNDER_RESTRICTION:
            return "restricted"
        kept = self.kept.get(retention_class)
        return None if kept is None or purpose in kept.purposes else "kept_for_other_purposes"


# --- evolve ----------------------------------------------------------------------------------------------------------


def evolve(state: Custody, decision: Decision) -> Custody:
    """What stands after one more decision."""
    state = replace(state, version=state.version + 1)
    match decision:
        case CustodyPinned():
            return replace(state, pins={**state.pins, decision.legal_hold: decision.classes})
        case CustodyFreed():
            left = {hold: on for hold, on in state.pins.items() if hold != decision.legal_hold}
            return replace(state, pins=left)
        case CustodyRestricted():
            return replace(state, restricted_by=decision.request)
        case CustodyUnlocked():
            return replace(state, restricted_by=None)
        case CustodyTaken():
            taken = {**state.taken, **dict.fromkeys(decision.classes, decision.erasure)}
            kept = {**state.kept, **{one.retention_class: one for one in decision.kept}}
            left_kept = {name: one for name, one in kept.items() if name not in taken}
            known = dict.fromkeys((*state.erasures, decision.erasure))
            return replace(state, taken=taken, kept=left_kept, erasures=tuple(known))
        case _ as unreachable:
            assert_never(unreachable)
