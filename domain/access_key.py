"""An access key: the right of one actor of one tenant to call, in given roles, at given locations.

1. Only the SHA-256 digest of a key's secret is kept; the key itself is shown once.
2. A revoked key stays revoked. A key that has expired is as good as none.
3. `actor` and `label` are ids that the business chose, not names of people.
4. A key that operates works at read models, which are the whole deployment's: an engineer's, good at every location.

*Not here*: how a key is written for its holder, and who may issue one, or one that operates
(`application/setup/access_keys.py`).
*Source*: README D15.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never, get_args
from uuid import UUID

from domain import fields
from domain.fields import Faults
from domain.sealing import Plain

Role = Literal[
    "owner",
    "manager",
    "staff",
    "booking",
    "privacy_officer",
    "auditor",
    "engineer",
    "corporate",
    "subject",
]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

LOCATIONS_MAX: Final = 200
_ACTOR: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ACTOR_WORDS: Final = "It is an id, not a name: at most 64 of A-Z a-z 0-9 . _ -"
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
_SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """What a key is good for.

    `location_ids` is None for a key that is good at every location, those to come included. `expires_at` is the first
    instant at which it is good no more; None never comes. `operates` is True for one with which its holder operates
    read models.
    """

    roles: tuple[Role, ...]
    actor: Annotated[
        str, Plain("an id that the business chose for whoever holds the key; not a name")
    ]
    location_ids: tuple[UUID, ...] | None = None
    expires_at: datetime | None = None
    label: Annotated[str, Plain("an id that tells keys apart; not a name")] | None = None
    operates: bool = False


@dataclass(frozen=True, slots=True)
class KeyIssued:
    """The key is good from now on."""

    TYPE: ClassVar[str] = "key.issued.v1"

    key: UUID
    terms: KeyTerms
    secret_sha256: Annotated[str, Plain("digest of 32 random bytes, in hexadecimal")]


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """The key is good no more."""

    TYPE: ClassVar[str] = "key.revoked.v1"


Decision: TypeAlias = KeyIssued | KeyRevoked
DECISIONS: Final = (KeyIssued, KeyRevoked)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key as it stands. `active` is False once it is revoked; whether it has expired is a question of the clock."""

    id: UUID
    terms: KeyTerms
    secret_sha256: str
    active: bool
    version: int


def evolve(key: AccessKey | None, decision: Decision) -> AccessKey:
    """The key after `decision`."""
    match decision:
        case KeyIssued():
            return AccessKey(
                decision.key, decision.terms, decision.secret_sha256, active=True, version=1
            )
        case KeyRevoked():
            assert key is not None, "a key is issued first"
            return replace(key, active=False, version=key.version + 1)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def issue(key: UUID, terms: KeyTerms, secret_sha256: str, at: datetime) -> tuple[KeyIssued, ...]:
    """Issue a key at the instant `at`.

    Refuses: Unacceptable (any field; an end that is not to come).
    """
    assert _SHA256_HEX.fullmatch(secret_sha256), "a digest, never the secret"
    fields.accept(_faults(terms, at))
    return (KeyIssued(key, terms, secret_sha256),)


def revoke(key: AccessKey) -> tuple[KeyRevoked, ...]:
    """Revoke a key for good; one that is revoked stays so, one that has expired is revoked all the same."""
    return (KeyRevoked(),) if key.active else ()


def is_good(key: AccessKey, at: datetime) -> bool:
    """True when the key is neither revoked nor expired at the instant `at`."""
    expires_at = key.terms.expires_at
    return key.active and (expires_at is None or at < expires_at)


def _faults(terms: KeyTerms, at: datetime) -> Faults:
    found = (
        *fields.distinct("/roles", terms.roles, 1, len(ROLES)),
        *fields.shaped("/actor", terms.actor, _ACTOR, _ACTOR_WORDS),
    )
    if terms.location_ids is not None:
        found += fields.distinct("/location_ids", terms.location_ids, 1, LOCATIONS_MAX)
    if terms.expires_at is not None and terms.expires_at <= at:
        found += fields.fault("/expires_at", "past", "It is past.")
    if terms.label is not None:
        words = "It is an id of at most 64 of A-Z a-z 0-9 . _ - and space."
        found += fields.shaped("/label", terms.label, _LABEL, words)
    if terms.operates and ("engineer" not in terms.roles or terms.location_ids is not None):
        words = "A key that operates is an engineer's, good at all locations."
        found += fields.fault("/operates", "not_an_engineer", words)
    return found
