"""The policy matrix as it is kept: `policy_matrix.yaml`, beside this file and shipped with it.

YAML is read strictly: no tags, no key twice, no field that a row does not have, no value of another type.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, get_origin, get_type_hints

import yaml  # type: ignore[import-untyped]

from application.policy.policy_matrix import Contradiction, MatrixFlawed, PolicyMatrix, PolicyRow

FILE: Final = Path(__file__).with_name("policy_matrix.yaml")
T = TypeVar("T", PolicyRow, Contradiction)


@cache
def policy_matrix() -> PolicyMatrix:
    """The matrix that came with this program. Raises MatrixFlawed."""
    return read_matrix(FILE.read_text(encoding="utf-8"))


def read_matrix(text: str) -> PolicyMatrix:
    """The matrix that `text` says. Raises MatrixFlawed (no YAML, another shape, or a flaw in what it says)."""
    try:
        found = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise MatrixFlawed(str(error)) from error
    if not isinstance(found, dict) or set(found) != {"rows", "contradictions"}:
        raise MatrixFlawed("it has rows and contradictions, and nothing else")
    return PolicyMatrix(
        rows=_read(PolicyRow, "row", found["rows"]),
        contradictions=_read(Contradiction, "contradiction", found["contradictions"]),
    )


class _Loader(yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader):  # type: ignore[misc]
    """Plain values only, and no key twice: YAML's own rule would let the second win silently."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """See PyYAML."""
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)
        if len(found) < len(node.value):
            raise yaml.constructor.ConstructorError(
                None, None, "a key is there twice", node.start_mark
            )
        return found


def _read(kind: type[T], name: str, items: object) -> tuple[T, ...]:
    if not isinstance(items, list):
        raise MatrixFlawed(f"{name}s are a list")
    return tuple(_one(kind, f"{name} at place {place}", it) for place, it in enumerate(items, 1))


def _one(kind: type[T], where: str, item: object) -> T:
    if not isinstance(item, dict):
        raise MatrixFlawed(f"{where}: it is no mapping")
    known = {each.name for each in fields(kind)}
    needed = {each.name for each in fields(kind) if each.default is MISSING}
    if unknown := sorted(set(item) - known, key=str):
        raise MatrixFlawed(f"{where}: there is no field {unknown[0]}")
    if lacks := sorted(needed - set(item)):
        raise MatrixFlawed(f"{where}: it lacks {lacks[0]}")
    hints = get_type_hints(kind)
    return kind(**{name: _value(f"{where}: {name}", hints[name], it) for name, it in item.items()})


def _value(where: str, hint: Any, value: object) -> Any:
    """The value as the field has it: a number, a text, or a tuple of either."""
    if get_origin(hint) is tuple:
        member = int if hint == tuple[int, ...] else str
        if not isinstance(value, list) or not all(type(each) is member for each in value):
            raise MatrixFlawed(f"{where}: it is a list of {member.__name__}")
        return tuple(value)
    wanted = int if hint is int else str
    if type(value) is not wanted:
        raise MatrixFlawed(f"{where}: it is of type {wanted.__name__}")
    return value
