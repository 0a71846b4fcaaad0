"""What a person's page shows: what is held, what they said, who was given it, who looked, and what they may ask for.

It shows what the person may see, whoever asks for it; values only under a purpose, on the record.
Source: GDPR Art. 12(1), 15; rows 95 and 96 of the policy's matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from application.access.access_log import AccessLog, AccessPage, SubjectQuery
from application.answers.disclosure_answers import DisclosureAnswers, Moment, PersonAnswer
from application.consents.history import ConsentReads, ConsentsAsOf, ConsentsQuery
from application.custody.custody_log import read_custody
from application.disclosing.conditions import Visits
from application.people.people import People, PersonHeld
from application.ports import AgendaRow, EventStore
from application.recorded import Caller
from domain.custody import Custody

SHOWN_MAX: Final = 20
MAY_ASK: Final = (
    "access",
    "portability",
    "correction",
    "erasure",
    "restriction",
    "objection",
    "opt_out",
    "account_cancellation",
)


@dataclass(frozen=True, slots=True)
class PersonPage:
    """The parts of a page; of the lists the first twenty."""

    held: PersonHeld
    consents: ConsentsAsOf
    visits: tuple[AgendaRow, ...]
    shared: PersonAnswer
    looked: AccessPage
    custody: Custody

    @property
    def may_ask(self) -> tuple[str, ...]:
        """What the person may ask for; nothing any more once they are erased."""
        return () if self.held.erased_at is not None else MAY_ASK


@dataclass(frozen=True, slots=True)
class PersonPages:
    """Puts pages together."""

    store: EventStore
    people: People
    consents: ConsentReads
    visits: Visits
    answers: DisclosureAnswers
    log: AccessLog

    def page(self, subject: UUID, by: Caller) -> PersonPage:
        """A person's page; with the values of their profile under a purpose of the caller's.

        Refuses: NotPermitted, NotFound, PurposeRequired, Behind, RangeTooLong, Unreadable.
        """
        held = self.people.show(subject, None, by)
        query = SubjectQuery(subject, view="person", limit=SHOWN_MAX)
        return PersonPage(
            held=held,
            consents=self.consents.of(ConsentsQuery(subject), by),
            visits=tuple(self.visits.of(by.tenant, [subject])[-SHOWN_MAX:]),
            shared=self.answers.about(subject, "person", Moment(), SHOWN_MAX, None, by),
            looked=self.log.about(query, by),
            custody=read_custody(self.store, by.tenant, subject),
        )
