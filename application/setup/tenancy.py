"""Found a tenant: the one act that no key of the tenant can do, since it makes the first ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.ports import Book, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.access_keys import KEYS, drawn_key
from application.setup.register import Register, append_of
from domain import tenant
from domain.access_key import KeyTerms, Role
from domain.tenant import Tenant
from domain.values import public_id

TENANTS: Final = Register("tenant", Tenant, tenant.evolve)

FIRST_ROLES: Final[tuple[Role, ...]] = (
    "owner",
    "privacy_officer",
    "auditor",
    "engineer",
    "corporate",
    "booking",
    "staff",
)
ORIGIN: Final = "daybook.local/ledger/<tenant>"
_TENANT_IN_ORIGIN: Final = "<tenant>"


@dataclass(frozen=True, slots=True)
class FoundedTenant:
    """A tenant at its founding, the only time that its first keys (by role, each good everywhere) are there."""

    tenant: Tenant
    event: UUID
    keys: Mapping[Role, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The tenants of a deployment. `origin` names their ledgers; `<tenant>` in it stands for the tenant's id."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids
    origin: str = ORIGIN

    def found_tenant(self, name: str, id: UUID | None = None) -> FoundedTenant:
        """Found a tenant and issue one key for each of `FIRST_ROLES`, all in one append.

        `id` is a fresh one, drawn by a caller that has to be bound to the tenant before; by default one is drawn here.

        Refuses: Unacceptable (name, origin).
        """
        id = self.ids.uuid() if id is None else id
        founder = Caller(tenant=id, actor="system:tenancy", roles=frozenset())
        origin = self.origin.replace(_TENANT_IN_ORIGIN, public_id("tenant", id))

        def attempt() -> Plan[FoundedTenant]:
            scribe = Scribe.begin(founder, self.clock, self.ids)
            founded = TENANTS.write(scribe, id, tenant.found(id, name, origin), None)
            drawn = [
                drawn_key(id, KeyTerms(roles=(role,), actor=role), scribe.at, self.ids)
                for role in FIRST_ROLES
            ]
            keys = [KEYS.write(scribe, token.key, (issued,), None) for token, issued in drawn]
            texts = {
                role: token.text() for role, (token, _) in zip(FIRST_ROLES, drawn, strict=True)
            }
            result = FoundedTenant(
                founded.state, founded.events[-1].event_id, MappingProxyType(texts)
            )
            return Plan(append_of(scribe, (founded, *keys), result), result)

        return carry_out(self.store, attempt)

    def tenant(self, id: UUID) -> Tenant:
        """One tenant.

        Refuses: NotFound.
        """
        return TENANTS.find(self.book, id, id)[1]
