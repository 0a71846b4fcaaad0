"""The fingerprint of a read model's code: it changes when the rows that the code makes may.

It covers the model's class and everything it uses, name by name, from this package and from `application`: as syntax,
so that comments, docstrings and layout do not count. Decisions and how streams evolve are not in it: those are kept by
the golden events.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from projections.engine.read_model import ReadModel

FOLLOWED: Final = ("projections.", "application.")
PASSED_OVER: Final = (
    "projections.engine.",
    "application.recorded",
    "application.following",
    "application.event_types",
)

Definitions = dict[str, ast.stmt]


def fingerprint(model: ReadModel) -> str:
    """SHA-256, hexadecimal, of the code of a model; of names, version and code, and of nothing of the machine."""
    of = type(model)
    lines = [f"{model.name} {model.version} {' '.join(model.tables)}"]
    lines += [f"{module}.{name} {code}" for (module, name), code in sorted(_used(of).items())]
    lines += sorted(one.__name__ for one in model.consumes)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _used(of: type) -> dict[tuple[str, str], str]:
    """What the class uses, itself included: the code of each top-level definition by module and name."""
    found: dict[tuple[str, str], str] = {}
    waiting = [(of.__module__, of.__name__)]
    while waiting:
        module, name = waiting.pop()
        definition = _definitions(module).get(name)
        if (module, name) in found or definition is None:
            continue
        if isinstance(definition, ast.ImportFrom):
            waiting += _imported(definition, name)
            continue
        found[(module, name)] = _code(definition)
        waiting += [
            (module, node.id) for node in ast.walk(definition) if isinstance(node, ast.Name)
        ]
    return found


def _imported(statement: ast.ImportFrom, name: str) -> list[tuple[str, str]]:
    module = statement.module or ""
    if not f"{module}.".startswith(FOLLOWED) or module.startswith(PASSED_OVER):
        return []
    return [(module, one.name) for one in statement.names if (one.asname or one.name) == name]


@cache
def _definitions(module: str) -> Definitions:
    """The top-level statements of a module by the names that they define."""
    imported = sys.modules.get(module) or import_module(module)
    assert imported.__file__ is not None
    found: Definitions = {}
    for statement in ast.parse(Path(imported.__file__).read_text()).body:
        for name in _defined(statement):
            found[name] = statement
    return found


def _defined(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return [name]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(targets=targets):
            return [one.id for one in targets if isinstance(one, ast.Name)]
        case ast.ImportFrom(names=names):
            return [one.asname or one.name for one in names]
        case _:
            return []


def _code(node: object) -> str:
    """A syntax tree as text, the same in every version of Python: fields that are empty are left out."""
    match node:
        case ast.ClassDef() | ast.FunctionDef() if ast.get_docstring(node) is not None:
            return _code(_without_docstring(node))
        case ast.AST():
            parts = [
                f"{name}={_code(value)}" for name, value in ast.iter_fields(node) if _said(value)
            ]
            return f"{type(node).__name__}({','.join(parts)})"
        case list():
            return f"[{','.join(_code(one) for one in node)}]"
        case _:
            return repr(node)


def _without_docstring(node: ast.ClassDef | ast.FunctionDef) -> ast.AST:
    fields = dict(ast.iter_fields(node))
    return type(node)(**{**fields, "body": node.body[1:] or [ast.Pass()]})


def _said(value: object) -> bool:
    return value is not None and value != []
