"""Answers of erasures. No personal data: ids, codes, instants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.http.schemas_common import Output
from application.disclosing.replies import Reply
from domain import custody, erasure, follow_up
from domain.sealing import RetentionClass


class DeferredClass(Output):
    """A class that waits for the release of a legal hold. `gagged`: the person may not be told of that hold now."""

    retention_class: RetentionClass
    legal_hold_id: str
    gagged: bool


class KeptClass(Output):
    """A class that is left under an exception: for these purposes alone, and until the end of this day."""

    retention_class: RetentionClass
    exception: custody.ExceptionCode
    statute: str
    purposes: list[str]
    until: str | None


class Erasure(Output):
    """An erasure as it stands. `destroying` and `destroyed` are classes; nobody can open what is in the latter."""

    id: str
    subject_id: str
    status: erasure.ErasureStatus
    cause: erasure.ErasureCause
    request_id: str | None
    ordered_at: str
    destroying: list[RetentionClass]
    destroyed: list[RetentionClass]
    deferred: list[DeferredClass]
    kept: list[KeptClass]


class DestroyedClass(Output):
    """A class that is gone: how many keys it had, since when nobody opens it, since when older copies are dead.

    `epoch` is the first whose key opens nothing of it; it and `complete_at` are null while older copies may live.
    """

    retention_class: RetentionClass
    keys: int
    online_at: str
    complete_at: str | None
    epoch: int | None


class RecipientTold(Output):
    """A recipient that has some of it, how it is told of the erasure, and what it last answered."""

    recipient_id: str
    legal_name: str
    disclosure_id: str
    follow_up_id: str
    fields: list[str]
    outcome: follow_up.FollowUpOutcome
    answer: Annotated[Reply | None, Field(description="Null until it has answered.")]
    answered_at: str | None


class ShownErasure(Erasure):
    """An erasure with what it did, class by class, and who was told."""

    event_id: str
    online_at: Annotated[
        str | None, Field(description="Since when nobody can open any of what is to be destroyed.")
    ]
    complete_at: Annotated[
        str | None, Field(description="Since when no older copy of its keys can either.")
    ]
    keys: int
    epoch: int | None
    classes: list[DestroyedClass]
    recipients: list[RecipientTold]


class ErasureList(Output):
    """Part of the list of erasures."""

    data: list[Erasure]
    next_cursor: str | None
