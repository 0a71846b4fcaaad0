"""Keys, people and sealing in memory: envelopes hold a token, never a value; the values stay in here."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import UUID

from application.event_types import catalogue
from application.people.contacts import Claimed
from application.ports import Found, Ids
from application.recorded import Recorded
from domain.errors import Unreadable
from domain.sealing import RETENTION_CLASSES, Envelope, RetentionClass
from domain.values import Personal
from infrastructure.twin.memory_state import MemoryState

LONG_AGO: Final = datetime(2027, 1, 1, tzinfo=UTC)
_Wanted = tuple[UUID, UUID, str]


@dataclass(slots=True)
class MemoryVault:
    """The ports `People` and `Opener`, and the sealing that the memory store does before it keeps an event."""

    state: MemoryState
    ids: Ids
    keys: dict[_Wanted, UUID] = field(default_factory=dict)
    destroyed: dict[UUID, tuple[_Wanted, datetime]] = field(default_factory=dict)
    sealed: dict[str, tuple[UUID, Mapping[str, object]]] = field(default_factory=dict)
    contacts: dict[tuple[UUID, str, bytes], UUID] = field(default_factory=dict)
    index_keys: dict[UUID, bytes] = field(default_factory=dict)

    def find_or_prepare(
        self, tenant: UUID, email: str, candidate: UUID, classes: Sequence[RetentionClass]
    ) -> Found:
        """See the port."""
        with self.state.lock:
            entry = (tenant, "email", self._digest(tenant, "email", email))
            subject = self.contacts.setdefault(entry, candidate)
            self.prepare(tenant, subject, classes)
            return Found(subject, registered=(tenant, subject) in self.state.streams)

    def find(self, tenant: UUID, kind: Literal["email", "phone"], value: str) -> UUID | None:
        """See the port."""
        with self.state.lock:
            return self.contacts.get((tenant, kind, self._digest(tenant, kind, value)))

    def find_all(self, tenant: UUID, kind: Literal["email", "phone"], value: str) -> list[UUID]:
        """See the port `Contacts`."""
        digest = self._digest(tenant, kind, value)
        with self.state.lock:
            return [
                subject
                for (owner, what, key), subject in self.contacts.items()
                if (owner, what) == (tenant, kind) and key.startswith(digest)
            ]

    def claim(
        self, tenant: UUID, subject: UUID, kind: Literal["email", "phone"], value: str
    ) -> Claimed:
        """See the port `Contacts`."""
        entry = self._entry(tenant, subject, kind, value)
        with self.state.lock:
            profile = (tenant, subject, "profile")
            if profile not in self.keys and profile in {of for of, _ in self.destroyed.values()}:
                return Claimed(subject, fresh=False)
            fresh = entry not in self.contacts
            return Claimed(self.contacts.setdefault(entry, subject), fresh)

    def settle(
        self, tenant: UUID, subject: UUID, kind: Literal["email", "phone"], value: str | None
    ) -> None:
        """See the port `Contacts`."""
        kept = None if value is None else self._entry(tenant, subject, kind, value)
        with self.state.lock:
            own = [entry for entry, owner in self.contacts.items() if owner == subject]
            for entry in own:
                if entry[:2] == (tenant, kind) and entry != kept:
                    del self.contacts[entry]

    def unclaim(
        self, tenant: UUID, subject: UUID, kind: Literal["email", "phone"], value: str
    ) -> None:
        """See the port `Contacts`."""
        entry = self._entry(tenant, subject, kind, value)
        with self.state.lock:
            if self.contacts.get(entry) == subject:
                del self.contacts[entry]

    def prepare(self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass]) -> None:
        """See the port."""
        with self.state.lock:
            for name in classes:
                if (tenant, subject, name) not in self.keys:
                    self.keys[(tenant, subject, name)] = self.ids.uuid()

    def open(self, tenant: UUID, envelopes: Sequence[Envelope]) -> list[dict[str, object] | None]:
        """See the port."""
        with self.state.lock:
            return [self._open(tenant, envelope) for envelope in envelopes]

    def seal(self, event: Recorded[object]) -> Recorded[object]:
        """The event with an envelope in place of each group of values."""
        found = catalogue().get(getattr(event.decision, "TYPE", ""))
        if found is None or found.decision is not type(event.decision):
            raise TypeError(f"{type(event.decision).__name__} is not in the catalogue")
        envelopes: dict[str, Envelope] = {}
        for one in found.sealed:
            group = getattr(event.decision, one.name)
            if group is None:
                continue
            assert isinstance(group, one.group), "only what has not been sealed yet can be sealed"
            subject: UUID = getattr(event.decision, one.subject_field)
            envelopes[one.name] = self._seal(event, subject, one.retention_class, _values(group))
        return replace(event, decision=_with(event.decision, envelopes)) if envelopes else event

    def erase(self, tenant: UUID, subject: UUID, at: datetime = LONG_AGO) -> None:
        """Destroy the subject's keys, leaving tombstones; fence it; forget whose contacts they were."""
        with self.state.lock:
            for name in RETENTION_CLASSES:
                self.state.fences.setdefault((tenant, subject, name), at)
            self.destroy_keys(tenant, subject, RETENTION_CLASSES, at)

    def destroy_keys(
        self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass], at: datetime
    ) -> int:
        """Destroy keys and what was sealed under them; with `profile` what led to the subject too. How many went."""
        gone = 0
        with self.state.lock:
            for name in classes:
                key = self.keys.pop((tenant, subject, name), None)
                if key is None:
                    continue
                gone += 1
                self.destroyed[key] = ((tenant, subject, name), at)
                for token in [t for t, (id, _) in self.sealed.items() if id == key]:
                    self.sealed[token] = (key, {})
            if "profile" in classes:
                for entry in [entry for entry, owner in self.contacts.items() if owner == subject]:
                    if entry[0] == tenant:
                        del self.contacts[entry]
                        gone += 1
        return gone

    def _seal(
        self,
        event: Recorded[object],
        subject: UUID,
        retention_class: str,
        values: Mapping[str, object],
    ) -> Envelope:
        key = self.keys.setdefault((event.tenant, subject, retention_class), self.ids.uuid())
        token = self.ids.uuid().hex
        self.sealed[token] = (key, values)
        parts = {
            "class": retention_class,
            "key": key.hex,
            "stream": event.stream.hex,
            "subject": subject.hex,
            "tenant": event.tenant.hex,
            "token": token,
            "version": event.version,
        }
        return Envelope(json.dumps(parts, sort_keys=True, separators=(",", ":")))

    def _open(self, tenant: UUID, envelope: Envelope) -> dict[str, object] | None:
        try:
            parts = json.loads(envelope.text)
            token, owner, key = str(parts["token"]), UUID(parts["tenant"]), UUID(parts["key"])
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable("An envelope is damaged") from error
        if owner != tenant:
            raise Unreadable("An envelope belongs to another tenant")
        if key in self.destroyed:
            return None
        if token not in self.sealed:
            raise Unreadable("A key is missing, and nothing says that it was destroyed")
        return dict(self.sealed[token][1])

    def _entry(self, tenant: UUID, subject: UUID, kind: str, value: str) -> tuple[UUID, str, bytes]:
        """An e-mail address leads to one person, a phone number to each who has it."""
        digest = self._digest(tenant, kind, value)
        return (tenant, kind, digest if kind == "email" else digest + subject.bytes)

    def _digest(self, tenant: UUID, kind: str, value: str) -> bytes:
        key = self.index_keys.setdefault(tenant, self.ids.secret())
        return hmac.new(key, f"{kind}\n{value}".encode(), hashlib.sha256).digest()


def _values(group: object) -> dict[str, object]:
    """A group's values as plain JSON values; fields without one are left out."""
    found = {one.name: getattr(group, one.name) for one in fields(group)}  # type: ignore[arg-type]
    return {name: _plain(value) for name, value in found.items() if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, Personal):
        return value.open()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    raise TypeError("a group holds personal text, or such text by keys")


def _with(decision: object, envelopes: Mapping[str, Envelope]) -> object:
    changed: object = replace(decision, **envelopes)  # type: ignore[type-var]
    return changed
