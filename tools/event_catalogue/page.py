"""The page `docs/events.md`: every event type, its fields with their class, who emits it, which read models read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from tools.event_catalogue.compatibility import Schema
from tools.event_catalogue.references import Definition

PAGE: Final = Path("docs/events.md")
HEAD: Final = """# Events

<!-- Written by python -m tools.event_catalogue --write -->

Every event that Daybook records: {types} types, each under a permanent name that ends with its version. What is
stored of each is in its JSON Schema (2020-12, `events/<type>.json`): the plain payload, and each envelope under the
name of its field. The class of a field is

* *plain*: ids, numbers, instants, codes, and text that is about nobody (the reason stands beside it);
* *sealed*: personal values in one envelope under the key of a subject and a retention class, both named. An erasure of
  that class makes them unreadable, in every copy;
* *withheld*: the id of a person who may not learn of the event while a gag runs. Officers and auditors read it.

*Emitted by* names the use cases that decide it, *read by* the read models that take it in; both are read from the code.
A field marked * may be missing from an event. A type changes only by a field that may be missing, or by one code more;
whatever else is a new version with an upcast, and `make check` refuses it otherwise.
"""
KINDS: Final = {
    ("string", "uuid"): "id",
    ("string", "date-time"): "instant",
    ("string", "date"): "day",
    ("string", None): "text",
    ("integer", None): "whole number",
    ("boolean", None): "yes or no",
    ("null", None): "none",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the page says of one type. `replaced_by` is the type that a retired one reads as."""

    name: str
    schema: Schema
    emitters: Sequence[Definition]
    read_by: Sequence[str]
    replaced_by: str | None


def page_of(entries: Sequence[Entry]) -> str:
    """The page, with entries in the order of their names."""
    ordered = sorted(entries, key=lambda one: one.name)
    parts = [HEAD.format(types=len(ordered)), _overview(ordered)]
    for concept, members in groupby(ordered, key=lambda one: one.name.partition(".")[0]):
        parts.append(f"## {concept}\n")
        parts += [_entry(one) for one in members]
    return "\n".join(parts)


def _overview(entries: Sequence[Entry]) -> str:
    lines = ["| type | seals | read by |", "|---|---|---|"]
    for one in entries:
        sealed = dict.fromkeys(
            field["x-retention-class"]
            for field in one.schema["properties"].values()
            if field["x-class"] == "sealed"
        )
        anchor = one.name.replace(".", "")
        lines.append(
            f"| [`{one.name}`](#{anchor}) | {', '.join(sealed)} | {', '.join(one.read_by)} |"
        )
    return "\n".join(lines) + "\n"


def _entry(one: Entry) -> str:
    lines = [f"### {one.name}", "", one.schema["description"], ""]
    rows = [row for name in one.schema["properties"] for row in _field(one.schema, name)]
    if rows:
        lines += ["| field | holds | class |", "|---|---|---|", *rows, ""]
    else:
        lines += ["It has no fields: its stream says what it is about.", ""]
    if one.replaced_by is not None:
        lines.append(f"Retired: it reads as `{one.replaced_by}`.")
    else:
        emitted = ", ".join(f"`{emitter}`" for emitter in one.emitters)
        lines.append(f"Emitted by {emitted or 'nobody'}.")
    read = ", ".join(f"`{name}`" for name in one.read_by)
    lines += [f"Read by {read or 'no read model'}. [Schema](events/{one.name}.json).", ""]
    return "\n".join(lines)


def _field(schema: Schema, name: str) -> Iterator[str]:
    shape = schema["properties"][name]
    may_lack = name not in schema["required"]
    sealed = shape["x-class"] == "sealed"
    held = {f"{name}{path}" for path in shape.get("x-withheld", ())}
    for leaf in _leaves(shape["x-sealed-fields"] if sealed else shape, name, may_lack):
        if sealed:
            said = f"sealed: {shape['x-retention-class']}, of `{shape['x-subject']}`"
        elif leaf.path in held:
            said = "withheld"
        else:
            said = f"plain: {why}" if (why := _why(leaf.shape)) else "plain"
        lacks = "*" if leaf.may_lack else ""
        yield f"| `{leaf.path}`{lacks} | {_holds(leaf.shape)} | {said} |"


@dataclass(frozen=True, slots=True)
class _Leaf:
    path: str
    shape: Schema
    may_lack: bool


def _leaves(shape: Schema, path: str, may_lack: bool) -> Iterator[_Leaf]:
    """Each part of a field that is no object itself."""
    inner = shape
    if len(others := _others(shape)) == 1:
        inner = others[0]
    if inner.get("type") == "array" and "items" in inner and "properties" in inner["items"]:
        yield from _leaves(inner["items"], f"{path}[]", may_lack)
    elif "properties" in inner:
        for name, one in inner["properties"].items():
            lacks = may_lack or name not in inner["required"] or inner is not shape
            yield from _leaves(one, f"{path}.{name}", lacks)
    else:
        yield _Leaf(path, shape, may_lack)


def _why(shape: Schema) -> str:
    """Why a part that is text is about nobody; nothing where it is no text."""
    inner = [*shape.get("anyOf", ()), *shape.get("prefixItems", ())]
    inner += [shape[one] for one in ("items", "additionalProperties") if one in shape]
    return shape.get("x-why") or "; ".join(dict.fromkeys(filter(None, map(_why, inner))))


def _others(shape: Schema) -> list[Schema]:
    return [one for one in shape.get("anyOf", ()) if one.get("type") != "null"]


def _holds(shape: Schema) -> str:
    if "anyOf" in shape:
        return ", or ".join(_holds(one) for one in shape["anyOf"])
    if "enum" in shape:
        return ", ".join(f"`{one}`" for one in shape["enum"])
    if "prefixItems" in shape:
        return "; then ".join(_holds(one) for one in shape["prefixItems"])
    if "items" in shape:
        return f"list: {_holds(shape['items'])}"
    if "additionalProperties" in shape:
        return f"by name: {_holds(shape['additionalProperties'])}"
    return KINDS[shape["type"], shape.get("format")]


def readers_of(
    decision: type[object], consumed: Mapping[str, frozenset[type[object]]]
) -> tuple[str, ...]:
    """The names of the read models that take a decision in, sorted."""
    return tuple(sorted(name for name, taken in consumed.items() if decision in taken))
