"""Erasure: a person's keys of some retention classes are destroyed, for good, also in every backup.

1. It is ordered once, with its fence, and the order is mirrored before anything is destroyed.
2. A class under a legal hold is deferred, and taken by itself when the last hold on it is released.
3. It is `online` when no process can open the classes; `complete` when older copies of the keys are dead too; never
   before both have been looked at.
4. No event and no read model is rewritten: what was sealed stays, and opens nowhere.
5. A class that two erasures wait for is erased once, by the first; the other records that it is gone.
6. Keys that come back with an old copy of the key database are destroyed again, and that is on record.

*Not here*: what an order takes (`erasure_orders`), what may be kept (`retention`), what pins (`custody`), telling
recipients (`follow_up`).
*Source*: GDPR Art. 17, 19; 11 CCR 7022; NIST SP 800-88r2; README D5, D9.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain.custody import Kept
from domain.sealing import Plain, RetentionClass, WithheldUnderGag

ErasureCause = Literal["request", "account_cancellation", "retention", "under_13"]
RepeatReason = Literal["keys_came_back"]
ErasureStatus = Literal["ordered", "online", "partial", "deferred", "complete"]


@dataclass(frozen=True, slots=True)
class Deferred:
    """A class that waits for the release of a legal hold."""

    retention_class: RetentionClass
    legal_hold: UUID


@dataclass(frozen=True, slots=True)
class DestroyedKey:
    """One key of (subject, class) that is gone."""

    retention_class: RetentionClass
    key: UUID


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ErasureOrdered:
    """`classes` are taken from now on; `kept` stay under exceptions.

    `through` is the instant of the fence: no value is sealed for these classes after it.
    """

    TYPE: ClassVar[str] = "erasure.ordered.v1"

    erasure: UUID
    subject: UUID
    cause: ErasureCause
    request: UUID | None
    classes: tuple[RetentionClass, ...]
    kept: tuple[Kept, ...]
    through: datetime


@dataclass(frozen=True, slots=True)
class ErasureDeferred:
    """These classes wait for the release of legal holds.

    `subject` is the person's tag; None where a hold is under a gag: the person is not told of it.
    """

    TYPE: ClassVar[str] = "erasure.deferred.v1"

    person: Annotated[UUID, WithheldUnderGag()]
    subject: UUID | None
    deferred: tuple[Deferred, ...]


@dataclass(frozen=True, slots=True)
class ErasureResumed:
    """The last hold on `classes` was released: they are taken now. `legal_hold` is None while it is under a gag."""

    TYPE: ClassVar[str] = "erasure.resumed.v1"

    subject: UUID
    legal_hold: UUID | None
    classes: tuple[RetentionClass, ...]
    through: datetime


@dataclass(frozen=True, slots=True)
class ErasureEffected:
    """The keys of `classes` are destroyed: nobody can open what was sealed under them. `buckets` were re-keyed."""

    TYPE: ClassVar[str] = "erasure.effected.v1"

    subject: UUID
    classes: tuple[RetentionClass, ...]
    keys: tuple[DestroyedKey, ...]
    buckets: int


@dataclass(frozen=True, slots=True)
class ErasureCompleted:
    """Older copies of the keys of `classes` are dead: the epoch that they were wrapped under is destroyed.

    `backup_sha256` is the digest of the first key backup of the new epoch, which was opened by a canary before.
    """

    TYPE: ClassVar[str] = "erasure.completed.v1"

    subject: UUID
    classes: tuple[RetentionClass, ...]
    epoch_destroyed: int
    epoch: int
    backup_sha256: Annotated[str, Plain("base64 of SHA-256")]


@dataclass(frozen=True, slots=True)
class ErasureRepeated:
    """Keys of `classes` live again, though they had been destroyed: they are to be destroyed again.

    An old copy of the key database was put in its place.
    """

    TYPE: ClassVar[str] = "erasure.repeated.v1"

    subject: UUID
    reason: RepeatReason
    classes: tuple[RetentionClass, ...]


@dataclass(frozen=True, slots=True)
class ErasureJoined:
    """`classes` waited for a legal hold in two erasures at once: `erasure` took them, and they are not erased twice.

    Recorded once they are `complete` there.
    """

    TYPE: ClassVar[str] = "erasure.joined.v1"

    subject: UUID
    erasure: UUID
    classes: tuple[RetentionClass, ...]


@dataclass(frozen=True, slots=True)
class ErasureCertified:
    """A certificate was made: how the erasure stood up to `version` of its stream.

    `code_sha256` is the digest of a random code that only the person is given, to know the certificate for theirs.
    """

    TYPE: ClassVar[str] = "erasure.certified.v1"

    certificate: UUID
    subject: UUID
    version: int
    body_sha256: Annotated[str, Plain("base64 of SHA-256 of the certificate's bytes")]
    code_sha256: Annotated[str, Plain("base64 of SHA-256 of 32 random bytes")]


Decision: TypeAlias = (
    ErasureOrdered
    | ErasureDeferred
    | ErasureResumed
    | ErasureEffected
    | ErasureCompleted
    | ErasureRepeated
    | ErasureJoined
    | ErasureCertified
)
DECISIONS: Final = (
    ErasureOrdered,
    ErasureDeferred,
    ErasureResumed,
    ErasureEffected,
    ErasureCompleted,
    ErasureRepeated,
    ErasureJoined,
    ErasureCertified,
)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Erasure:
    """How an erasure stands. `to_destroy` are ordered and still open; `to_seal_off` are gone online only.

    `joined` are gone for good by another erasure, which took them first.
    """

    ordered: ErasureOrdered
    version: int
    to_destroy: tuple[RetentionClass, ...]
    deferred: tuple[Deferred, ...] = ()
    online: tuple[RetentionClass, ...] = ()
    complete: tuple[RetentionClass, ...] = ()
    joined: tuple[RetentionClass, ...] = ()

    @property
    def id(self) -> UUID:
        """The id of its stream."""
        return self.ordered.erasure

    @property
    def to_seal_off(self) -> tuple[RetentionClass, ...]:
        """The classes whose older copies are not dead yet."""
        return tuple(one for one in self.online if one not in self.complete)

    @property
    def status(self) -> ErasureStatus:
        """Where it stands, in the words of the contract."""
        if self.to_destroy:
            return "ordered"
        if self.to_seal_off:
            return "online"
        if not (self.complete or self.joined) and self.deferred:
            return "deferred"
        return "partial" if self.deferred or self.ordered.kept else "complete"


# --- evolve ----------------------------------------------------------------------------------------------------------


def evolve(state: Erasure | None, decision: Decision) -> Erasure:
    """The state after one more decision; None before the first."""
    if isinstance(decision, ErasureOrdered):
        return Erasure(decision, 1, decision.classes)
    assert state is not None, "an erasure begins with its order"
    state = replace(state, version=state.version + 1)
    match decision:
        case ErasureDeferred():
            return replace(state, deferred=(*state.deferred, *decision.deferred))
        case ErasureResumed():
            left = tuple(
                one for one in state.deferred if one.retention_class not in decision.classes
            )
            return replace(state, deferred=left, to_destroy=(*state.to_destroy, *decision.classes))
        case ErasureEffected():
            left_open = tuple(one for one in state.to_destroy if one not in decision.classes)
            return replace(state, to_destroy=left_open, online=(*state.online, *decision.classes))
        case ErasureCompleted():
            return replace(state, complete=(*state.complete, *decision.classes))
        case ErasureRepeated():
            online, complete = (
                tuple(one for one in gone if one not in decision.classes)
                for gone in (state.online, state.complete)
            )
            to_destroy = (*state.to_destroy, *decision.classes)
            return replace(state, to_destroy=to_destroy, online=online, complete=complete)
        case ErasureJoined():
            waits = tuple(
                one for one in state.deferred if one.retention_class not in decision.classes
            )
            return replace(state, deferred=waits, joined=(*state.joined, *decision.classes))
        case ErasureCertified():
            return state
        case _ as unreachable:
            assert_never(unreachable)
