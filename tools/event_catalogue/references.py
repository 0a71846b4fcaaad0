"""Who names whom in the source: every definition at the top of a module, and the definitions that its body speaks of.

Read from the text alone, so that a name counts wherever it stands, in a branch that no test takes too. Annotations do
not count: who is handed a thing does not make it. A method stands for its class; what is called on a value is not
followed. What is chosen by `a if so else b` counts as called.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.event_types import NAME

# Not `api`: it calls use cases, and decides nothing that is recorded.
PACKAGES: Final = ("domain", "application", "infrastructure", "projections")


@dataclass(frozen=True, slots=True, order=True)
class Definition:
    """A function, a class or a value at the top of a module."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def package(self) -> str:
        """The layer it stands in."""
        return self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class References:
    """What a definition's body speaks of, what of that it calls, and the names of event types that it has as text."""

    names: frozenset[Definition]
    calls: frozenset[Definition]
    event_names: frozenset[str]
    is_value: bool


Graph = Mapping[Definition, References]


def read_graph(root: Path) -> Graph:
    """Every definition below `root` with its references; names that an import passes on are followed."""
    modules = {
        _module_of(path, root): ast.parse(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }
    scopes = {name: _Scope.of(name, tree, frozenset(modules)) for name, tree in modules.items()}
    graph: dict[Definition, References] = {}
    for name, tree in modules.items():
        for node in tree.body:
            for defined in _defined(node):
                graph[Definition(name, defined)] = _references(node, scopes[name], scopes)
    return graph


@dataclass(frozen=True, slots=True)
class _Scope:
    """The names of a module: what it defines, the modules it imports, and what it imports from them."""

    module: str
    own: frozenset[str]
    modules: Mapping[str, str]
    imported: Mapping[str, Definition]

    @classmethod
    def of(cls, name: str, tree: ast.Module, known: frozenset[str]) -> _Scope:
        modules: dict[str, str] = {}
        imported: dict[str, Definition] = {}
        for node in _imports(tree):
            if node.module is None:
                continue
            for alias in node.names:
                local, whole = alias.asname or alias.name, f"{node.module}.{alias.name}"
                if whole in known:
                    modules[local] = whole
                elif node.module in known:
                    imported[local] = Definition(node.module, alias.name)
        own = frozenset(one for node in tree.body for one in _defined(node))
        return cls(name, own, modules, imported)

    def find(self, name: str, scopes: Mapping[str, _Scope]) -> Definition | None:
        """The definition that `name` stands for here."""
        if name in self.own:
            return Definition(self.module, name)
        found = self.imported.get(name)
        return found and (scopes[found.module].find(found.name, scopes) or found)


def _imports(node: ast.AST) -> Iterator[ast.ImportFrom]:
    """What is imported from modules at or below a statement; in an expression nothing can be."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        inner = getattr(node, field, ())
        for one in inner if isinstance(inner, list) else ():
            if isinstance(one, ast.ImportFrom):
                yield one
            else:
                yield from _imports(one)


def _module_of(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _defined(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Assign():
            yield from (one.id for one in node.targets if isinstance(one, ast.Name))
        case ast.AnnAssign(target=ast.Name() as target):
            yield target.id
        case _:
            pass


def _references(node: ast.stmt, scope: _Scope, scopes: Mapping[str, _Scope]) -> References:
    names: set[Definition] = set()
    calls: set[Definition] = set()
    texts: set[str] = set()
    for part in _bodies(node):
        if (found := _resolve(part, scope, scopes)) is not None:
            names.add(found)
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            texts.add(part.value)
        for made in _made(part):
            if (called := _resolve(made, scope, scopes)) is not None:
                calls.add(called)
    events = frozenset(text for text in texts if NAME.fullmatch(text))
    is_value = isinstance(node, ast.Assign | ast.AnnAssign)
    return References(frozenset(names), frozenset(calls), events, is_value)


def _made(node: ast.AST) -> tuple[ast.expr, ...]:
    match node:
        case ast.Call():
            return (node.func,)
        case ast.IfExp():
            return node.body, node.orelse
        case _:
            return ()


def _resolve(node: ast.AST, scope: _Scope, scopes: Mapping[str, _Scope]) -> Definition | None:
    match node:
        case ast.Name(id=name):
            return scope.find(name, scopes)
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in scope.modules:
            there = scopes[scope.modules[module]]
            return there.find(name, scopes)
        case _:
            return None


def _bodies(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it that is no annotation."""
    ahead = [node]
    while ahead:
        node = ahead.pop()
        yield node
        for field in node._fields:
            value = None if field in ("annotation", "returns") else getattr(node, field, None)
            if isinstance(value, list):
                ahead += [one for one in value if isinstance(one, ast.AST)]
            elif isinstance(value, ast.AST):
                ahead.append(value)
