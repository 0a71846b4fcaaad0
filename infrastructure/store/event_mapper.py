"""Between a decision in its envelope and the bytes that are stored. README D1, D5, D7.

Stored state is lines of canonical JSON: the plain payload first, then one envelope for each sealed field, in the
order of the catalogue. The header is separate (`event_header`). Values are sealed here, before anything reaches SQL.

This is the library's `Mapper`, with a typed codec instead of its transcoder: a pydantic `TypeAdapter` per event type,
written and read strictly, so that no type drifts through JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from threading import Lock
from typing import Any, Final, NotRequired, Protocol, cast
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from application.event_types import EventType, SealedField, catalogue
from application.recorded import Recorded
from domain.sealing import Envelope
from domain.values import Personal
from infrastructure.canonical import canonical, parsed
from infrastructure.keys.sealer import Place, SealedGroup, SubjectKey, seal
from infrastructure.ledger.tree.intact import StoredRow, require_row
from infrastructure.store.event_header import leaf_bytes
from infrastructure.store.upcasts import UPCASTS, Upcast, upcast

STATE_BYTES_MAX: Final = 1_048_576


class UnknownEventType(Exception):
    """An event is stored under a name that the catalogue does not have."""


class SealingKeys(Protocol):
    """Where the mapper gets the key to seal with."""

    def sealing_key(self, tenant: UUID, subject: UUID, retention_class: str) -> SubjectKey:
        """The live key of (subject, class)."""
        ...


class NoKeys:
    """For parts that record nothing about persons: whoever seals with it has made a mistake."""

    def sealing_key(self, *_: object) -> SubjectKey:
        """There is none."""
        raise AssertionError("this part has no keys, and seals nothing")


@dataclass(frozen=True, eq=False)
class HeadedEvent(StoredEvent):
    """The library's stored event, with what we store beside it. It equals any with the library's four fields."""

    tenant_id: UUID
    event_id: UUID
    header: bytes
    subjects: tuple[tuple[UUID, str], ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StoredEvent) and _kept(self) == _kept(other)

    def __hash__(self) -> int:
        return hash(_kept(self))

    @property
    def row(self) -> StoredRow:
        """What of it the ledger commits to."""
        stream = cast(UUID, self.originator_id)
        place = self.tenant_id, stream, self.originator_version
        return StoredRow(*place, self.event_id, self.topic, self.header, self.state)


def _kept(event: StoredEvent) -> tuple[UUID | str, int, str, bytes]:
    return event.originator_id, event.originator_version, event.topic, event.state


class EventMapper(Mapper[UUID]):
    """Seals and encodes decisions; decodes them with their envelopes still closed."""

    def __init__(
        self,
        keys: SealingKeys,
        types: Mapping[str, EventType] | None = None,
        upcasts: Mapping[str, Upcast] = UPCASTS,
    ) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self._keys = keys
        self._types = catalogue() if types is None else types
        self._names = {found.decision: found for found in self._types.values()}
        self._codecs = CODECS if types is None else Codecs(self._types)
        self._upcasts = upcasts

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> HeadedEvent:
        """Seal and encode. Raises TypeError (not in the catalogue), ValueError (too large)."""
        event = cast(Recorded[object], domain_event)
        try:
            found = self._names[type(event.decision)]
        except KeyError:
            raise TypeError(f"{type(event.decision).__name__} is not in the catalogue") from None
        plain = canonical(self._codecs[found.name].dump(event.decision))
        sealed = [self._seal(event, found.name, field) for field in found.sealed]
        groups = [group for group in sealed if group is not None]
        state = b"\n".join([plain, *(group.line for group in groups)])
        if len(state) > STATE_BYTES_MAX:
            raise ValueError(f"an event of {len(state)} bytes is over {STATE_BYTES_MAX}")
        return HeadedEvent(
            originator_id=event.stream,
            originator_version=event.version,
            topic=found.name,
            state=state,
            tenant_id=event.tenant,
            event_id=event.event_id,
            header=leaf_bytes(event, found.name, plain, [group.header for group in groups]),
            subjects=tuple((UUID(group.header["s"]), group.header["c"]) for group in groups),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Recorded[object]:
        """Decode; sealed fields come back as envelopes. Raises LedgerDamaged, UnknownEventType."""
        assert isinstance(stored_event, HeadedEvent)
        return self.decoded(stored_event.row)

    def decoded(self, row: StoredRow) -> Recorded[object]:
        """The same of a row as the database has it."""
        header, line, envelopes = require_row(row)
        name, plain = upcast(row.type, parsed(line), self._upcasts)
        found = self._types.get(name)
        if found is None:
            raise UnknownEventType(row.type)
        values = self._codecs[name].load(plain)
        if found.sealed:
            values |= placed(found, values, envelopes)
        cause = header.get("cause")
        return Recorded(
            row.tenant,
            row.stream,
            row.version,
            row.event_id,
            datetime.fromisoformat(header["at"]),
            header["actor"],
            found.decision(**values),
            header.get("purpose"),
            header.get("case"),
            header.get("policy"),
            None if cause is None else UUID(cause),
        )

    def names_of(self, decisions: frozenset[type]) -> list[str]:
        """Every name under which events that read as one of `decisions` may be stored."""
        names = {self._names[one].name for one in decisions}
        return sorted(names | {old for old in self._upcasts if self._newest(old) in names})

    def _newest(self, name: str) -> str:
        while (found := self._upcasts.get(name)) is not None:
            name = found.to
        return name

    def _seal(self, event: Recorded[object], name: str, field: SealedField) -> SealedGroup | None:
        group = getattr(event.decision, field.name)
        if group is None:
            return None
        assert isinstance(group, field.group), "only what has not been sealed yet can be sealed"
        subject: UUID = getattr(event.decision, field.subject_field)
        place = Place(
            event.tenant, event.stream, event.version, name, subject, field.retention_class
        )
        key = self._keys.sealing_key(event.tenant, subject, field.retention_class)
        return seal(place, key, open_group(group))


def open_group(group: object) -> dict[str, Any]:
    """A group's values as plain JSON values; fields without one are left out."""
    values = {field.name: getattr(group, field.name) for field in fields(group)}  # type: ignore[arg-type]
    return {name: _plain_text(value) for name, value in values.items() if value is not None}


