"""Purposes: the closed list, and the lawful basis of each by jurisdiction and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from application.execute import Plan, Scribe, carry_out
from application.permissions import TENANT_ROLES, require
from application.policy.policies import PRIVACY_WRITERS
from application.ports import Append, Book, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.register import Receipt, Register, planned
from domain import purpose_basis
from domain.purpose_basis import PurposeBases, PurposeBasisAssigned
from domain.purposes import (
    JURISDICTIONS,
    LISTED,
    Jurisdiction,
    LawfulBasis,
    Purpose,
    PurposeCode,
)

PURPOSE_BASES: Final = Register("purpose", PurposeBases, purpose_basis.evolve)


@dataclass(frozen=True, slots=True)
class AssignBasis:
    """Let a purpose rest on `basis` in a jurisdiction from an instant on (now where None)."""

    purpose: PurposeCode
    jurisdiction: Jurisdiction
    basis: LawfulBasis
    effective_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class PurposeAsOf:
    """A purpose, and what it rests on in each jurisdiction at an instant."""

    purpose: Purpose
    bases: Mapping[Jurisdiction, LawfulBasis]


def bases_id(tenant: UUID, purpose: PurposeCode) -> UUID:
    """The id, and stream, of a purpose's own list of bases."""
    return uuid5(tenant, f"daybook/purpose/{purpose}")


@dataclass(frozen=True, slots=True)
class Purposes:
    """The purposes of a business."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids

    def listed(self, as_of: datetime | None, by: Caller) -> tuple[PurposeAsOf, ...]:
        """All purposes with their bases at `as_of` (now where None).

        Refuses: NotPermitted.
        """
        require(by, *TENANT_ROLES)
        at = as_of or self.clock.now()
        wanted = [bases_id(by.tenant, one.code) for one in LISTED]
        known = {
            state.purpose: state
            for entry in self.book.entries(by.tenant, "purpose", wanted)
            if isinstance(state := entry.state, PurposeBases)
        }
        return tuple(
            PurposeAsOf(
                one,
                {
                    where: purpose_basis.basis_at(one.code, known.get(one.code), where, at)
                    for where in JURISDICTIONS
                },
            )
            for one in LISTED
        )

    def basis(
        self, tenant: UUID, purpose: PurposeCode, jurisdiction: Jurisdiction, at: datetime
    ) -> LawfulBasis:
        """The one basis that a purpose rests on in a jurisdiction at an instant; always current."""
        entry = self.book.entry(tenant, "purpose", bases_id(tenant, purpose))
        standing = None if entry is None else PURPOSE_BASES.state_of(entry)
        return purpose_basis.basis_at(purpose, standing, jurisdiction, at)

    def assign(self, command: AssignBasis, by: Caller) -> Receipt[PurposeBases] | None:
        """Switch a basis; None where it holds already, and nothing is recorded.

        Refuses: NotPermitted, Unacceptable (backdated), Refused (500 switches are there).
        """
        require(by, *PRIVACY_WRITERS)
        id = bases_id(by.tenant, command.purpose)

        def attempt() -> Plan[Receipt[PurposeBases] | None]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            entry = self.book.entry(by.tenant, "purpose", id)
            standing = None if entry is None else PURPOSE_BASES.state_of(entry)
            wanted = PurposeBasisAssigned(
                id,
                command.purpose,
                command.jurisdiction,
                command.basis,
                command.effective_from or scribe.at,
            )
            decided = purpose_basis.assign(standing, wanted, scribe.at)
            if not decided:
                return Plan(Append(by.tenant, scribe.at, ()), None)
            plan = planned(scribe, PURPOSE_BASES.write(scribe, id, decided, entry))
            return Plan(plan.append, plan.result)

        return carry_out(self.store, attempt)
