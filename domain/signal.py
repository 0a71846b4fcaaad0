"""A preference signal that came with a call for a person, and what it does.

1. Do Not Track is recorded once for each change, as having no effect: the policy says that nothing responds to it.
2. Global Privacy Control is a refusal of sale and sharing: it is a `consent` record, method `signal`, and not here.

Source: privacy policy, "Do Not Track" (row 49 of its matrix); https://www.w3.org/TR/gpc/ (row 50).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias
from uuid import UUID

SignalName = Literal["dnt"]
SignalValue = Literal["0", "1"]


@dataclass(frozen=True, slots=True)
class SignalSeen:
    """A signal came with another value than before. It has no effect."""

    TYPE: ClassVar[str] = "signal.seen.v1"

    subject: UUID
    signal: SignalName
    value: SignalValue
    effect: Literal["none"]


Decision: TypeAlias = SignalSeen
DECISIONS: Final = (SignalSeen,)


def see(last: SignalSeen | None, subject: UUID, value: SignalValue) -> tuple[SignalSeen, ...]:
    """Record the value of Do Not Track; nothing where it is the one that was seen last."""
    if last is not None and last.value == value:
        return ()
    return (SignalSeen(subject, "dnt", value, "none"),)
