"""What a ledger records of itself: maps of its subjects, its keys, its end, its return from a backup, its copies.

1. What happens to the record is in the record: nobody can swap a key, restore a backup or take a copy unseen.
2. A map says what it covers; no map covers less than the one before it.

*Not here*: how trees, maps and keys are made (`infrastructure/ledger`); who may ask for copies (`application/ledger`).
Source: README D7, D8; docs/ledger.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from domain.sealing import Plain

Hash = Annotated[str, Plain("base64 of SHA-256")]
LogKey = Annotated[str, Plain("a C2SP verifier key: public")]
TypeName = Annotated[str, Plain("the name of an event type, or its beginning")]
FreezeReason = Literal["key_compromised", "history_in_doubt", "moved"]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MapCommitted:
    """The map of all leaves below `covers` has this root; `previous` is the index of the map leaf before."""

    TYPE: ClassVar[str] = "ledger.map_committed.v1"

    covers: int
    keys: int
    previous: int | None
    root: Hash


@dataclass(frozen=True, slots=True)
class LogKeyAdded:
    """Checkpoints are signed by this key too, from about `from_size` on."""

    TYPE: ClassVar[str] = "ledger.key_added.v1"

    vkey: LogKey
    from_size: int


@dataclass(frozen=True, slots=True)
class LogKeyRetired:
    """Nothing beyond `last_size` is signed by this key."""

    TYPE: ClassVar[str] = "ledger.key_retired.v1"

    vkey: LogKey
    last_size: int


@dataclass(frozen=True, slots=True)
class LogFrozen:
    """The log ends: its last checkpoint covers this leaf, and nothing is signed for it after that one.

    `size` is the log's when the end was ordered; leaves that came in the same moment may stand behind this one.
    """

    TYPE: ClassVar[str] = "ledger.frozen.v1"

    reason_code: FreezeReason
    size: int


@dataclass(frozen=True, slots=True)
class LedgerRestored:
    """A database that had `found` events of this log got those up to `restored` back from the mirror."""

    TYPE: ClassVar[str] = "ledger.restored.v1"

    found: int
    restored: int


@dataclass(frozen=True, slots=True)
class LedgerExported:
    """Somebody took a copy of the entries and sealed payloads in [`first`, `past`)."""

    TYPE: ClassVar[str] = "ledger.exported.v1"

    first: int
    past: int


@dataclass(frozen=True, slots=True)
class EvidenceIssued:
    """Somebody took the evidence of one subject's history, up to the map that covers `covers` leaves."""

    TYPE: ClassVar[str] = "ledger.evidence_issued.v1"

    subject: UUID
    covers: int


@dataclass(frozen=True, slots=True)
class LedgerReplayed:
    """Somebody read the events in [`first`, `past`) one by one, or those of them that they asked for.

    That is: about `subject`; of `types` (none: of all), whole names or beginnings that end with `.*`; decided by
    `as_of`; no more than `events_max`. The log does not change, so this says exactly which events they were.
    """

    TYPE: ClassVar[str] = "ledger.replayed.v1"

    subject: UUID | None
    first: int
    past: int
    types: tuple[TypeName, ...]
    as_of: datetime | None
    events_max: int | None


Decision: TypeAlias = (
    MapCommitted
    | LogKeyAdded
    | LogKeyRetired
    | LogFrozen
    | LedgerRestored
    | LedgerExported
    | EvidenceIssued
    | LedgerReplayed
)
DECISIONS: Final = (
    MapCommitted,
    LogKeyAdded,
    LogKeyRetired,
    LogFrozen,
    LedgerRestored,
    LedgerExported,
    EvidenceIssued,
    LedgerReplayed,
)
