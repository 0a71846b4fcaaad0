"""Who did we share with? About one person, to one recipient, or in a period; as of any instant.

The list is complete because data leaves through `disclose` only, which records it first. Three views of one ledger:
the *person* does not see what is withheld, and nothing else in the answer tells of it; the *officer* sees that a row is
withheld and until when; the *auditor* sees all. What is withheld opens by itself on its date, by the clock.
Nobody who works here is named to the person.
*Source*: GDPR Art. 15(1)(c), C-154/21, C-579/21; 45 CFR 164.528(a)(2); README D6, D7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic, sleep
from typing import Final
from uuid import UUID

from application.answers.disclosure_reads import (
    MODEL,
    After,
    AsOf,
    Disclosures,
    Entry,
    Totals,
    View,
    Wanted,
)
from application.consents.choices import ConsentStates
from application.ledger.reading import Checkpoint, Ledger
from application.permissions import require
from application.ports import Clock, EventStore, Positions
from application.recorded import Caller
from domain.access_key import Role
from domain.errors import NotFound, NotPermitted
from domain.subject import SubjectRegistered

OFFICERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner")
AUDITOR: Final[Role] = "auditor"
SIGNED_SECONDS_MAX: Final = 2.0
LOOK_SECONDS: Final = 0.02


OwnSubject = Callable[[Caller], UUID | None]
"""Whose own key it is: the person that a key of the role `subject` stands for; None for any other key."""


def nobody(_: Caller) -> UUID | None:
    """No key stands for a person."""
    return None


@dataclass(frozen=True, slots=True)
class Moment:
    """As of when: in event time, and in the time at which the ledger knew; None is now.

    `at_least` names an event or position to wait for.
    """

    as_of: datetime | None = None
    known_at: datetime | None = None
    at_least: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class CompleteTo:
    """Up to which position nothing is missing, and the checkpoint that covers it; None while nothing is signed."""

    position: int
    checkpoint: Checkpoint | None


@dataclass(frozen=True, slots=True)
class Withheld:
    """All that an officer is told of a row that is withheld."""

    id: UUID
    event: UUID
    position: int
    until: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """A row in full. `withheld_until` for those who see it all the same; `consent_now` where a person was asked about.

    `names_staff` says that whoever asks may learn who did it.
    """

    entry: Entry
    withheld_until: datetime | None
    consent_now: str | None
    names_staff: bool


Shown = Withheld | Told


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a list: `next` goes in as `after`, None at the end. `reached` is the read model's position."""

    rows: tuple[Shown, ...]
    next: After | None
    complete_to: CompleteTo
    reached: int


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """The answer about one person: its totals are of all rows, whatever part of them is shown."""

    view: View
    totals: Totals
    part: Part


