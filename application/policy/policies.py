"""Policy versions: published, notified, accepted; which is in force, and every event about a person says so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Final, cast, get_type_hints
from uuid import UUID, uuid5

from application.event_types import Decision, classify
from application.execute import Plan, Scribe, carry_out
from application.people_known import Erasures, require_living, require_person
from application.permissions import TENANT_ROLES, require
from application.ports import Append, Book, Clock, EventStore, Ids, Outcome
from application.recorded import Caller, Recorded
from application.setup.register import CreationKey, Listing, Receipt, Register
from domain import policy_version
from domain.access_key import Role
from domain.errors import FieldError, PolicyVersionExists, UnknownReference
from domain.policy_version import (
    AcceptanceMode,
    NoticeChannel,
    PolicyAccepted,
    PolicyPublished,
    PolicyVersion,
    Publication,
)
from domain.values import parse_id

POLICIES: Final = Register("policy", PolicyVersion, policy_version.evolve)
PRIVACY_WRITERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner")
PRIVACY_READERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner", "auditor")

KNOWN_FOR: Final = timedelta(seconds=1)
TENANTS_KNOWN_MAX: Final = 10_000
VERSIONS_AT_ONCE: Final = 200
ABOUT_PEOPLE: Final = ("subject", "subjects", "stands_for")


@dataclass(frozen=True, slots=True)
class Accepting:
    """A person accepts the text of a version, named by its label or id, at `accepted_at` (now where None)."""

    subject: UUID
    version: str
    mode: AcceptanceMode
    accepted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Acceptances:
    """Which text was in force at an instant, and what a person had accepted by then, oldest first."""

    at: datetime
    in_force: PolicyVersion | None
    accepted: tuple[tuple[UUID, PolicyAccepted], ...]


def policy_id(tenant: UUID, label: str) -> UUID:
    """The id, and stream, of the version with this label: a second one would be a conflict."""
    return uuid5(tenant, f"daybook/policy/{label}")


def acceptance_stream(subject: UUID) -> UUID:
    """The stream of what a person accepted."""
    return uuid5(subject, "daybook/policy/acceptances")


@dataclass(frozen=True, slots=True)
class PoliciesInForce:
    """Knows which version is in force, asking the store once a second for each tenant.

    That is exact: a version is in force two seconds after it was recorded at the earliest (`policy_version`, 2 and 3).
    """

    book: Book
    clock: Clock
    _known: dict[UUID, tuple[datetime, tuple[PolicyVersion, ...]]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def at(self, tenant: UUID, at: datetime) -> PolicyVersion | None:
        """The version in force at `at`, which is not after now; None where none is."""
        now = self.clock.now()
        known = self._known.get(tenant)
        if known is None or not timedelta() <= now - known[0] < KNOWN_FOR:
            if len(self._known) >= TENANTS_KNOWN_MAX:
                self._known.clear()
            known = self._known[tenant] = (now, self.all(tenant))
        return policy_version.in_force(known[1], at)

    def all(self, tenant: UUID) -> tuple[PolicyVersion, ...]:
        """Every version in order of publication, as it stands now."""
        found: list[PolicyVersion] = []
        after: CreationKey | None = None
        while True:
            rows = self.book.page(tenant, "policy", VERSIONS_AT_ONCE, after)
            found += [POLICIES.state_of(row) for row in rows]
            if len(rows) < VERSIONS_AT_ONCE:
                return tuple(found)
            after = rows[-1].created_at, rows[-1].id

    def find(self, tenant: UUID, named: str) -> PolicyVersion | None:
        """The version with this label, or this id; None where there is none."""
        for id in (policy_id(tenant, named), parse_id("policy", named)):
            entry = None if id is None else self.book.entry(tenant, "policy", id)
            if entry is not None:
                return POLICIES.state_of(entry)
        return None


@dataclass(frozen=True, slots=True)
class PolicyKeepingStore:
    """An event store that writes the policy version in force on every event about a person.

    An event that brings a version of its own keeps it: it is the text that the person was shown.
    """

    store: EventStore
    policies: PoliciesInForce

    def read(self, tenant: UUID, stream: UUID) -> tuple[Recorded[object], ...]:
        """See EventStore."""
        return self.store.read(tenant, stream)

    def append(self, append: Append) -> Outcome:
        """See EventStore."""
        if any(_lacks_policy(event) for event in append.events):
            events = tuple(self._kept(event) for event in append.events)
            append = replace(append, events=events)
        return self.store.append(append)

    def _kept(self, event: Recorded[object]) -> Recorded[object]:
        if not _lacks_policy(event):
            return event
        found = self.policies.at(event.tenant, event.occurred_at)
        return event if found is None else replace(event, policy_version=found.label)


def _lacks_policy(event: Recorded[object]) -> bool:
    return event.policy_version is None and speaks_of_people(
        cast("type[Decision]", type(event.decision))
    )


@cache
def speaks_of_people(decision: type[Decision]) -> bool:
    """True for decisions that name a person, or seal something of theirs."""
    hints = get_type_hints(decision, include_extras=True)
    return not set(ABOUT_PEOPLE).isdisjoint(hints) or bool(classify(decision).sealed)


@dataclass(frozen=True, slots=True)
class Policies:
    """The versions of a business's privacy policy."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids
    in_force: PoliciesInForce
    erasures: Erasures

    def publish(self, wanted: Publication, by: Caller) -> Receipt[PolicyVersion]:
        """Publish a text under a label.

        Refuses: NotPermitted, Unacceptable (fields), PolicyVersionExists.
        """
        require(by, *PRIVACY_WRITERS)
        id = policy_id(by.tenant, wanted.label)

        def decide() -> tuple[policy_version.Decision, ...]:
            first = not self.book.page(by.tenant, "policy", 1, None)
            decided = policy_version.publish(id, wanted, self.clock.now(), first=first)
            if self.book.entry(by.tenant, "policy", id) is not None:
                raise PolicyVersionExists()
            return decided

        return POLICIES.enter(self, by, id, decide)

    def notify(
        self, id: UUID, channel: NoticeChannel, notified_at: datetime, by: Caller
    ) -> Receipt[PolicyVersion]:
        """Record that people were told of a version.

        Refuses: NotPermitted, NotFound, Unacceptable (`notified_at` lies ahead), Refused (200 notices are there).
        """
        require(by, *PRIVACY_WRITERS)

        def decide(standing: PolicyVersion) -> tuple[policy_version.Decision, ...]:
            return policy_version.notify(standing, channel, notified_at, self.clock.now())

        return POLICIES.change(self, by, id, lambda _: None, decide)

    def version(self, id: UUID, by: Caller) -> tuple[PolicyVersion, str]:
        """One version and its text.

        Refuses: NotPermitted, NotFound.
        """
        require(by, *TENANT_ROLES)
        _, standing = POLICIES.find(self.book, by.tenant, id)
        first = self.store.read(by.tenant, id)[0].decision
        assert isinstance(first, PolicyPublished), "a version begins with its text"
        return standing, first.text

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[PolicyVersion]:
        """The versions in order of publication, without their texts.

        Refuses: NotPermitted.
        """
        require(by, *TENANT_ROLES)
        return POLICIES.page(self.book, by.tenant, limit, after, lambda _: True)

    def accept(self, command: Accepting, by: Caller) -> Receipt[PolicyAccepted]:
        """Record that a person accepted a text. It is no consent.

        Refuses: NotPermitted, NotFound (the person), Erased, UnknownReference (the version), Unacceptable.
        """
        require(by, *PRIVACY_WRITERS)
        require_living(self.store, self.erasures, by.tenant, command.subject)
        standing = self.in_force.find(by.tenant, command.version)
        if standing is None:
            unknown = "There is no policy version with this label."
            error = FieldError("/policy_version", UnknownReference.code, unknown)
            raise UnknownReference(errors=(error,))
        stream = acceptance_stream(command.subject)

        def attempt() -> Plan[Receipt[PolicyAccepted]]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            at = command.accepted_at or scribe.at
            decision = policy_version.accept(command.subject, standing, command.mode, at, scribe.at)
            next_version = len(self.store.read(by.tenant, stream)) + 1
            event = scribe.record(stream, next_version, decision)
            receipt = Receipt(decision, event.event_id)
            append = Append(
                by.tenant,
                scribe.at,
                (event,),
                ticket=by.ticket,
                answer=scribe.answer(receipt),
            )
            return Plan(append, receipt)

        return carry_out(self.store, attempt)

    def acceptances(self, subject: UUID, as_of: datetime | None, by: Caller) -> Acceptances:
        """Which text was in force for a person at `as_of` (now where None), and what they had accepted by then.

        Refuses: NotPermitted, NotFound.
        """
        require(by, *PRIVACY_READERS)
        require_person(self.store, by.tenant, subject)
        at = as_of or self.clock.now()
        events = self.store.read(by.tenant, acceptance_stream(subject))
        accepted = [
            (event.event_id, event.decision)
            for event in events
            if isinstance(event.decision, PolicyAccepted) and event.decision.accepted_at <= at
        ]
        versions = self.in_force.all(by.tenant)
        return Acceptances(at, policy_version.in_force(versions, at), tuple(accepted))
