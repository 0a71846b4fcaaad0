"""A person's package: opened on the record, once, and put into tables with where each value comes from.

It has what the person may see: what is withheld from them is not in it, nor is who of the staff looked.
Source: GDPR Art. 15, 20; C-579/21 (staff are not named); Cal. Civ. Code 1798.130.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from application.access.access_log import Accesses, AccessRow
from application.access.reveal import Opened, Reveal, Wish
from application.answers.disclosure_reads import AsOf, Disclosures, Entry
from application.consent_log import consent_stream, records_of
from application.disclosing.conditions import Visits
from application.execute import Scribe
from application.people_known import Erasures, require_living
from application.policy.policies import PRIVACY_WRITERS
from application.portability.holdings import ALL, Part, parts_of
from application.portability.tables import Row, Table, columns
from application.ports import AgendaRow, Append, Clock, EventStore, Ids, Outcome
from application.recorded import Caller
from application.requests.steps import REQUESTS
from domain.errors import FieldError, IdentityNotVerified, RangeTooLong, Stale, UnknownReference
from domain.package import PackageFormat, PackageMade
from domain.values import Personal, from_epoch, instant_text, public_id

ROWS_MAX: Final = 100_000
PAGE_ROWS: Final = 1_000
KINDS: Final = {"profile": "subject", "booking": "booking", "consent": "consent"}


@dataclass(frozen=True, slots=True)
class Package:
    """What a person takes along; `id` is that of its record."""

    id: UUID
    subject: UUID
    made_at: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Packaging:
    """Makes packages."""

    store: EventStore
    reveal: Reveal
    erasures: Erasures
    visits: Visits
    disclosures: Disclosures
    accesses: Accesses
    clock: Clock
    ids: Ids

    def make(
        self, subject: UUID, request: UUID | None, format: PackageFormat, by: Caller
    ) -> Package:
        """Open everything that is held about a person, for handing it to them; recorded as one access.

        Refuses, on the record: NotPermitted, PurposeRequired. Refuses: NotFound, Erased, UnknownReference (request),
        IdentityNotVerified (of the request), Behind, RangeTooLong (over 100,000 rows), Unreadable, Stale.
        """
        glass = self.reveal.admit(by, Wish(ALL, subject), PRIVACY_WRITERS)
        require_living(self.store, self.erasures, by.tenant, subject)
        self._require_request(by.tenant, subject, request)
        visits = self.visits.of(by.tenant, [subject])
        parts = parts_of(self.store, by.tenant, subject, visits)
        opened = self.reveal.open(by, [part.sight for part in parts], ALL, glass)
        tables = (
            _values(list(zip(parts, opened, strict=True))),
            _bookings(visits),
            self._consents(by.tenant, subject),
            _recipients(self._shared(by.tenant, subject)),
            _accesses(self._looked(by.tenant, subject)),
        )
        rows = sum(len(table.rows) for table in tables)
        if rows > ROWS_MAX:
            raise RangeTooLong(f"A package has at most {ROWS_MAX:,} rows")
        return self._recorded(subject, request, format, tables, rows, by)

    def _require_request(self, tenant: UUID, subject: UUID, request: UUID | None) -> None:
        """Go on where the request is this person's, and it is known that they ask."""
        if request is None:
            return
        entry = self.reveal.book.entry(tenant, REQUESTS.kind, request)
        if entry is None or REQUESTS.state_of(entry).subject != subject:
            words = "This person made no such request."
            wrong = FieldError("/request_id", UnknownReference.code, words)
            raise UnknownReference(errors=(wrong,))
        if not REQUESTS.state_of(entry).is_verified:
            raise IdentityNotVerified()

    def _recorded(
        self,
        subject: UUID,
        request: UUID | None,
        format: PackageFormat,
        tables: tuple[Table, ...],
        rows: int,
        by: Caller,
    ) -> Package:
        id = self.ids.uuid()
        scribe = Scribe.begin(replace(by, ticket=None), self.clock, self.ids)
        decision = PackageMade(id, subject, request, format, len(tables), rows)
        append = Append(by.tenant, scribe.at, (scribe.record(id, 1, decision),))
        if self.store.append(append) is not Outcome.APPENDED:
            raise Stale(retry_after_seconds=1)
        return Package(id, subject, instant_text(scribe.at), tables)

    def _consents(self, tenant: UUID, subject: UUID) -> Table:
        records = records_of(self.store.read(tenant, consent_stream(subject)))
        rows = tuple(
            {
                "consent_id": public_id("consent", one.consent),
                "purpose": one.purpose,
                "decision": one.decision,
                "said_at": instant_text(one.at),
                "method": one.method,
                "expires_at": None if one.expires_at is None else instant_text(one.expires_at),
            }
            for one in records
        )
        says = columns(
            consent_id="The record",
            purpose="What it was about",
            decision="given, refused or withdrawn",
            said_at="When, UTC",
            method="How",
            expires_at="Until when it holds at most",
        )
        return Table("consents", "What you said to which purpose.", says, rows)

    def _shared(self, tenant: UUID, subject: UUID) -> Iterator[Entry]:
        as_of, after = AsOf(self.clock.now()), None
        while True:
            page = self.disclosures.of_subject(tenant, subject, "person", as_of, PAGE_ROWS, after)
            yield from page
            if len(page) < PAGE_ROWS:
                return
            after = (page[-1].row.at, page[-1].row.disclosure)

    def _looked(self, tenant: UUID, subject: UUID) -> Iterator[AccessRow]:
        now, after = self.clock.now(), None
        while True:
            page = self.accesses.about(tenant, subject, now, PAGE_ROWS, after, withheld=False)
            yield from page
            if len(page) < PAGE_ROWS:
                return
            after = (page[-1].at, page[-1].event)


