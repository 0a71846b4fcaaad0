"""The rules of retention that hold for a business: those it has bound, and the shipped ones for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

from application.execute import Plan, Scribe, carry_out, fold
from application.permissions import require
from application.ports import Append, Clock, EventStore, Ids
from application.recorded import Caller, Recorded
from domain import retention
from domain.access_key import Role
from domain.errors import VersionMismatch
from domain.retention import Bound, Decision, Rule
from domain.retention_defaults import in_force
from domain.sealing import RETENTION_CLASSES, RetentionClass

WRITERS: Final[tuple[Role, ...]] = ("privacy_officer", "owner")
READERS: Final[tuple[Role, ...]] = (*WRITERS, "auditor")

Rules = Mapping[RetentionClass, tuple[Rule, ...]]


@dataclass(frozen=True, slots=True)
class BindRules:
    """Let these rules hold for a class; none: let the shipped ones hold again."""

    retention_class: RetentionClass
    rules: tuple[Rule, ...]
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class ClassRules:
    """What holds for a class, and whether the business has bound it. `version` is that of all rules together."""

    retention_class: RetentionClass
    rules: tuple[Rule, ...]
    bound: bool
    version: int


@dataclass(frozen=True, slots=True)
class RulesReceipt:
    """What holds for a class after a command, and the event that last had a part in it; None where there is none."""

    held: ClassRules
    event: UUID | None


def retention_stream(tenant: UUID) -> UUID:
    """The stream of the rules that a business has bound."""
    return uuid5(tenant, "daybook/retention")


def bound_by(store: EventStore, tenant: UUID) -> Bound:
    """What a business has bound. Sees every append that has returned."""
    return _folded(store.read(tenant, retention_stream(tenant)))


def rules_in_force(store: EventStore, tenant: UUID) -> Rules:
    """The rules that hold for each class."""
    bound = bound_by(store, tenant)
    return {one: in_force(bound, one) for one in RETENTION_CLASSES}


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Shows what holds, and binds what is to hold."""

    store: EventStore
    clock: Clock
    ids: Ids

    def in_force(self, by: Caller) -> tuple[ClassRules, ...]:
        """What holds for each class, in the order of the classes.

        Refuses: NotPermitted.
        """
        require(by, *READERS)
        bound = bound_by(self.store, by.tenant)
        return tuple(_shown(bound, one) for one in RETENTION_CLASSES)

    def bind(self, command: BindRules, by: Caller) -> RulesReceipt:
        """Bind rules for a class; what holds already decides nothing. Durable on return.

        Refuses: NotPermitted, VersionMismatch, Unacceptable (rules), InvalidState (none given, and nothing bound),
        Stale.
        """
        require(by, *WRITERS)
        stream = retention_stream(by.tenant)

        def attempt() -> Plan[RulesReceipt]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            known = self.store.read(by.tenant, stream)
            bound = _folded(known)
            if command.if_match not in (None, bound.version):
                raise VersionMismatch()
            decisions = _decided(bound, command)
            if not decisions:
                receipt = RulesReceipt(_shown(bound, command.retention_class), known[-1].event_id)
                return Plan(Append(by.tenant, scribe.at, ()), receipt)
            (decision,) = decisions
            event = scribe.record(stream, bound.version + 1, decision)
            after = retention.evolve(bound, decision)
            receipt = RulesReceipt(_shown(after, command.retention_class), event.event_id)
            return Plan(
                Append(
                    by.tenant,
                    scribe.at,
                    (event,),
                    ticket=by.ticket,
                    answer=scribe.answer(receipt),
                ),
                receipt,
            )

        return carry_out(self.store, attempt)


def _decided(bound: Bound, command: BindRules) -> tuple[Decision, ...]:
    if command.rules:
        return retention.bind(bound, command.retention_class, command.rules)
    return retention.end(bound, command.retention_class)


def _folded(events: tuple[Recorded[object], ...]) -> Bound:
    known = tuple(one for one in events if isinstance(one.decision, retention.DECISIONS))
    return fold(retention.evolve, Bound(), known)  # type: ignore[arg-type]


def _shown(bound: Bound, name: RetentionClass) -> ClassRules:
    return ClassRules(name, in_force(bound, name), name in bound.rules, bound.version)