@dataclass(frozen=True, slots=True)
class DisclosureAnswers:
    """Answers from the read model `disclosures`. Nothing is opened, and so nothing is recorded."""

    disclosures: Disclosures
    positions: Positions
    ledger: Ledger
    store: EventStore
    consents: ConsentStates
    clock: Clock
    own: OwnSubject = nobody
    # For a person's own view, where a gag that was prolonged a moment ago counts: never a replica's.
    for_persons: DisclosureAnswers | None = None

    def about(
        self,
        subject: UUID,
        view: View | None,
        moment: Moment,
        limit: int,
        after: After | None,
        by: Caller,
    ) -> PersonAnswer:
        """Who was given data of one person, in the view asked for; None is the widest of the caller's trade.

        Refuses: NotPermitted (the view is not the caller's), UnknownReference (at_least), Behind, NotFound.
        """
        chosen = self._view(subject, view, by)
        if chosen == "person" and self.for_persons is not None:
            return self.for_persons.about(subject, chosen, moment, limit, after, by)
        as_of, reached, complete_to = self._bounds(moment, by)
        totals = self.disclosures.totals(by.tenant, subject, chosen, as_of)
        if not totals.rows and not exists(self.store, by.tenant, subject):
            raise NotFound()
        found = self.disclosures.of_subject(by.tenant, subject, chosen, as_of, limit + 1, after)
        now = self._consents_now(by.tenant, found[:limit])
        part = _part(found, limit, chosen, as_of, now)
        return PersonAnswer(chosen, totals, replace(part, complete_to=complete_to, reached=reached))

    def to_recipient(
        self, recipient: UUID, moment: Moment, limit: int, after: After | None, by: Caller
    ) -> Part:
        """All that a recipient was given, and what it was refused.

        Refuses: NotPermitted, UnknownReference (at_least), Behind, NotFound (no such recipient).
        """
        require(by, *OFFICERS, AUDITOR)
        bounds = self._bounds(moment, by)
        if self.disclosures.recipient(by.tenant, recipient) is None:
            raise NotFound()
        return self._page(Wanted(recipient=recipient), bounds, limit, after, by)

    def wanted(
        self, wanted: Wanted, moment: Moment, limit: int, after: After | None, by: Caller
    ) -> Part:
        """The disclosures and refusals of the business that are wanted.

        An officer's list that is narrowed by anything but time leaves out what is withheld: to be in it would tell to
        whom, or why. Refuses: NotPermitted, UnknownReference (at_least), Behind.
        """
        require(by, *OFFICERS, AUDITOR)
        return self._page(wanted, self._bounds(moment, by), limit, after, by)

    def _page(
        self,
        wanted: Wanted,
        bounds: tuple[AsOf, int, CompleteTo],
        limit: int,
        after: After | None,
        by: Caller,
    ) -> Part:
        as_of, reached, complete_to = bounds
        view: View = "auditor" if AUDITOR in by.roles else "officer"
        found = self.disclosures.page(
            by.tenant,
            wanted,
            as_of,
            limit + 1,
            after,
            with_withheld=view == "auditor" or not wanted.tells,
        )
        part = _part(found, limit, view, as_of, {})
        return replace(part, complete_to=complete_to, reached=reached)

    def _view(self, subject: UUID, view: View | None, by: Caller) -> View:
        if by.roles.isdisjoint((*OFFICERS, AUDITOR)):
            if self.own(by) == subject and view in (None, "person"):
                return "person"
            require(by, *OFFICERS, AUDITOR)
        widest: View = "officer" if not by.roles.isdisjoint(OFFICERS) else "auditor"
        if view == "auditor" and AUDITOR not in by.roles:
            raise NotPermitted("This view takes the role auditor")
        return view or widest

    def _bounds(self, moment: Moment, by: Caller) -> tuple[AsOf, int, CompleteTo]:
        """As of when, the read model's position, and up to which position the answer is complete.

        The position is read before any row: what is read then includes at least that much.
        """
        tenant, known = by.tenant, None
        if moment.at_least is None:
            reached = self.positions.current(tenant, MODEL)
        else:
            reached = self.positions.wait(tenant, MODEL, moment.at_least)
        if moment.known_at is not None:
            known = self.disclosures.known_position(tenant, moment.known_at)
        upto = reached if known is None else min(reached, known)
        signed = self._signed(tenant, upto if moment.at_least is not None else -1)
        complete = CompleteTo(upto if signed is None else min(upto, signed.size - 1), signed)
        return AsOf(self.clock.now(), moment.as_of, known), reached, complete

    def _signed(self, tenant: UUID, position: int) -> Checkpoint | None:
        """The last checkpoint; one that covers `position`, if that comes soon."""
        deadline = monotonic() + SIGNED_SECONDS_MAX
        while True:
            found = self.ledger.checkpoint(tenant)
            if (found is not None and found.size > position) or monotonic() > deadline:
                return found
            sleep(LOOK_SECONDS)

    def _consents_now(self, tenant: UUID, entries: Sequence[Entry]) -> dict[tuple[UUID, str], str]:
        asked = {
            (one.share.subject, one.row.purpose)
            for one in entries
            if one.share is not None and one.row.purpose is not None
        }
        found = {(who, why): self.consents.at(tenant, who, why) for who, why in asked}
        return {key: "none" if state is None else state.decision for key, state in found.items()}


def exists(store: EventStore, tenant: UUID, subject: UUID) -> bool:
    """True for a person who is known here, whatever became of them since."""
    events = store.read(tenant, subject)
    return bool(events) and isinstance(events[0].decision, SubjectRegistered)


def _part(
    found: Sequence[Entry],
    limit: int,
    view: View,
    as_of: AsOf,
    consents: dict[tuple[UUID, str], str],
) -> Part:
    rows = found[:limit]
    last = rows[-1].row if len(found) > limit else None
    shown = tuple(_shown(one, view, as_of, consents) for one in rows)
    return Part(shown, (last.at, last.disclosure) if last else None, CompleteTo(-1, None), -1)


def _shown(entry: Entry, view: View, as_of: AsOf, consents: dict[tuple[UUID, str], str]) -> Shown:
    row, until = entry.row, entry.withheld_until(as_of)
    assert view != "person" or until is None, "the read model gives a person nothing withheld"
    if until is not None and view == "officer":
        return Withheld(row.disclosure, row.event, row.position, until)
    now = None
    if entry.share is not None:
        now = consents.get((entry.share.subject, row.purpose or ""), "none")
    return Told(entry, until, now, names_staff=view != "person")
