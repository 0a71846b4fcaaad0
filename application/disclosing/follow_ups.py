"""Tell recipients what has become of data that they have: consent withdrawn, a profile corrected, a person erased.

Whoever got a person's data under that consent's purpose, or those fields, is told: over https by the courier, through
the same office as every delivery; others are listed as due, until their answer is recorded.
Source: GDPR Art. 7(3), 19.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from uuid import UUID

from application.consent_log import consent_stream
from application.custody.custody_log import read_custody
from application.disclosing.conditions import Sender, Sent, choice_about
from application.disclosing.facts import CORRECTED
from application.disclosing.follow_up_story import FollowUpStory, add, follow_up_id, read_follow_up
from application.disclosing.parcels import Parcels
from application.disclosing.recipients import RECIPIENTS
from application.disclosing.retries import retry_at
from application.disclosing.story import COURIER, Story, opening_stream, read_story
from application.execute import Scribe
from application.ports import Append, Book, Clock, EventStore, Ids, Outcome
from application.recorded import Caller, Recorded
from domain.disclosure import DisclosureOpened
from domain.errors import NotFound, Unavailable
from domain.follow_up import (
    Decision,
    FollowUpAbout,
    FollowUpAttempted,
    FollowUpDelivered,
    FollowUpFailed,
    FollowUpOrdered,
)
from domain.personal_fields import FIELDS
from domain.values import instant_text, public_id

WITHDRAWN: Final = "consent.withdrawn.v1"
ERASED: Final = "erasure.effected.v1"
CHANGES: Final = (WITHDRAWN, CORRECTED, ERASED)
ABOUT: Final[dict[str, FollowUpAbout]] = {
    WITHDRAWN: "withdrawal",
    CORRECTED: "correction",
    ERASED: "erasure",
}
PROFILE: Final = frozenset({"name", "email", "phone", "address"})
SEND_SECONDS_MAX: Final = 5.0


class HandedTo(Protocol):
    """Which disclosures speak of whom. It may be behind, but never behind a change that it says is due."""

    def disclosures(self, tenant: UUID, subject: UUID) -> Sequence[UUID]:
        """All disclosures that speak of `subject`, by whatever name."""
        ...


@dataclass(frozen=True, slots=True)
class FollowUps:
    """Orders follow-ups, and carries them out."""

    store: EventStore
    book: Book
    handed: HandedTo
    parcels: Parcels
    sender: Sender
    clock: Clock
    ids: Ids

    def order(self, tenant: UUID, change: UUID, stream: UUID) -> int:
        """Order what follows from the event `change`; how many were ordered. Run again, it orders nothing twice.

        A disclosure that is withheld from the person is left alone, for telling of it would betray it: what follows is
        ordered once it is opened.
        """
        events = self.store.read(tenant, stream)
        found = next((one for one in events if one.event_id == change), None)
        if found is None or _type(found) not in CHANGES:
            return 0
        subject: UUID = found.decision.subject  # type: ignore[attr-defined]
        ordered = 0
        for disclosure in self.handed.disclosures(tenant, subject):
            try:
                story = read_story(self.store, tenant, disclosure)
            except NotFound:
                continue
            ordered += self._consider(found, subject, story)
        return ordered

    def make_up(self, tenant: UUID, opening: UUID, stream: UUID) -> int:
        """Order what would have followed while a disclosure was withheld, now that the event `opening` opened it.

        How many were ordered. Run again, it orders nothing twice.
        """
        events = self.store.read(tenant, stream)
        found = next((one for one in events if one.event_id == opening), None)
        if found is None or not isinstance(it := found.decision, DisclosureOpened):
            return 0
        try:
            story = read_story(self.store, tenant, it.disclosure)
        except NotFound:
            return 0
        since = story.first.occurred_at
        changes = [one for one in self._changes(tenant, it.subject) if one.occurred_at >= since]
        return sum(self._consider(one, it.subject, story) for one in changes)

    def _changes(self, tenant: UUID, subject: UUID) -> Iterator[Recorded[object]]:
        """Everything that recipients of a person's data have to be told of."""
        erasures = read_custody(self.store, tenant, subject).erasures
        for stream in (consent_stream(subject), subject, *erasures):
            for event in self.store.read(tenant, stream):
                if _type(event) in CHANGES:
                    yield event

    def _consider(self, change: Recorded[object], subject: UUID, story: Story) -> bool:
        """Order the follow-up of a change, if the disclosure is concerned and not withheld any more."""
        if story.state.recorded.withheld_until is not None:
            opened = opening_stream(change.tenant, story.named(subject))
            if not self.store.read(change.tenant, opened):
                return False
        recipient = RECIPIENTS.find(self.book, change.tenant, story.state.recorded.recipient)[1]
        fields = concerned(change, story, recipient.terms.vendor)
        return bool(fields) and self._order(change, subject, story, fields)

    def _order(
        self, change: Recorded[object], subject: UUID, story: Story, fields: tuple[str, ...]
    ) -> bool:
        it, tenant = story.state.recorded, change.tenant
        withdrawn = _type(change) == WITHDRAWN
        consents = {one.subject: one.consent for one in it.subjects}
        named = story.named(subject)
        recipient = RECIPIENTS.find(self.book, tenant, it.recipient)[1]
        id = follow_up_id(tenant, change.event_id, it.disclosure)
        decision = FollowUpOrdered(
            follow_up=id,
            disclosure=it.disclosure,
            recipient=it.recipient,
            subject=subject,
            about=ABOUT[_type(change)],
            purpose=it.purpose,
            fields=fields,
            consent=consents.get(named) if withdrawn else None,
            channel=recipient.terms.delivery.kind,
        )
        scribe = Scribe.begin(_courier(tenant), self.clock, self.ids)
        event = scribe.record(id, 1, decision, cause=change.event_id)
        return self.store.append(Append(tenant, scribe.at, (event,))) is Outcome.APPENDED

    def carry(self, tenant: UUID, id: UUID, lost_after: timedelta) -> bool:
        """Tell a recipient whose machine takes deliveries, if it is due; True when something was done.

        Refuses: NotFound, Stale.
        """
        story, by = read_follow_up(self.store, tenant, id), _courier(tenant)
        state, now = story.state, self.clock.now()
        if state.is_over or state.ordered.channel == "response":
            return False
        if state.running is not None:
            return self._lost(by, story, lost_after)
        if state.retry_at is not None and now < state.retry_at:
            return False
        number = state.attempts + 1
        if not self._begin(by, story, number):
            return False
        sent = self._send(tenant, story)

        def decide(standing: FollowUpStory, at: datetime) -> Decision | None:
            if standing.state.running != number:
                return None
            if sent.reason is None:
                return FollowUpDelivered(number, sent.status)
            again = retry_at(sent, number, at, self.ids)
            return FollowUpFailed(number, sent.reason, sent.status, again)

        return add(self.store, self.clock, self.ids, by, id, decide)

    def _begin(self, by: Caller, story: FollowUpStory, number: int) -> bool:
        """Record that an attempt begins, at the very version that was looked at; False when somebody was quicker."""
        scribe = Scribe.begin(by, self.clock, self.ids)
        decision, version = FollowUpAttempted(number), story.state.version + 1
        cause = story.first.event_id
        event = scribe.record(story.state.ordered.follow_up, version, decision, cause=cause)
        return self.store.append(Append(by.tenant, scribe.at, (event,))) is Outcome.APPENDED

    def _send(self, tenant: UUID, story: FollowUpStory) -> Sent:
        it = story.state.ordered
        recipient = RECIPIENTS.find(self.book, tenant, it.recipient)[1]
        if recipient.terms.delivery.kind != "https":
            return Sent("stopped")
        named = public_id("follow_up", it.follow_up)
        body: dict[str, object] = {
            "type": it.about,
            "follow_up_id": named,
            "disclosure_id": public_id("disclosure", it.disclosure),
            "recipient_id": public_id("recipient", it.recipient),
            "subject_id": public_id("subject", it.subject),
            "purpose": it.purpose,
            "fields": list(it.fields),
            "ordered_at": instant_text(story.first.occurred_at),
        }
        try:
            ticket = self.parcels.ticket(tenant, named, recipient, body)
        except Unavailable:
            return Sent("stopped")
        return self.sender.send(ticket, SEND_SECONDS_MAX)

    def _lost(self, by: Caller, story: FollowUpStory, after: timedelta) -> bool:
        running = story.state.running

        def decide(standing: FollowUpStory, at: datetime) -> Decision | None:
            if standing.state.running != running or running is None:
                return None
            if at < standing.begun_at + after:
                return None
            again = retry_at(Sent("lost"), running, at, self.ids)
            return FollowUpFailed(running, "lost", None, again)

        return add(self.store, self.clock, self.ids, by, story.state.ordered.follow_up, decide)


