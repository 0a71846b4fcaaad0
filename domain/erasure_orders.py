"""What an order to erase takes, what of it waits, and who goes on when a hold is released. See `erasure`.

*Source*: GDPR Art. 17, 19; README D9.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.custody import Custody, Kept
from domain.erasure import (
    Deferred,
    Erasure,
    ErasureCause,
    ErasureDeferred,
    ErasureJoined,
    ErasureOrdered,
    ErasureResumed,
)
from domain.sealing import RetentionClass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be erased, and why. `kept` is what the retention rules leave (`retention.kept_of`)."""

    erasure: UUID
    subject: UUID
    cause: ErasureCause
    request: UUID | None
    classes: tuple[RetentionClass, ...]
    kept: tuple[Kept, ...]


def order(
    wanted: Wanted, custody: Custody, gagged: Collection[UUID], at: datetime
) -> tuple[ErasureOrdered, tuple[ErasureDeferred, ...]]:
    """Order an erasure: what is kept stays, what is pinned waits, the rest is taken. Classes taken before are left.

    `gagged` are the legal holds that the person may not know of.
    """
    keeping = {one.retention_class for one in wanted.kept}
    asked = [one for one in custody.living() if one in wanted.classes and one not in keeping]
    pinned = {name: holds[0] for name in asked if (holds := custody.holds_on(name))}
    ordered = ErasureOrdered(
        wanted.erasure,
        wanted.subject,
        wanted.cause,
        wanted.request,
        tuple(name for name in asked if name not in pinned),
        tuple(one for one in wanted.kept if one.retention_class in wanted.classes),
        at,
    )
    told = tuple(Deferred(name, hold) for name, hold in pinned.items() if hold not in gagged)
    silent = tuple(Deferred(name, hold) for name, hold in pinned.items() if hold in gagged)
    deferred = tuple(
        ErasureDeferred(wanted.subject, tag, some)
        for tag, some in ((wanted.subject, told), (None, silent))
        if some
    )
    return ordered, deferred


def resume(
    state: Erasure, custody: Custody, legal_hold: UUID | None, at: datetime
) -> ErasureResumed | None:
    """Take the deferred classes that nothing pins any more, and nobody has taken; None when there are none."""
    free: Sequence[RetentionClass] = [
        name
        for name in dict.fromkeys(one.retention_class for one in state.deferred)
        if not custody.holds_on(name) and name not in custody.taken
    ]
    if not free:
        return None
    return ErasureResumed(state.ordered.subject, legal_hold, tuple(free), at)


def joinable(state: Erasure, custody: Custody) -> dict[RetentionClass, UUID]:
    """The deferred classes that other erasures have taken, and which."""
    waits = dict.fromkeys(one.retention_class for one in state.deferred)
    return {name: by for name in waits if (by := custody.taken.get(name, state.id)) != state.id}


def join(state: Erasure, other: Erasure) -> ErasureJoined | None:
    """Wait no longer for what `other` has erased for good; None where that is nothing."""
    waits = dict.fromkeys(one.retention_class for one in state.deferred)
    gone = tuple(name for name in waits if name in other.complete)
    return ErasureJoined(state.ordered.subject, other.id, gone) if gone else None
