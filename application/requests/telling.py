"""How far those who got the data have been told of what a request led to. GDPR Art. 19.

Telling them is the follow-ups' affair; here it is looked up by whom and what they are about.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from application.disclosing.follow_up_story import FollowUpStory, read_follow_up
from application.disclosing.follow_ups import HandedTo
from application.ports import EventStore
from domain.erasure import ErasureEffected, ErasureOrdered
from domain.errors import NotFound
from domain.follow_up import FollowUpOutcome
from domain.privacy_request_codes import Right
from domain.privacy_request_state import PrivacyRequest

LOOKED_AT_MAX: Final = 1_000
TELLING: Final = frozenset[Right]({"correction", "erasure", "restriction", "objection", "opt_out"})


@dataclass(frozen=True, slots=True)
class Told:
    """One recipient that has to be told, and how that stands; `over_at` is when nothing more was to be tried."""

    follow_up: UUID
    recipient: UUID
    outcome: FollowUpOutcome
    over_at: datetime | None


@dataclass(frozen=True, slots=True)
class Telling:
    """Looks up who is told of what a request led to."""

    store: EventStore
    handed: HandedTo

    def of(self, state: PrivacyRequest, tenant: UUID) -> tuple[Told, ...]:
        """The recipients that are told, in no particular order; at most 1,000 are looked at."""
        changes = tuple(self._changes(state, tenant))
        if state.subject is None or not changes:
            return ()
        found: list[Told] = []
        for disclosure in self.handed.disclosures(tenant, state.subject)[:LOOKED_AT_MAX]:
            for change in changes:
                named = f"daybook/follow_up/{change.hex}/{disclosure.hex}"
                try:
                    story = read_follow_up(self.store, tenant, uuid5(tenant, named))
                except NotFound:
                    continue
                found.append(_told(story))
        return tuple(found)

    def told_at(
        self, state: PrivacyRequest, told: tuple[Told, ...], tenant: UUID
    ) -> datetime | None:
        """When the last of them was told: with what was done, where nobody has to be.

        None while somebody waits, or an erasure is still to take effect.
        """
        done = [one.decided_at for one in state.rights if one.decided_at is not None]
        if not done or any(one.over_at is None for one in told):
            return None
        for one in state.rights:
            if one.erasure is not None:
                effected = self._effected_at(tenant, one.erasure)
                if effected is None:
                    return None
                done.append(effected)
        return max([*done, *(one.over_at for one in told if one.over_at is not None)])

    def _effected_at(self, tenant: UUID, erasure: UUID) -> datetime | None:
        """When an erasure took effect; when it was ordered, where it takes nothing. None while it has not."""
        ordered, *others = self.store.read(tenant, erasure)
        at = [one.occurred_at for one in others if isinstance(one.decision, ErasureEffected)]
        takes = isinstance(ordered.decision, ErasureOrdered) and ordered.decision.classes
        return max(at, default=None if takes else ordered.occurred_at)

    def _changes(self, state: PrivacyRequest, tenant: UUID) -> Iterator[UUID]:
        for one in state.rights:
            if one.right in TELLING:
                yield from one.evidence
            if one.erasure is not None:
                yield from (event.event_id for event in self.store.read(tenant, one.erasure))


def _told(story: FollowUpStory) -> Told:
    it, answered = story.state, story.state.outcome in ("delivered", "acknowledged")
    over_at = story.events[-1].occurred_at if answered else None
    return Told(it.ordered.follow_up, it.ordered.recipient, it.outcome, over_at)