def concerned(change: Recorded[object], story: Story, vendor: str | None = None) -> tuple[str, ...]:
    """The fields of a disclosure that a change concerns; none where its recipient need not be told.

    A withdrawal concerns all that was handed over for its purpose on the ground of consent, a correction the profile's
    fields that were, an erasure what is of its classes. To an analytics vendor, `vendor`, withdrawing the choice about
    it concerns all that it got, on whatever ground. Nothing is concerned that never left.
    """
    it, state = story.state.recorded, story.state
    if state.attempts == 0 or state.outcome == "refused":
        return ()
    decision: Any = change.decision
    if _type(change) == CORRECTED:
        corrected = getattr(decision, "fields", None) or PROFILE
        return tuple(one for one in it.scope.fields if one in PROFILE and one in corrected)
    if _type(change) == ERASED:
        classes = decision.classes
        return tuple(one for one in it.scope.fields if FIELDS[one].retention_class in classes)
    if vendor is not None and decision.purpose == choice_about(vendor):
        return it.scope.fields
    seen = {one.subject: one.consent_at_send for one in it.subjects}
    named = story.named(decision.subject)
    by_consent = it.ground.lawful_basis == "consent" or seen.get(named) == "given"
    return it.scope.fields if by_consent and decision.purpose == it.purpose else ()


def _courier(tenant: UUID) -> Caller:
    return Caller(tenant, COURIER, frozenset())


def _type(event: Recorded[object]) -> str:
    return str(getattr(event.decision, "TYPE", ""))