def _values(parts: Sequence[tuple[Part, Opened | None]]) -> Table:
    rows: list[Row] = []
    for part, opened in parts:
        origin = {
            "source": part.source,
            "thing_id": public_id(KINDS[part.source], part.thing),
            "event_id": public_id("event", part.event.event_id),
            "since": instant_text(part.event.occurred_at),
            "policy_version": part.event.policy_version,
        }
        if opened is None:
            rows.append({**origin, "field": "*", "key": None, "value": "erased"})
            continue
        for name in part.fields:
            value = opened.get(name)
            given = value.items() if isinstance(value, dict) else [(None, value)]
            rows += [
                {**origin, "field": name, "key": key, "value": one}
                for key, one in given
                if isinstance(one, Personal)
            ]
    says = columns(
        source="Where it is kept: profile, booking, or what shows a consent",
        thing_id="Which of them",
        field="What it is",
        key="The key, where it is one of several",
        value="The value, as it was given",
        since="When it was given, UTC; of a profile the last one of a field stands",
        event_id="The event that recorded it",
        policy_version="The privacy policy in force then",
    )
    return Table("values", "Everything that you gave, and when.", says, tuple(rows))


def _bookings(visits: Sequence[AgendaRow]) -> Table:
    rows = tuple(
        {
            "booking_id": public_id("booking", row.booking),
            "service_id": public_id("service", row.service),
            "location_id": public_id("location", row.location),
            "start": instant_text(from_epoch(row.start)),
            "end": instant_text(from_epoch(row.end)),
            "status": row.status,
        }
        for row in visits
    )
    says = columns(
        booking_id="The appointment",
        service_id="For what",
        location_id="Where",
        start="From, UTC",
        end="To, UTC",
        status="How it stands",
    )
    return Table("bookings", "Your appointments.", says, rows)


def _recipients(entries: Iterator[Entry]) -> Table:
    rows = tuple(
        {
            "disclosure_id": public_id("disclosure", one.row.disclosure),
            "at": instant_text(one.row.at),
            "recipient": None if one.terms is None else one.terms.legal_name,
            "address": None if one.terms is None else one.terms.address,
            "country": one.row.country,
            "fields": "; ".join(one.row.fields),
            "purpose": one.row.purpose,
            "ground": one.row.lawful_basis or one.row.legal_trigger,
            "outcome": one.last.outcome,
        }
        for one in entries
    )
    says = columns(
        disclosure_id="The record",
        at="When, UTC",
        recipient="Who was given it",
        address="Where they are",
        country="Country",
        fields="What they were given",
        purpose="For what",
        ground="The lawful basis, or what compelled it",
        outcome="Whether it got there; unknown counts as shared",
    )
    return Table("recipients", "Who was given data about you.", says, rows)


def _accesses(found: Iterator[AccessRow]) -> Table:
    rows = tuple(
        {
            "at": instant_text(one.at),
            "what": one.kind,
            "roles": "; ".join(one.roles),
            "purpose": one.purpose,
            "fields": "; ".join(one.fields),
        }
        for one in found
    )
    says = columns(
        at="When, UTC",
        what="Whether it was granted",
        roles="In which role somebody looked",
        purpose="For what",
        fields="At what",
    )
    return Table("accesses", "Who looked at data about you.", says, rows)
