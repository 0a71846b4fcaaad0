"""Examples of JSON values, made from their schemas; and their fields as a flat list, for a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]

DEPTH_MAX: Final = 4
_REF: Final = "#/components/schemas/"
_PLAIN: Final = {"string": "text", "integer": 1, "number": 1.0, "boolean": False, "null": None}


@dataclass(frozen=True, slots=True)
class Row:
    """One field: `name` is a path with dots, `[]` marks the members of an array."""

    name: str
    kind: str
    required: bool
    says: str


def resolved(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    """The schema itself: references followed, the null of an optional field taken off."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_REF)]
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        return {**resolved(choices[0], schemas), **rest}
    return schema


def example(schema: Schema, schemas: Mapping[str, Schema], depth: int = 0) -> Any:
    """A value that the schema allows: required fields, and those that show something."""
    schema = resolved(schema, schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("default") is not None:
        return schema["default"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], schemas, depth + 1)
    if "properties" in schema and depth < DEPTH_MAX:
        return {
            name: example(field, schemas, depth + 1)
            for name, field in schema["properties"].items()
            if name in schema.get("required", ()) or resolved(field, schemas).get("examples")
        }
    if schema.get("type") == "array":
        return [example(schema.get("items", {}), schemas, depth + 1)]
    if schema.get("type") == "object":
        return {}
    return _PLAIN.get(schema.get("type", "string"), "text")


def rows(schema: Schema, schemas: Mapping[str, Schema], before: str = "") -> Iterator[Row]:
    """The fields of an object, those of inner objects right behind them."""
    schema = resolved(schema, schemas)
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        inner = resolved(field, schemas)
        path = f"{before}{name}"
        yield Row(path, _kind(inner, schemas), name in required, _says(inner))
        members = inner
        if inner.get("type") == "array":
            members, path = resolved(inner.get("items", {}), schemas), f"{path}[]"
        if "properties" in members and path.count(".") < DEPTH_MAX:
            yield from rows(members, schemas, f"{path}.")


def _kind(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    if "enum" in schema:
        return " | ".join(str(code) for code in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_kind(resolved(one, schemas), schemas) for one in schema["anyOf"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"array of {_kind(resolved(schema.get('items', {}), schemas), schemas)}"
    return str(schema.get("format") or schema.get("type") or "any")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _says(schema: Schema) -> str:
    words = [schema["description"].rstrip(".") + "."] if "description" in schema else []
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        words.append(f"{_number(least)} to {_number(most)}.")
    if "maxLength" in schema:
        words.append(f"At most {schema['maxLength']} characters.")
    if schema.get("default") not in (None, [], {}):
        words.append(f"Default `{schema['default']}`.")
    return " ".join(words)
