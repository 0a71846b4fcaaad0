"""A person's profile as it stands: what they gave when they became known, and every correction since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from application.access.reveal import Opened, Sight
from application.recorded import Recorded
from domain.access import Field
from domain.errors import Erased
from domain.sealing import Envelope
from domain.subject import SubjectCorrected, SubjectRegistered

PROFILE_FIELDS: tuple[Field, ...] = ("name", "email", "phone", "address")


def profile_sights(
    events: Sequence[Recorded[object]], as_of: datetime | None = None
) -> list[tuple[Sight, tuple[str, ...]]]:
    """What to open for a profile, oldest first, and which fields each says; `events` is the person's stream."""
    found: list[tuple[Sight, tuple[str, ...]]] = []
    for event in events:
        if as_of is not None and event.occurred_at > as_of:
            break
        match event.decision:
            case SubjectRegistered(subject, _, Envelope() as profile):
                found.append((Sight(subject, profile), PROFILE_FIELDS))
            case SubjectCorrected(subject, fields, Envelope() as correction):
                found.append((Sight(subject, correction), fields))
            case _:
                raise AssertionError("a person's stream is their profile, sealed")
    return found


def profile_of(says: Sequence[tuple[str, ...]], opened: Sequence[Opened | None]) -> Opened:
    """The values that stand, from what was opened; each part says its fields over those before.

    Refuses: Erased (the keys of any part are destroyed).
    """
    values: Opened = {}
    for fields, part in zip(says, opened, strict=True):
        if part is None:
            raise Erased()
        values |= {name: part[name] for name in fields if name in part}
    return values
