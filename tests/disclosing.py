"""Disclosures as events, for tests of what is told of them: appended to a store as they are, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from application.ports import Append, EventStore, Outcome
from application.recorded import Recorded
from domain.disclosure import (
    DisclosureAcknowledged,
    DisclosureAttempted,
    DisclosureDelivered,
    DisclosureFailed,
    DisclosureOpened,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureSharedOnward,
    DisclosureWithheld,
    Ground,
    Scope,
    SubjectShared,
    TagOf,
)
from domain.recipient import ContractEnded, RecipientRegistered, RecipientRevised
from domain.recipient_terms import RecipientTerms
from domain.subject import Profile, SubjectRegistered
from domain.values import Personal

BEGINNING = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def terms(name: str = "Example CRM Inc", country: str = "US", **more: Any) -> RecipientTerms:
    """A recipient's terms."""
    found: dict[str, Any] = {
        "legal_name": name,
        "address": f"1 Main Street, {country}",
        "country": country,
        "kind": "crm",
        "role": "processor",
        "permitted_purposes": ("service", "support"),
        "contract_ref": "C-1",
        "contract_from": date(2026, 1, 1),
        **more,
    }
    return RecipientTerms(**found)


@dataclass
class Disclosing:
    """One tenant's disclosures. `at` is the instant of what comes next; every event moves it on by a minute."""

    store: EventStore
    tenant: UUID
    seed: int = 0
    at: datetime = BEGINNING
    actor: str = "key_1"
    bound: Callable[[], Any] | None = None
    versions: dict[UUID, int] = field(default_factory=dict)
    events: list[Recorded[object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = Random(f"{self.seed} {self.tenant}")

    def id(self) -> UUID:
        """A new id, the same in every run."""
        return UUID(int=self._random.getrandbits(128), version=4)

    def event(
        self, stream: UUID, decision: object, purpose: str | None = None, case: str | None = None
    ) -> Recorded[object]:
        """The next event of a stream."""
        version = self.versions.get(stream, 0) + 1
        self.versions[stream] = version
        made: Recorded[object] = Recorded(
            self.tenant,
            stream,
            version,
            self.id(),
            self.at,
            self.actor,
            decision,
            purpose,
            case,
            "2026-10-01",
        )
        self.at += timedelta(minutes=1)
        return made

    def append(self, *events: Recorded[object]) -> Recorded[object]:
        """Store them at once; the first of them."""
        append = Append(self.tenant, self.at, events)
        if self.bound is None:
            assert self.store.append(append) is Outcome.APPENDED
        else:
            with self.bound():
                assert self.store.append(append) is Outcome.APPENDED
        self.events += events
        return events[0]

    def person(self, register: Callable[[UUID], object] | None = None) -> UUID:
        """A person who is known here. `register` makes their keys first."""
        subject = self.id()
        if register is not None:
            register(subject)
        profile = Profile(Personal("Ada Example"), Personal(f"{subject}@example.test"))
        self.append(self.event(subject, SubjectRegistered(subject, "booking", profile)))
        return subject

    def recipient(self, name: str = "Example CRM Inc", country: str = "US", **more: Any) -> UUID:
        """A new recipient."""
        id = self.id()
        self.append(self.event(id, RecipientRegistered(id, terms(name, country, **more))))
        return id

    def revise(self, recipient: UUID, name: str, country: str = "US", **more: Any) -> None:
        """Other terms from now on."""
        self.append(self.event(recipient, RecipientRevised(terms(name, country, **more))))

    def end(self, recipient: UUID, on: date) -> None:
        """The contract ends."""
        self.append(self.event(recipient, ContractEnded(on)))

    def persons(self, subjects: tuple[UUID, ...]) -> tuple[SubjectShared, ...]:
        """People as an event about many names them."""
        return tuple(
            SubjectShared(one, self._random.randbytes(16).hex(), None, "given") for one in subjects
        )

    def recorded(self, recipient: UUID, *subjects: UUID, **more: Any) -> UUID:
        """A disclosure that was recorded, and nothing else yet; its id."""
        event = self.record(recipient, *subjects, **more)
        self.append(event)
        return event.stream

    def record(self, recipient: UUID, *subjects: UUID, **more: Any) -> Recorded[object]:
        """The event of it, not stored."""
        id = self.id()
        fields = more.pop("fields", ("name", "email"))
        ground = more.pop("ground", Ground("contract"))
        case = more.pop("case", None)
        given: dict[str, Any] = {
            "disclosure": id,
            "recipient": recipient,
            "recipient_version": self.versions.get(recipient, 1),
            "purpose": "service",
            "ground": ground,
            "scope": Scope(fields),
            "our_role": "controller",
            "transfer": None,
            "channel": "https",
            "withheld_until": None,
            "count": len(subjects),
            "subjects": self.persons(subjects),
            **more,
        }
        decision = DisclosureRecorded(**given)
        return self.event(id, decision, decision.purpose, case)

    def attempt(self, id: UUID, attempt: int = 1) -> None:
        """An attempt begins."""
        self.append(self.event(id, DisclosureAttempted(attempt)))

    def deliver(self, id: UUID, attempt: int = 1) -> None:
        """The recipient has it."""
        self.append(self.event(id, DisclosureDelivered(attempt, 200)))

    def fail(self, id: UUID, attempt: int = 1, *, unknown: bool = False) -> None:
        """The attempt did not end well."""
        reason, shared = ("timeout", "unknown") if unknown else ("unreachable", "no")
        failed = DisclosureFailed(attempt, reason, None, shared, None)  # type: ignore[arg-type]
        self.append(self.event(id, failed))

    def stop(self, id: UUID, attempt: int = 2) -> None:
        """A rule says no before the next attempt."""
        refused = DisclosureRefused(id, None, "service", (), "no_consent", attempt, 0, ())
        self.append(self.event(id, refused))

    def refuse(self, recipient: UUID | None, *subjects: UUID, reason: str = "no_consent") -> UUID:
        """A rule says no before anything was recorded; its id."""
        id, people = self.id(), self.persons(subjects)
        refused = DisclosureRefused(
            id,
            recipient,
            "service",
            ("name",),
            reason,  # type: ignore[arg-type]
            None,
            len(people),
            people,
        )
        self.append(self.event(id, refused, "service"))
        return id

    def sent(self, recipient: UUID, *subjects: UUID, **more: Any) -> UUID:
        """A disclosure that was delivered; its id."""
        id = self.recorded(recipient, *subjects, **more)
        self.attempt(id)
        self.deliver(id)
        return id

    def withheld(self, recipient: UUID, until: datetime, *subjects: UUID, **more: Any) -> UUID:
        """A disclosure under a gag, delivered; its id. The persons stand behind tags."""
        tags = tuple(TagOf(self.id(), one) for one in subjects)
        names = [one.tag for one in tags]
        event = self.record(recipient, *names, withheld_until=until, **more)
        self.append(event, self.event(event.stream, DisclosureWithheld(event.stream, until, tags)))
        self.attempt(event.stream)
        self.deliver(event.stream)
        return event.stream

    def prolong(self, id: UUID, until: datetime) -> None:
        """The gag runs until another date."""
        told = [one.decision for one in self.events if one.stream == id]
        tags = next(one.tags for one in told if isinstance(one, DisclosureWithheld))
        self.append(self.event(id, DisclosureWithheld(id, until, tags)))

    def open(self, id: UUID, subject: UUID, tag: UUID | None = None) -> None:
        """The gag is over."""
        stream = self.id()
        self.append(self.event(stream, DisclosureOpened(id, subject, tag or self.id())))

    def acknowledge(self, id: UUID, outcome: str = "received", about: str = "disclosure") -> None:
        """The recipient answers."""
        word = DisclosureAcknowledged(about, outcome, None, verified=False)  # type: ignore[arg-type]
        self.append(self.event(id, word))

    def hand_on(self, id: UUID, to: str = "Third Party Ltd", country: str = "GB") -> None:
        """The recipient hands it on."""
        self.append(self.event(id, DisclosureSharedOnward(to, country, "service")))
