"""What a person said, as of any event time and any known time. A read model; what stands now is in the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, cast
from uuid import UUID

from application.access.reveal import Reveal, Sight, Wish
from application.consent_log import consent_stream
from application.people_known import require_person
from application.permissions import require
from application.policy.policies import PRIVACY_READERS, PRIVACY_WRITERS
from application.ports import Clock, EventStore, Positions
from application.recorded import Caller, Recorded
from domain.consent import ConsentRecord, Method, Standing, standing_now
from domain.consent_rules import Accepted
from domain.errors import Erased, NotFound
from domain.sealing import Envelope
from domain.values import Personal

MODEL: Final = "consents"


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One record as the read model knows it. `decision` may be `rejected`; `recorded_at` is the sequencer's time."""

    consent: UUID
    subject: UUID
    purpose: str | None
    decision: str
    said_at: datetime
    method: str | None
    channel: str | None
    expires_at: datetime | None
    replaces: UUID | None
    policy: UUID | None
    policy_version: str | None
    notice_sha256: str | None
    reason: str | None
    actor: str
    event: UUID
    version: int
    recorded_at: datetime
    position: int

    def record(self) -> ConsentRecord | None:
        """What deciding knows of it; None for one that was rejected."""
        if self.decision == "rejected" or self.purpose is None:
            return None
        return ConsentRecord(
            self.consent,
            self.purpose,
            cast(Standing, self.decision),
            self.said_at,
            cast("Method | None", self.method),
            self.expires_at,
            self.replaces,
        )


class ConsentHistory(Protocol):
    """The read model `consents`: what people said. Follows the events by sequence."""

    def of(self, tenant: UUID, subject: UUID, known_at: datetime | None) -> list[ConsentRow]:
        """A person's records that were in the ledger by `known_at` (all where None), in order; at most 10,000."""
        ...


@dataclass(frozen=True, slots=True)
class ConsentsQuery:
    """As of an event time and a known time, each now where None.

    `at_least` names what must be included; where None, all that was recorded of the person is.
    """

    subject: UUID
    as_of: datetime | None = None
    known_at: datetime | None = None
    at_least: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class PurposeState:
    """What stood for one purpose, and its records up to then, oldest first."""

    purpose: str
    decision: str
    valid: bool
    since: datetime
    row: ConsentRow
    history: tuple[ConsentRow, ...]


@dataclass(frozen=True, slots=True)
class ConsentsAsOf:
    """All that a person had said, by purpose; and what came in and was not accepted."""

    as_of: datetime
    known_at: datetime | None
    states: tuple[PurposeState, ...]
    rejected: tuple[ConsentRow, ...]
    position: int


@dataclass(frozen=True, slots=True)
class ConsentWithEvidence:
    """One record's decision, and what shows it; `evidence` is None where there is none, or it was not asked for."""

    decision: Accepted
    event: UUID
    recorded_by: str
    evidence: Mapping[str, Personal] | None


@dataclass(frozen=True, slots=True)
class ConsentReads:
    """Reads what people said."""

    store: EventStore
    history: ConsentHistory
    positions: Positions
    reveal: Reveal
    clock: Clock

    def one(self, subject: UUID, id: UUID, by: Caller) -> ConsentWithEvidence:
        """One record; under a purpose with its evidence, opened on the record. Always current.

        Refuses: NotPermitted (role), NotFound (the person, the record), PurposeRequired, Erased, Unreadable.
        """
        if by.purpose is None:
            require(by, *PRIVACY_READERS)
            glass = None
        else:
            glass = self.reveal.admit(by, Wish(("evidence",), subject), PRIVACY_WRITERS)
        event, decision = self._found(subject, id, by)
        evidence = None
        if by.purpose is not None and isinstance(decision.evidence, Envelope):
            sight = Sight(subject, decision.evidence)
            (opened,) = self.reveal.open(by, [sight], ("evidence",), glass)
            if opened is None:
                raise Erased()
            shown = opened["evidence"]
            assert isinstance(shown, dict), "evidence is text by keys"
            evidence = shown
        return ConsentWithEvidence(decision, event.event_id, event.actor, evidence)

    def _found(self, subject: UUID, id: UUID, by: Caller) -> tuple[Recorded[object], Accepted]:
        for event in self.store.read(by.tenant, consent_stream(subject)):
            if isinstance(event.decision, Accepted) and event.decision.consent == id:
                return event, event.decision
        raise NotFound()

    def of(self, query: ConsentsQuery, by: Caller) -> ConsentsAsOf:
        """The state of each purpose and its history.

        Refuses: NotPermitted, NotFound (the person), UnknownReference (at_least), Behind.
        """
        require(by, *PRIVACY_READERS)
        require_person(self.store, by.tenant, query.subject)
        at_least = query.at_least
        if at_least is None and (
            known := self.store.read(by.tenant, consent_stream(query.subject))
        ):
            at_least = known[-1].event_id
        if at_least is None:
            position = self.positions.current(by.tenant, MODEL)
        else:
            position = self.positions.wait(by.tenant, MODEL, at_least)
        rows = self.history.of(by.tenant, query.subject, query.known_at)
        at = query.as_of or self.clock.now()
        # What is recorded was said, whatever clock wrote when: asked of the present, all of it counts.
        seen = rows if query.as_of is None else [row for row in rows if row.said_at <= at]
        return ConsentsAsOf(
            at,
            query.known_at,
            tuple(_states(seen, at)),
            tuple(row for row in seen if row.decision == "rejected"),
            position,
        )


def _states(rows: Sequence[ConsentRow], at: datetime) -> list[PurposeState]:
    records = [record for row in rows if (record := row.record()) is not None]
    by_id = {row.consent: row for row in rows}
    found: list[PurposeState] = []
    for purpose in sorted({record.purpose for record in records}):
        standing = standing_now(records, purpose, at)  # of the rows that were seen
        assert standing is not None, "a purpose with a record has something that stands"
        own = tuple(by_id[one.consent] for one in records if one.purpose == purpose)
        row = by_id[standing.record.consent]
        found.append(
            PurposeState(purpose, standing.decision, standing.valid, standing.since, row, own)
        )
    return found
