"""The JSON Schema (2020-12) of an event type: its stored payload, with each envelope under the name of its field.

Written from the same annotations that the codec reads with, and what a stored event of any age must fit: a field with
a default is not required. Keywords of ours are annotations (JSON Schema Core, 6.5): `x-class` is `plain`, `withheld` or
`sealed` for every field; beside `sealed` stand `x-retention-class`, `x-subject` (the field with the id of whose key it
is) and `x-sealed-fields` (what the envelope holds, once opened); beside `withheld` `x-withheld`, the paths in the field
to the ids that are. `x-why` says of plain text, wherever it stands, why it is not about a person.
"""

from __future__ import annotations

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from application.event_types import EventType, SealedField
from domain.sealing import Envelope, Plain, WithheldUnderGag
from domain.values import Personal

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SCALARS: Final[Mapping[object, Schema]] = {
    UUID: {"type": "string", "format": "uuid"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    str: {"type": "string"},
    Personal: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    type(None): {"type": "null"},
}
HEX: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
BASE64: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9+/]+={0,2}$"}
ENVELOPE: Final[Schema] = {
    "ct": BASE64,
    "key": HEX,
    "nonce": BASE64,
    "stream": HEX,
    "subject": HEX,
    "tenant": HEX,
    "v": {"const": 1},
    "version": {"type": "integer", "minimum": 1},
}


def schema_of(found: EventType) -> Schema:
    """The schema of a type's stored events."""
    hints = get_type_hints(found.decision, include_extras=True)
    properties = {name: _plain(hint) for name, hint in found.plain.items()}
    properties |= {one.name: _sealed(found, one) for one in found.sealed}
    required = [
        one.name
        for one in fields(found.decision)  # type: ignore[arg-type]
        if not _has_default(one)
        and not (one.name not in found.plain and _may_be_none(hints[one.name]))
    ]
    return {
        "$schema": DIALECT,
        "$id": f"urn:daybook:event:{found.name}",
        "title": found.name,
        "description": first_line(found.decision),
        "type": "object",
        "properties": properties,
        "required": required,
    }


def text_of(schema: Schema) -> str:
    """A schema as its file has it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def instance_of(schema: Schema, state: bytes) -> Schema:
    """A stored payload as the schema describes it: its envelopes under the names of their fields.

    Raises KeyError for an envelope that belongs to none.
    """
    plain, *envelopes = (json.loads(line) for line in state.split(b"\n"))
    names = {
        (plain[one["x-subject"]].replace("-", ""), one["x-retention-class"]): name
        for name, one in schema["properties"].items()
        if one["x-class"] == "sealed" and one["x-subject"] in plain
    }
    return {**plain, **{names[one["subject"], one["class"]]: one for one in envelopes}}


def first_line(decision: type[object]) -> str:
    """The sentence that a decision's docstring begins with."""
    text = (decision.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(text.split())


def _plain(hint: object) -> Schema:
    held = sorted(set(_withheld(hint)))
    said = {"x-class": "withheld", "x-withheld": held} if held else {"x-class": "plain"}
    return {**shape_of(hint), **said}


def _sealed(found: EventType, field: SealedField) -> Schema:
    bound = {"class": {"const": field.retention_class}, "type": {"const": found.name}}
    return {
        "type": "object",
        "x-class": "sealed",
        "x-retention-class": field.retention_class,
        "x-subject": field.subject_field,
        "x-sealed-fields": _group(field.group),
        "properties": bound | ENVELOPE,
        "required": sorted(bound | ENVELOPE),
        "additionalProperties": False,
    }


def shape_of(hint: Any) -> Schema:
    """The schema of what a field may hold."""
    if hint in SCALARS:
        return dict(SCALARS[hint])
    origin, members = get_origin(hint), get_args(hint)
    if origin is Annotated:
        why = [("x-why", one.why) for one in members[1:] if isinstance(one, Plain)]
        return shape_of(members[0]) | dict(why)
    if origin is Literal:
        return _codes(members)
    if origin in (Union, types.UnionType):
        return {"anyOf": [shape_of(one) for one in members]}
    if origin is tuple and members[-1] is Ellipsis:
        return {"type": "array", "items": shape_of(members[0])}
    if origin is tuple:
        prefix = [shape_of(one) for one in members]
        return {
            "type": "array",
            "prefixItems": prefix,
            "minItems": len(prefix),
            "maxItems": len(prefix),
        }
    if origin is dict:
        return {"type": "object", "additionalProperties": shape_of(members[1])}
    if issubclass(hint, Enum):
        return _codes([one.value for one in hint])
    assert is_dataclass(hint), f"no schema of {hint}"
    hints = get_type_hints(hint, include_extras=True)
    return {
        "type": "object",
        "properties": {one.name: shape_of(hints[one.name]) for one in fields(hint)},
        "required": [one.name for one in fields(hint) if not _has_default(one)],
    }


def _codes(values: Any) -> Schema:
    kinds = {str: "string", int: "integer"}
    found = {kinds[type(one)] for one in values}
    assert len(found) == 1, f"codes of two types: {values}"
    return {"type": found.pop(), "enum": list(values)}


def _group(group: type[object]) -> Schema:
    """What an envelope holds: a value that is None is left out of it."""
    shape = shape_of(group)
    hints = get_type_hints(group, include_extras=True)
    given = [name for name in shape["required"] if not _may_be_none(hints[name])]
    return {**shape, "required": given}


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _may_be_none(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        return _may_be_none(get_args(hint)[0])
    return type(None) in get_args(hint)


def _withheld(hint: Any, where: str = "") -> Iterator[str]:
    """Where in a field, as a path, it names a person who may not learn of it."""
    origin, members = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if any(isinstance(one, WithheldUnderGag) for one in members[1:]):
            yield where
        yield from _withheld(members[0], where)
    elif origin is tuple:
        for one in members:
            yield from _withheld(one, f"{where}[]")
    elif members:
        for one in members:
            yield from _withheld(one, where)
    elif is_dataclass(hint) and hint is not Envelope:
        for name, inner in get_type_hints(hint, include_extras=True).items():
            yield from _withheld(inner, f"{where}.{name}")
