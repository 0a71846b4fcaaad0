"""What the rules of retention keep of a person: read from the streams and counts that are current at the question.

Days are UTC days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Protocol
from uuid import UUID

from application.consent_log import consent_stream, records_of
from application.disclosing.conditions import Visits
from application.holding.retention_rules import rules_in_force
from application.people.people import Holdings
from application.ports import EventStore
from domain.consent import ConsentRecord, standing_now
from domain.custody import Kept
from domain.retention import Facts, RequestsUnder, Rule, kept_of
from domain.sealing import RETENTION_CLASSES, RetentionClass


class RequestsOf(Protocol):
    """The rights requests of persons, as far as retention runs from them."""

    def under(self, tenant: UUID, subject: UUID) -> tuple[RequestsUnder, ...]:
        """How a person's requests stand, by law; none where they made none. MUST be current."""
        ...

    def askers(self, tenant: UUID, after: UUID | None, limit: int) -> Sequence[UUID]:
        """At most `limit` persons who have made requests, by id, after the given one."""
        ...


@dataclass(frozen=True, slots=True)
class FactsOfKeeping:
    """What the periods of a person run from."""

    store: EventStore
    holdings: Holdings
    visits: Visits
    requests: RequestsOf

    def common(self, tenant: UUID, subject: UUID, at: datetime) -> Facts:
        """What is the same for every class: visits, consents, requests. Refuses: Behind."""
        visits = [row.end for row in self.visits.of(tenant, [subject])]
        said = records_of(self.store.read(tenant, consent_stream(subject)))
        ended = _consent_ended(said, at)
        return Facts(
            last_visit=datetime.fromtimestamp(max(visits), UTC).date() if visits else None,
            consent_ended=ended,
            consent_stands=_stands(said, at),
            requests=self.requests.under(tenant, subject),
        )

    def of(self, tenant: UUID, subject: UUID, at: datetime) -> dict[RetentionClass, Facts]:
        """What is known of each class of which something is held. Refuses: Behind."""
        recorded: dict[str, date] = {}
        for held in self.holdings.of(tenant, subject, at):
            name, day = held.retention_class, held.last_at.date()
            recorded[name] = max(day, recorded.get(name, day))
        common = self.common(tenant, subject, at)
        return {
            name: replace(common, recorded=recorded[name])
            for name in RETENTION_CLASSES
            if name in recorded
        }


@dataclass(frozen=True, slots=True)
class RulesKeeping:
    """See the port `Keeping`: what the rules in force keep."""

    store: EventStore
    facts: FactsOfKeeping

    def kept(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> tuple[Kept, ...]:
        """See the port. Refuses: Behind."""
        rules = rules_in_force(self.store, tenant)
        standing = [rule for one in classes for rule in rules[one] if rule.exception is not None]
        # What is asked of the index has to be waited for; so it is asked only where an answer could keep something.
        if not self._may_keep(tenant, subject, standing):
            return ()
        return kept_of(rules, self.facts.of(tenant, subject, at), classes, at.date())

    def _may_keep(self, tenant: UUID, subject: UUID, standing: Sequence[Rule]) -> bool:
        if any(rule.start != "request_closed" for rule in standing):
            return True
        laws = {rule.jurisdiction for rule in standing}
        asked = self.facts.requests.under(tenant, subject) if laws else ()
        return any("other" in laws or one.law in laws for one in asked)


def _stands(said: Sequence[ConsentRecord], at: datetime) -> bool:
    standing = [standing_now(said, purpose, at) for purpose in {one.purpose for one in said}]
    return any(one is not None and one.valid for one in standing)


def _consent_ended(said: Sequence[ConsentRecord], at: datetime) -> date | None:
    """When the last consent ended that had been given: it was withdrawn, or its time was over."""
    given = {one.purpose for one in said if one.decision == "given"}
    standing = [standing_now(said, purpose, at) for purpose in given]
    ended = [one.since.date() for one in standing if one is not None and not one.valid]
    return max(ended, default=None)
