"""An access: someone inside opened personal data, and said why before it was shown.

1. An access is recorded before any value is opened.
2. It names fields, not values; subjects, not names; a purpose from the closed list, and a case by id.

*Not here*: who may (`purposes`, and the key's roles); handing data outside (a disclosure).
Source: README D6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

from domain.sealing import Plain

Field = Literal["name", "email", "phone", "address", "note", "metadata"]

SUBJECTS_MAX: Final = 10_000
SALT_BYTES: Final = 16


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubjectSeen:
    """One subject among those opened; `salt` (hexadecimal) blinds it in the ledger's root of many."""

    subject: UUID
    salt: Annotated[str, Plain("random bytes in hexadecimal")]


@dataclass(frozen=True, slots=True)
class AccessGranted:
    """Fields of one or many subjects were opened for someone inside."""

    TYPE: ClassVar[str] = "access.granted.v1"

    access: UUID
    purpose: Annotated[str, Plain("a code of the closed list of purposes")]
    case: Annotated[str, Plain("an id by pattern, never free text")] | None
    fields: tuple[Field, ...]
    count: int
    subjects: tuple[SubjectSeen, ...]


Decision: TypeAlias = AccessGranted
DECISIONS: Final = (AccessGranted,)


# --- deciding --------------------------------------------------------------------------------------------------------


def grant(
    access: UUID,
    purpose: str,
    case: str | None,
    fields: tuple[Field, ...],
    subjects: tuple[SubjectSeen, ...],
) -> AccessGranted:
    """Record that `fields` of `subjects` (each once, at least one) are about to be opened under `purpose`."""
    assert 0 < len(subjects) <= SUBJECTS_MAX, "an access is about someone, and a page has a bound"
    assert len({seen.subject for seen in subjects}) == len(subjects), "each subject once"
    return AccessGranted(access, purpose, case, fields, len(subjects), subjects)
