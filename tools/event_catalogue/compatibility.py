"""Whether a schema takes in everything that another took in, and keeps sealed what was: or what breaks, in words.

A stored event is for ever. So a field may come if events without it still read, and a list of codes may grow; nothing
else may change. Words about a field (`description`, `x-why`) may.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

ABOUT_CLASS: Final = ("x-class", "x-retention-class", "x-subject")


def breaks(before: Schema, after: Schema) -> list[str]:
    """What of `after` breaks events that were stored under `before`, a clause each; empty when nothing does."""
    return list(_object(before, after, ""))


def _object(before: Schema, after: Schema, where: str) -> Iterator[str]:
    old, new = before["properties"], after["properties"]
    for name, shape in old.items():
        path = f"{where}{name}"
        if name not in new:
            yield f"the field {path} is gone or has another name"
        else:
            yield from _field(shape, new[name], path)
    for name in sorted(set(after["required"]) - set(before["required"])):
        what = "was optional and is required" if name in old else "is new and has no default"
        yield f"the field {where}{name} {what}"


def _field(before: Schema, after: Schema, path: str) -> Iterator[str]:
    for keyword in ABOUT_CLASS:
        if before.get(keyword) != after.get(keyword):
            yield (
                f"the field {path} was {_class(before)} and is {_class(after)}: "
                "what was stored keeps the class it was stored with"
            )
            return
    for gone in sorted(set(before.get("x-withheld", ())) - set(after.get("x-withheld", ()))):
        yield f"the field {path}{gone} was withheld and is plain"
    if before.get("x-class") == "sealed":
        inside = before["x-sealed-fields"], after["x-sealed-fields"]
        yield from _value(*inside, path)
    else:
        yield from _value(before, after, path)


def _value(before: Schema, after: Schema, path: str) -> Iterator[str]:
    """Each thing that the field could be must be something that it can be."""
    for old in _alternatives(before):
        found = [list(_one(old, new, path)) for new in _alternatives(after)]
        if [] not in found:
            yield from min(found, key=len)


def _one(old: Schema, new: Schema, path: str) -> Iterator[str]:
    if _kind(old) != _kind(new):
        yield f"the field {path} was {_words(old)} and is {_words(new)}"
        return
    if lost := [one for one in old.get("enum", ()) if one not in new.get("enum", ())]:
        yield f"the field {path} may not be {', '.join(map(str, lost))} any more"
    if "properties" in old:
        yield from _object(old, new, f"{path}.")
    for keyword in ("items", "additionalProperties"):
        if keyword in old:
            yield from _value(old[keyword], new[keyword], f"{path}[]")
    for index, (left, right) in enumerate(
        zip(old.get("prefixItems", ()), new.get("prefixItems", ()), strict=True)
    ):
        yield from _value(left, right, f"{path}[{index}]")


def _alternatives(schema: Schema) -> list[Schema]:
    found = schema.get("anyOf")
    return [schema] if found is None else [one for each in found for one in _alternatives(each)]


def _kind(schema: Schema) -> tuple[object, ...]:
    """What must stay: the type, its format, whether it is a closed list, and how an array or an object is made."""
    made = tuple(one in schema for one in ("enum", "items", "properties", "additionalProperties"))
    length = len(schema["prefixItems"]) if "prefixItems" in schema else None
    return (schema["type"], schema.get("format"), made, length)


def _words(schema: Schema) -> str:
    if "enum" in schema:
        return "one of a list of codes"
    return " ".join(one for one in (schema["type"], schema.get("format")) if one)


def _class(schema: Schema) -> str:
    if schema["x-class"] != "sealed":
        return str(schema["x-class"])
    return f"sealed ({schema['x-retention-class']}, of {schema['x-subject']})"
