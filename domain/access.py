"""An access: someone inside opened personal data, and said why before it was shown.

1. An access is recorded before any value is opened.
2. It names fields, not values; subjects, not names; a purpose from the closed list, and a case by id.
3. What was refused is recorded too, and holds nothing that the caller made up.
4. Under a gag a tag drawn for the occasion stands in a person's place, until the gag's date has passed.

*Not here*: who may (`purposes`, and the key's roles); breaking the glass (`access_review`); handing data outside (a
disclosure).
Source: README D6, D7.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, get_args
from uuid import UUID

from domain.sealing import Plain, WithheldUnderGag

# `scope` is what a legal process demands; it may name people.
Field = Literal["name", "email", "phone", "address", "note", "metadata", "evidence", "scope"]

DenialReason = Literal[
    "role",
    "location",
    "purpose_missing",
    "purpose_unlisted",
    "purpose_refused",
    "case_missing",
    "case_malformed",
    "break_glass_unlisted",
    "break_glass_forbidden",
    "break_glass_role",
    "objected",
    "restricted",
    "kept_for_other_purposes",
    "operator_only",
]
DENIAL_REASONS: Final[tuple[DenialReason, ...]] = get_args(DenialReason)

SUBJECTS_MAX: Final = 10_000
SALT_BYTES: Final = 16
# Repeated denials of one minute are recorded at its end, and sooner at every so many.
DENIALS_AT_ONCE: Final = 1_000
_CASE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")

Purpose = Annotated[str, Plain("a code of the closed list of purposes")]
Case = Annotated[str, Plain("an id by pattern, never free text")]


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
    purpose: Purpose
    case: Case | None
    fields: tuple[Field, ...]
    count: int
    subjects: tuple[SubjectSeen, ...]


@dataclass(frozen=True, slots=True)
class AccessDenied:
    """Somebody inside was refused, `count` times since the last such event; `last_at` is the instant of the last (UTC).

    `subject` is None where nobody knows whose data it would have been, `purpose` and `case` where none was given that
    is a code or an id.
    """

    TYPE: ClassVar[str] = "access.denied.v1"

    denial: UUID
    reason: DenialReason
    purpose: Purpose | None
    case: Case | None
    subject: UUID | None
    fields: tuple[Field, ...]
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Withheld:
    """The tag under which an event speaks of a person, and that person. (The name keeps it out of their chain.)"""

    tag: UUID
    stands_for: Annotated[UUID, WithheldUnderGag()]


@dataclass(frozen=True, slots=True)
class AccessWithheld:
    """Whom the tags of an event of the same append stand for; the persons do not learn of it until `until`.

    `event` is that event's id. Only officers and auditors read this one.
    """

    TYPE: ClassVar[str] = "access.withheld.v1"

    event: UUID
    tags: tuple[Withheld, ...]
    until: datetime


@dataclass(frozen=True, slots=True)
class AccessOpened:
    """The gag's date has passed: what `event` says of `tag` was about `subject`, and is theirs to know."""

    TYPE: ClassVar[str] = "access.opened.v1"

    subject: UUID
    tag: UUID
    event: UUID


Decision: TypeAlias = AccessGranted | AccessDenied | AccessWithheld | AccessOpened
DECISIONS: Final = (AccessGranted, AccessDenied, AccessWithheld, AccessOpened)


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


def known_case(case: str | None) -> str | None:
    """The case, if it is an id; else None, so that no free text gets into the record.

    >>> known_case("T-1"), known_case("she said so"), known_case(None)
    ('T-1', None, None)
    """
    return case if case is not None and _CASE.fullmatch(case) else None


def withhold(event: UUID, tags: dict[UUID, UUID], until: datetime) -> AccessWithheld:
    """Say whom the tags of `event` stand for; `tags` maps persons to tags."""
    assert len(set(tags.values())) == len(tags), "each person has a tag of their own"
    assert set(tags).isdisjoint(tags.values()), "a tag is nobody's id"
    return AccessWithheld(
        event, tuple(Withheld(tag, person) for person, tag in tags.items()), until
    )
