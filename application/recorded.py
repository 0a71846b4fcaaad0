"""The envelope around a decision: who, when, why, for whom, caused by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar
from uuid import UUID

from domain.access_review import GlassReason

D = TypeVar("D", covariant=True)


@dataclass(frozen=True, slots=True)
class Recorded(Generic[D]):
    """One event: a decision, and where and how it was made.

    `version` counts from 1 within `stream`. `occurred_at` is the clock's instant (UTC). `actor` is a key's public id
    or `system:<part>`, never a person's name. `policy_version` is the privacy policy in force, where personal data is
    spoken of. `cause` is the event that led to this one.
    """

    tenant: UUID
    stream: UUID
    version: int
    event_id: UUID
    occurred_at: datetime
    actor: str
    decision: D
    purpose: str | None = None
    case: str | None = None
    policy_version: str | None = None
    cause: UUID | None = None

    @property
    def originator_id(self) -> UUID:
        """The library's name for `stream`."""
        return self.stream

    @property
    def originator_version(self) -> int:
        """The library's name for `version`."""
        return self.version


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP caller gets: kept with an idempotent call and given again to a repeated one."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Ticket:
    """The right to answer one idempotent call; `render` turns a use case's result into the answer to keep.

    `occasion` gives the id of what a call makes that cannot be one append: the same when the call is started again.
    """

    tenant: UUID
    row: UUID
    render: Callable[[object], Answer]
    occasion: Callable[[], UUID] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: one actor of one tenant, and for what purpose.

    `locations` is None for a key that is good at every location. `break_glass` is the reason for which the caller means
    to go beyond role or locations, where that is needed and the tenant allows it. `operates` is True for a key that the
    deployment's operator made for operating read models. `global_privacy_control` and
    `do_not_track` are what the person's browser said, where the call carries a person.
    """

    tenant: UUID
    actor: str
    roles: frozenset[str]
    locations: frozenset[UUID] | None = None
    purpose: str | None = None
    case: str | None = None
    ticket: Ticket | None = None
    global_privacy_control: bool = False
    do_not_track: Literal["0", "1"] | None = None
    break_glass: GlassReason | None = None
    operates: bool = False
