"""The gate: what of the catalogue as the code has it breaks what is stored, and what is to be done about it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonschema_rs

from application.event_types import EventType
from infrastructure.store.upcasts import Upcast
from tools.event_catalogue.anchors import Anchors
from tools.event_catalogue.compatibility import Schema, breaks
from tools.event_catalogue.schemas import instance_of, schema_of

UPCASTS_FILE: Final = "infrastructure/store/upcasts.py"


@dataclass(frozen=True, slots=True)
class Gate:
    """What the code says, and what it must be compatible with."""

    types: Mapping[str, EventType]
    upcasts: Mapping[str, Upcast]
    anchors: Anchors

    def schemas(self) -> dict[str, Schema]:
        """The schema of every type, by name; that of a retired one as it was when it was retired."""
        found = {name: schema_of(one) for name, one in self.types.items()}
        for name in self.upcasts.keys() - found.keys():
            if kept := self.anchors.of(name):
                found[name] = kept[-1]
        return dict(sorted(found.items()))

    def faults(self, allowed: frozenset[str] = frozenset()) -> list[str]:
        """What breaks, a sentence each that says what to do. `allowed` may be remade: no event of them is anywhere."""
        schemas = self.schemas()
        found: list[str] = []
        for name in sorted(self.anchors.names() | schemas.keys()):
            if name in allowed and name not in self.anchors.released:
                continue
            schema = schemas.get(name)
            if schema is None or not self._reads(name):
                found.append(_gone(name))
            elif clauses := self._changes(name, schema):
                found.append(f"{name}: {'; '.join(clauses)}. {_remedy(name)}")
            else:
                found += [f"{name}: {one}. {_remedy(name)}" for one in self._golden(name, schema)]
        return found

    def refused(self, allowed: frozenset[str]) -> list[str]:
        """Of the types that somebody wants to remake, those that may not be."""
        return [
            f"{name} may not be remade: it has a golden event, so events of it may be stored anywhere"
            for name in sorted(allowed & self.anchors.released)
        ]

    def _reads(self, name: str) -> bool:
        seen = set()
        while name not in self.types:
            if name in seen or name not in self.upcasts:
                return False
            seen.add(name)
            name = self.upcasts[name].to
        return True

    def _changes(self, name: str, schema: Schema) -> list[str]:
        found = [clause for before in self.anchors.of(name) for clause in breaks(before, schema)]
        return list(dict.fromkeys(found))

    def _golden(self, name: str, schema: Schema) -> Iterator[str]:
        golden = self.anchors.golden.get(name)
        if golden is not None:
            for one in misfits(schema, "\n".join(golden["state"]).encode()):
                yield f"its golden event does not fit: {one}"


def misfits(schema: Schema, state: bytes) -> list[str]:
    """What of a stored event the schema does not describe, nothing left over; sorted."""
    try:
        instance = instance_of(schema, state)
    except KeyError as unknown:
        return [f"an envelope belongs to no field: {unknown.args[0]}"]
    validator = jsonschema_rs.Draft202012Validator(_closed(schema), validate_formats=True)
    return sorted(f"{error.message}{_at(error)}" for error in validator.iter_errors(instance))


def _at(error: jsonschema_rs.ValidationError) -> str:
    return f" (at {json.dumps(list(error.instance_path))})" if error.instance_path else ""


def _closed(schema: Any) -> Any:
    """The schema, with no property but those that it names."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: {name: _closed(one) for name, one in value.items()}
        if key == "properties"
        else _closed(value)
        for key, value in schema.items()
    }
    if "properties" in schema:
        closed["additionalProperties"] = False
    return closed


def _remedy(name: str) -> str:
    newer = f"{name.rpartition('.v')[0]}.v{int(name.rpartition('.v')[2]) + 1}"
    return (
        f"Events of {name} are stored: leave it as it was, make {newer} with the change, and an upcast"
        f" from {name} to it ({UPCASTS_FILE})."
    )


def _gone(name: str) -> str:
    return (
        f"{name} is gone, and events of it are stored. Put it back, or retire it by an upcast from {name} to the type"
        f" that takes its place ({UPCASTS_FILE})."
    )
