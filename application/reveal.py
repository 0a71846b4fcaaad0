"""The first door: open personal data for someone inside, once it is on record who, what, whose and why.

Nothing else is given an `Opener`. The record is durable before the first value is opened; if the process dies in
between, an access is on record that nobody saw, never the other way round.
Source: README D6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.ports import Append, Clock, EventStore, Ids, Opener
from application.recorded import Caller
from domain import access
from domain.access import SALT_BYTES, Field, SubjectSeen
from domain.errors import NotPermitted
from domain.purposes import OPENING_ROLES, require_purpose
from domain.sealing import Envelope
from domain.values import Personal

Opened: TypeAlias = dict[str, Personal | dict[str, Personal] | None]


@dataclass(frozen=True, slots=True)
class Sight:
    """An envelope that someone wants to look into, and whose it is."""

    subject: UUID
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Reveal:
    """Opens sealed values for those who may see them, on the record."""

    store: EventStore
    opener: Opener
    clock: Clock
    ids: Ids

    def require(self, by: Caller) -> str:
        """The purpose, when `by` may open personal data under it.

        Refuses: NotPermitted (role), PurposeRequired.
        """
        if by.roles.isdisjoint(OPENING_ROLES):
            raise NotPermitted("No role of this key opens personal data")
        return require_purpose(by.purpose, by.case)

    def open(
        self, by: Caller, sights: Sequence[Sight], fields: tuple[Field, ...]
    ) -> list[Opened | None]:
        """Record one access to `fields` of all the subjects, then open; in the order of `sights`.

        Each has all of `fields`, None for one that its envelope lacks; None in its place where the person is erased.
        Without sights nothing is recorded, for nobody's data is seen.
        Refuses: NotPermitted (role), PurposeRequired, Unreadable.
        """
        purpose = self.require(by)
        if not sights:
            return []
        self._record(by, purpose, sights, fields)
        opened = self.opener.open(by.tenant, [sight.envelope for sight in sights])
        return [None if values is None else _chosen(values, fields) for values in opened]

    def _record(
        self, by: Caller, purpose: str, sights: Sequence[Sight], fields: tuple[Field, ...]
    ) -> None:
        id = self.ids.uuid()
        seen = tuple(
            SubjectSeen(subject, self.ids.secret()[:SALT_BYTES].hex())
            for subject in dict.fromkeys(sight.subject for sight in sights)
        )
        decision = access.grant(id, purpose, by.case, fields, seen)

        def attempt() -> Plan[None]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            event = scribe.record(id, 1, decision)
            return Plan(Append(tenant=by.tenant, at=scribe.at, events=(event,)), None)

        carry_out(self.store, attempt)


def _chosen(values: Mapping[str, object], fields: tuple[Field, ...]) -> Opened:
    return {name: _personal(values.get(name)) for name in fields}


def _personal(value: object) -> Personal | dict[str, Personal] | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {str(key): Personal(one) for key, one in value.items()}
    assert isinstance(value, str), "an envelope holds text, or text by keys"
    return Personal(value)
