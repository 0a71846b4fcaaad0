"""Which lawful basis a purpose rests on, by jurisdiction and time.

1. A purpose has exactly one basis in a jurisdiction at any instant: the one assigned last for it, else the default.
2. A basis is switched by an event, from an instant on that does not lie before it was recorded.

Source: privacy policy, "legal grounds" (row 99 of its matrix); GDPR Art. 6(1), 13(1)(c).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, TypeAlias
from uuid import UUID

from domain import fields
from domain.errors import Refused
from domain.purposes import REGISTER, Jurisdiction, LawfulBasis, PurposeCode

SWITCHES_MAX: Final = 500


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PurposeBasisAssigned:
    """From `effective_from` on the purpose rests on `basis` in `jurisdiction`. `bases` is the purpose's own list."""

    TYPE: ClassVar[str] = "purpose.basis_assigned.v1"

    bases: UUID
    purpose: PurposeCode
    jurisdiction: Jurisdiction
    basis: LawfulBasis
    effective_from: datetime


Decision: TypeAlias = PurposeBasisAssigned
DECISIONS: Final = (PurposeBasisAssigned,)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Switch:
    """A basis that holds from an instant on."""

    jurisdiction: Jurisdiction
    basis: LawfulBasis
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class PurposeBases:
    """The bases that were assigned to one purpose, in the order in which they were."""

    id: UUID
    purpose: PurposeCode
    switches: tuple[Switch, ...]
    version: int

    def basis(self, jurisdiction: Jurisdiction, at: datetime) -> LawfulBasis | None:
        """The basis assigned for a jurisdiction at an instant; None where none was, and the default holds."""
        found: Switch | None = None
        for one in self.switches:
            if one.jurisdiction != jurisdiction or one.effective_from > at:
                continue
            if found is None or one.effective_from >= found.effective_from:
                found = one
        return None if found is None else found.basis


def evolve(standing: PurposeBases | None, decision: Decision) -> PurposeBases:
    """The list after `decision`."""
    switch = Switch(decision.jurisdiction, decision.basis, decision.effective_from)
    if standing is None:
        return PurposeBases(decision.bases, decision.purpose, (switch,), 1)
    switches = (*standing.switches, switch)
    return PurposeBases(standing.id, standing.purpose, switches, standing.version + 1)


# --- deciding --------------------------------------------------------------------------------------------------------


def basis_at(
    purpose: PurposeCode, standing: PurposeBases | None, jurisdiction: Jurisdiction, at: datetime
) -> LawfulBasis:
    """The one basis of a purpose in a jurisdiction at an instant."""
    assigned = None if standing is None else standing.basis(jurisdiction, at)
    return assigned or REGISTER[purpose].default_basis(jurisdiction)


def assign(
    standing: PurposeBases | None, wanted: PurposeBasisAssigned, at: datetime
) -> tuple[PurposeBasisAssigned, ...]:
    """Switch at `at` to the basis wanted; nothing is decided where it holds then already.

    Refuses: Unacceptable (it would hold from before `at`), Refused (500 switches are there).
    """
    if wanted.effective_from < at:
        early = "A basis is not switched for what has been."
        fields.accept(fields.fault("/effective_from", "backdated", early))
    if standing is not None and len(standing.switches) >= SWITCHES_MAX:
        raise Refused(f"A purpose is switched at most {SWITCHES_MAX} times")
    held = basis_at(wanted.purpose, standing, wanted.jurisdiction, wanted.effective_from)
    return () if held == wanted.basis and not _switched_later(standing, wanted) else (wanted,)


def _switched_later(standing: PurposeBases | None, wanted: PurposeBasisAssigned) -> bool:
    return standing is not None and any(
        one.jurisdiction == wanted.jurisdiction and one.effective_from > wanted.effective_from
        for one in standing.switches
    )
