"""The second door: hand personal data to a named outsider, once it is on record that all of it may be done.

    look at everything that bears on it          a rule says no: that is recorded, and nothing else happens
    record it                                    crash here: the courier looks at it, and goes on
    wait until the record is held off the database
    look at everything again, record the attempt crash here: counted as shared, and tried again
    open the values, send them                   crash here: the same
    record what became of it

The version of the stream is the lock between two who would send the same thing at once. Nothing but this and
`reveal` is given an `Opener`; nothing but this makes tickets.
Source: README D6, D7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from application.disclosing.conditions import Mirrored, Sender, Sent
from application.disclosing.facts import (
    FactsOfSending,
    Gathered,
    Wish,
    gagged_until,
)
from application.disclosing.parcels import Parcels
from application.disclosing.retries import retry_at
from application.disclosing.story import About, Story, go_on, read_story, refused_event
from application.disclosing.values import Handed, open_values
from application.execute import Scribe
from application.permissions import require, require_all_locations
from application.ports import Append, Clock, EventStore, Ids, Opener, Outcome
from application.recorded import Caller
from domain import errors
from domain.access_key import Role
from domain.disclosure import (
    Decision,
    Disclosure,
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureRecorded,
    Reason,
)
from domain.disclosure import DisclosureRefused as RefusedOnRecord
from domain.disclosure_rules import FIELDS, refusal
from domain.errors import DisclosureRefused, Erased

DISCLOSING_ROLES: Final[tuple[Role, ...]] = ("privacy_officer",)
MIRROR_SECONDS_MAX: Final = 10.0
SEND_SECONDS_MAX: Final = 5.0
KEY_GOOD_FOR: Final = timedelta(hours=24)  # an Idempotency-Key


@dataclass(frozen=True, slots=True)
class HandOver:
    """Hand over what `wish` says; the persons do not learn of it before `withhold_until`."""

    wish: Wish
    withhold_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A disclosure as it stands after `event`; `records` is what a response hands over, None where it does not.

    `failure` says why the attempt of this call did not end well; None where it did.
    """

    id: UUID
    state: Disclosure
    event: UUID
    records: tuple[Handed, ...] | None = None
    failure: Sent | None = None


