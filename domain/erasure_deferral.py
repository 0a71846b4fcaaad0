"""That an erasure waits is told to its person as soon as nothing forbids it any more.

*Not here*: the erasure, and what it waits for (`erasure`); the hold, and its gag (`legal_hold`).
*Source*: GDPR Art. 12(4), 17(3); README D7, D9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from domain.sealing import RetentionClass


@dataclass(frozen=True, slots=True)
class ErasureDeferralOpened:
    """The gag is over: `classes` waited, or wait still, for the release of a legal hold. A stream of its own.

    `deferred` is the event that said so without a word to the person.
    """

    TYPE: ClassVar[str] = "erasure.deferral_opened.v1"

    subject: UUID
    erasure: UUID
    legal_hold: UUID
    deferred: UUID
    classes: tuple[RetentionClass, ...]


DECISIONS: Final = (ErasureDeferralOpened,)