def _plain_text(value: object) -> object:
    match value:
        case Personal():
            return value.open()
        case dict():
            return {str(name): _plain_text(inner) for name, inner in value.items()}
        case tuple() | list():
            return [_plain_text(inner) for inner in value]
        case _:
            return value


def placed(
    found: EventType, values: Mapping[str, Any], envelopes: Sequence[tuple[bytes, dict[str, Any]]]
) -> dict[str, Envelope | None]:
    """Each sealed field with its envelope; None for a field that had no value."""
    given = {
        (parts["subject"], parts["class"]): Envelope(line.decode()) for line, parts in envelopes
    }
    return {
        field.name: given.get((values[field.subject_field].hex, field.retention_class))
        for field in found.sealed
    }


@dataclass(frozen=True, slots=True)
class Codec:
    """Writes and reads the plain fields of one event type."""

    names: tuple[str, ...]
    adapter: TypeAdapter[dict[str, Any]]

    def dump(self, decision: object) -> dict[str, Any]:
        """Plain JSON values."""
        values = {name: getattr(decision, name) for name in self.names}
        return cast(dict[str, Any], self.adapter.dump_python(values, mode="json"))

    def load(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The fields' values, validated."""
        return self.adapter.validate_python(plain)


class Codecs:
    """The codec of each event type, made when it is first asked for: to make all of them takes 150 ms."""

    def __init__(self, types: Mapping[str, EventType] | None = None) -> None:
        self._types = types
        self._made: dict[str, Codec] = {}
        self._making = Lock()

    def __getitem__(self, name: str) -> Codec:
        """The codec of `name`. Raises KeyError."""
        made = self._made.get(name)
        if made is not None:
            return made
        with self._making:
            if name not in self._made:
                found = (catalogue() if self._types is None else self._types)[name]
                self._made[name] = make_codec(found)
            return self._made[name]


CODECS: Final = Codecs()  # those of the catalogue, for all mappers of the process


def make_codec(found: EventType) -> Codec:
    """The codec of an event type."""
    return Codec(tuple(found.plain), TypeAdapter(shape_of(found)))


def shape_of(found: EventType) -> Any:
    """The plain payload as a TypedDict. A field with a default may be missing: it is younger than some events."""
    may_lack = {
        one.name
        for one in fields(found.decision)  # type: ignore[arg-type]
        if one.default is not MISSING or one.default_factory is not MISSING
    }
    shape = {
        name: NotRequired[hint] if name in may_lack else hint for name, hint in found.plain.items()
    }
    # Made at run time, so the checker can say nothing of it.
    return TypedDict("_Plain", shape)  # type: ignore[operator]
