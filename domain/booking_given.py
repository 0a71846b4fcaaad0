"""What a customer gives with one booking, and what it may look like.

It stays with that booking, sealed, and never overwrites the person's profile. The e-mail is in the profile alone.
Source: API "Book".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.errors import FieldError
from domain.fields import FINE, Faults, shaped
from domain.personal_text import flaws
from domain.values import Personal

NOTE_LENGTH_MAX: Final = 2_000
METADATA_KEYS_MAX: Final = 20
METADATA_VALUE_LENGTH_MAX: Final = 500
_METADATA_KEY: Final = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_POLICY_VERSION: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EXTERNAL_REF: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class PersonGiven:
    """What a customer gave with this booking. The e-mail address is in the profile alone."""

    name: Personal
    phone: Personal | None
    address: Personal | None
    note: Personal | None
    metadata: dict[str, Personal]


@dataclass(frozen=True, slots=True)
class References:
    """What a caller gives with a booking that is not about the person: ids by pattern, kept plain."""

    external_ref: str | None = None
    policy_version: str | None = None


def given_flaws(note: Personal | None, metadata: Mapping[str, Personal]) -> Faults:
    """Say what is wrong with a booking's note and metadata. An empty note is none; an empty value is a value."""
    found = list(flaws(note, "/note", NOTE_LENGTH_MAX, lines=True)) if note else []
    if len(metadata) > METADATA_KEYS_MAX:
        detail = f"It has more than {METADATA_KEYS_MAX} keys."
        found.append(FieldError("/metadata", "too_many", detail))
    for place, (key, value) in enumerate(metadata.items()):
        if not _METADATA_KEY.fullmatch(key):
            # A key that is not one may be anything, a name even: it is told by its place.
            detail = f"Key {place} is not 1 to 40 of A-Z a-z 0-9 . _ -"
            found.append(FieldError("/metadata", "malformed", detail))
        elif value:
            found += flaws(value, f"/metadata/{key}", METADATA_VALUE_LENGTH_MAX, lines=True)
    return tuple(found)


def reference_flaws(references: References) -> Faults:
    """Say what is wrong with the ids a caller gives."""
    found = FINE
    if references.external_ref is not None:
        words = "It is not 1 to 64 of A-Z a-z 0-9 _ -"
        found += shaped("/external_ref", references.external_ref, _EXTERNAL_REF, words)
    if references.policy_version is not None:
        words = "It is not 1 to 64 of A-Z a-z 0-9 . _ -"
        found += shaped("/policy_version", references.policy_version, _POLICY_VERSION, words)
    return found