@dataclass(frozen=True, slots=True)
class Disclose:
    """Hands personal data over."""

    store: EventStore
    opener: Opener
    facts: FactsOfSending
    mirrored: Mirrored
    parcels: Parcels
    sender: Sender
    clock: Clock
    ids: Ids

    def disclose(self, command: HandOver, by: Caller) -> Disclosed:
        """Hand data over now: in the answer, or by a first attempt over the network.

        Durable on return: the disclosure, and what became of the attempt. What is still to be tried, the courier tries.
        Refuses: NotPermitted, UnknownReference (recipient, subjects), Behind, Erased (nothing is recorded of it),
        DisclosureRefused (with `reason`; recorded), Unreadable, Unavailable (it was recorded, and nothing was sent).
        """
        require(by, *DISCLOSING_ROLES)
        require_all_locations(by)
        wish = command.wish
        id = self._id(by)
        if self.store.read(by.tenant, id):
            return self._begun_before(replace(by, purpose=wish.purpose, case=wish.case), id)
        found = self.facts.gather(by.tenant, wish)
        if found.erased:
            raise Erased()
        by = replace(by, purpose=wish.purpose, case=wish.case)
        until = gagged_until(command.withhold_until, found.gag_until, found.facts.at)
        about = About.draw(self.ids, found.facts.subjects, until)
        if (reason := refusal(found.facts)) is not None:
            raise self._refused(by, wish, about, reason, id)
        self._record(by, wish, found, about, id)
        return self.attempt(by, id)

    def _id(self, by: Caller) -> UUID:
        """The id of what a call makes: of an idempotent one the same each time, for as long as its key is good."""
        if by.ticket is None or by.ticket.occasion is None:
            return self.ids.uuid()
        id = by.ticket.occasion()
        known = self.store.read(by.tenant, id)
        is_spent = bool(known) and self.clock.now() - known[0].occurred_at >= KEY_GOOD_FOR
        return self.ids.uuid() if is_spent else id

    def _begun_before(self, by: Caller, id: UUID) -> Disclosed:
        """Go on where an earlier run of the same call died: with what it recorded, or to what it was refused for."""
        first = self.store.read(by.tenant, id)[0].decision
        if isinstance(first, RefusedOnRecord):
            raise _told(first.reason, id)
        return self.attempt(by, id)

    def attempt(self, by: Caller, id: UUID) -> Disclosed:
        """The next attempt at a disclosure that was recorded, after all checks again; none where it is over.

        Refuses: NotFound, DisclosureRefused (recorded), Stale (somebody else is at it), Behind, Erased, Unavailable.
        """
        story = read_story(self.store, by.tenant, id)
        if story.state.running is not None:
            raise errors.Stale("An attempt is running", retry_after_seconds=1)
        if story.state.is_over:
            return Disclosed(id, story.state, story.last)
        if not self.mirrored.wait(by.tenant, story.first.event_id, MIRROR_SECONDS_MAX):
            self._give_up_response(by, story)
            words = "The record is not held off the database yet; nothing was sent"
            raise errors.Unavailable(words, retry_after_seconds=5)
        found = self.facts.gather(by.tenant, story.wish())
        if found.erased:
            raise self._stopped(by, story, "erased")
        if (reason := refusal(found.facts)) is not None:
            raise self._stopped(by, story, reason)
        number = self._begin(by, story)
        it, ticket = story.state.recorded, None
        try:
            handed = open_values(self.opener, by.tenant, found, it.scope.fields)
            if it.channel == "https":
                ticket = self.parcels.pack(by.tenant, story, found.recipient, handed)
        except Erased:
            raise self._stopped(by, story, "erased") from None
        except errors.Unavailable:
            self._ended(replace(by, ticket=None), id, number, Sent("stopped"))
            raise
        if ticket is None:
            return self._answered(by, id, number, handed)
        sent = self.sender.send(ticket, SEND_SECONDS_MAX)
        if sent.reason == "address_refused":
            raise self._stopped(by, story, sent.reason)
        return self._ended(by, id, number, sent)

    # --- recording ---------------------------------------------------------------------------------------------------

    def _record(self, by: Caller, wish: Wish, found: Gathered, about: About, id: UUID) -> None:
        recipient = found.recipient
        scribe = Scribe.begin(by, self.clock, self.ids)
        decision = DisclosureRecorded(
            disclosure=id,
            recipient=recipient.id,
            recipient_version=recipient.version,
            purpose=wish.purpose,
            ground=wish.ground,
            scope=wish.scope,
            our_role=found.our_role,
            transfer=recipient.terms.transfer_mechanism,
            channel=recipient.terms.delivery.kind,
            withheld_until=about.until,
            count=len(about.shared),
            subjects=about.shared,
        )
        event = scribe.record(id, 1, decision)
        self._append(Append(by.tenant, scribe.at, (event, *about.following(scribe, event, id))))

    def _begin(self, by: Caller, story: Story) -> int:
        """Record that the next attempt begins, at the very version that was looked at. Refuses: Stale."""
        number = story.state.attempts + 1
        scribe = Scribe.begin(by, self.clock, self.ids)
        event = scribe.record(
            story.state.recorded.disclosure,
            story.state.version + 1,
            DisclosureAttempted(number),
            cause=story.first.event_id,
        )
        self._append(Append(by.tenant, scribe.at, (event,)))
        return number

    def _append(self, append: Append) -> None:
        if self.store.append(append) is not Outcome.APPENDED:
            raise errors.Stale(retry_after_seconds=1)

    def _answered(self, by: Caller, id: UUID, number: int, handed: tuple[Handed, ...]) -> Disclosed:
        """It leaves with the answer: on record before the answer is."""
        kept: list[Disclosed] = []

        def result(state: Disclosure, event: UUID) -> Disclosed:
            kept[:] = [Disclosed(id, state, event, handed)]
            return kept[0]

        def decide(story: Story, _: datetime) -> DisclosureDelivered:
            if story.state.running != number:
                raise errors.Stale(retry_after_seconds=1)
            return DisclosureDelivered(number, None)

        go_on(self.store, self.clock, self.ids, by, id, decide, result)
        return kept[0]

    def _ended(self, by: Caller, id: UUID, number: int, sent: Sent) -> Disclosed:
        kept: list[Disclosed] = []

        def result(state: Disclosure, event: UUID) -> Disclosed:
            failure = None if sent.reason is None else sent
            kept[:] = [Disclosed(id, state, event, failure=failure)]
            return kept[0]

        def decide(story: Story, at: datetime) -> DisclosureDelivered | DisclosureFailed | None:
            if story.state.running != number:
                return None  # whoever took us for lost has recorded so
            if sent.reason is None:
                return DisclosureDelivered(number, sent.status)
            nobody_waits = story.state.recorded.channel == "https"
            again = retry_at(sent, number, at, self.ids) if nobody_waits else None
            return DisclosureFailed(number, sent.reason, sent.status, sent.shared, again)

        story = go_on(self.store, self.clock, self.ids, by, id, decide, result)
        return kept[0] if kept else Disclosed(id, story.state, story.last)

    def _give_up_response(self, by: Caller, story: Story) -> None:
        """A response that could not be given in time is not given later: nobody is there to take it."""
        if story.state.recorded.channel == "response":
            id = story.state.recorded.disclosure
            stopped = DisclosureFailed(0, "stopped", None, "no", None)
            go_on(self.store, self.clock, self.ids, by, id, lambda *_: stopped)

    # --- refusing ----------------------------------------------------------------------------------------------------

    def _refused(
        self, by: Caller, wish: Wish, about: About, reason: Reason, id: UUID
    ) -> DisclosureRefused:
        listed = replace(by, purpose=None) if reason == "unknown_purpose" else by
        scribe = Scribe.begin(listed, self.clock, self.ids)
        event = scribe.record(id, 1, refused_event(wish, id, reason, about, FIELDS))
        self._append(Append(by.tenant, scribe.at, (event, *about.following(scribe, event, id))))
        return _told(reason, id)

    def _stopped(self, by: Caller, story: Story, reason: Reason) -> DisclosureRefused:
        """Stop what was recorded before its next attempt."""
        it = story.state.recorded
        about = About(it.subjects, (), None)

        def decide(standing: Story, _: datetime) -> Decision | None:
            state = standing.state
            if state.outcome in ("delivered", "refused"):
                return None
            event = refused_event(standing.wish(), it.disclosure, reason, about, FIELDS)
            return replace(event, attempt=state.running or state.attempts + 1)

        go_on(self.store, self.clock, self.ids, by, it.disclosure, decide)
        return _told(reason, it.disclosure)


def _told(reason: Reason, id: UUID) -> DisclosureRefused:
    return DisclosureRefused(_WORDS[reason], reason=reason, disclosure_id=f"dis_{id.hex}")


_WORDS: Final[dict[Reason, str]] = {
    "no_consent": "A person's consent is not valid at this moment",
    "contract_expired": "The recipient's contract does not run today",
    "purpose_not_permitted": "The recipient may not be given data for this purpose",
    "opted_out": "A person opted out of this vendor",
    "restricted": "A person's data may not be used further for the time being",
    "no_transfer_mechanism": "Nothing allows the transfer to the recipient's country",
    "outside_tree": "That is outside of the recipient's tree at that time",
    "unknown_purpose": "The purpose is not in the list of purposes",
    "unknown_field": "A field is not in the registry of personal fields",
    "no_ground": "There is no lawful basis and no legal trigger, or its citation is missing",
    "case_missing": "The purpose demands a case",
    "process_not_reviewed": "The legal process has not been reviewed, or allows no disclosure",
    "beyond_process": "That is more than the legal process was narrowed to",
    "forged_ticket": "The ticket was not made here",
    "erased": "A person has been erased",
    "address_refused": "The recipient's address may not be connected to",
}
