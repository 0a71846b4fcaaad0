"""How an event says which of its values are about a person.

A field of a decision is *plain*, *withheld* or *sealed*, and its type says which:

* sealed: `Annotated[Group | Envelope, Sealed(retention_class, subject_field)]`, where `Group` is a frozen dataclass
  of personal values. One such field becomes one envelope under the key of (subject, retention class).
* withheld: `Annotated[UUID, WithheldUnderGag()]`, wherever it stands in a field: a person whom the event names while
  they may not learn of it. It is plain, and under a name that keeps it out of the person's chain.
* plain: ids, numbers, booleans, instants, dates, `Literal` codes, and text that the field calls plain
  on purpose with `Annotated[str, Plain("why it is not about a person")]`.

Anything else is unclassified, and an unclassified field fails the build (`application/event_types.py`).
A decision that was read back from the store holds `Envelope`s where it was written with groups: folding never
needs an opened value.
Source: README D5.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

RetentionClass = Literal[
    "profile", "booking", "billing", "marketing", "device", "support", "evidence", "audit"
]
RETENTION_CLASSES: Final[tuple[RetentionClass, ...]] = get_args(RetentionClass)
_CLASS: Final = re.compile(r'\{"class":"([a-z]+)"')


@dataclass(frozen=True, slots=True)
class Sealed:
    """Marks a field as sealed under the key of (`subject_field`'s value, `retention_class`)."""

    retention_class: RetentionClass
    subject_field: str


@dataclass(frozen=True, slots=True)
class Plain:
    """Marks a text field as plain on purpose; `why` must convince a privacy officer."""

    why: str


@dataclass(frozen=True, slots=True)
class WithheldUnderGag:
    """Marks an id as that of a person who may not learn of the event yet: officers and auditors alone read it."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A sealed group of values: one line of canonical JSON that names all that is needed to open it.

    It holds the tenant, stream, version and event type it was sealed for, its subject, retention class and key id,
    the nonce and the ciphertext. A read model copies it whole.
    """

    text: str


def class_of(envelope: Envelope) -> RetentionClass | None:
    """The class under whose key a group was sealed, as its line begins; None of what is no envelope.

    >>> class_of(Envelope('{"class":"booking","ct":""}')), class_of(Envelope("{}"))
    ('booking', None)
    """
    found = _CLASS.match(envelope.text)
    return next((one for one in RETENTION_CLASSES if found and one == found[1]), None)
