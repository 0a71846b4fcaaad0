"""Which read models take an event in: what each says that it consumes, or else what its code handles."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from typing import Final

import projections
from application.event_types import DECISIONS
from tools.event_catalogue.references import Definition, Graph

FOLLOWED: Final = ("projections", "application")
LIST_OF_ALL: Final = (
    "application.event_types"  # whoever looks a type up in it handles no more than they name
)


def consumed_by(graph: Graph, model: type[object]) -> frozenset[type[object]]:
    """The decisions that a read model takes in. The one place that knows how that is found out."""
    said = getattr(model(), "consumes", None)
    return handled_by(graph, model) if said is None else frozenset(said)


def handled_by(graph: Graph, model: type[object]) -> frozenset[type[object]]:
    """The decisions that a read model's code names, itself or through what it calls in the read side and the use cases.

    A tuple or a union of decisions that it names stands for all that are in it. What the domain makes of a decision
    is not followed: it is handed one that the model has chosen already.
    """
    known = {Definition(one.__module__, one.__name__): one for one in DECISIONS}
    by_name = {one.TYPE: made for made, one in known.items()}
    ahead, seen = [Definition(model.__module__, model.__name__)], set[Definition]()
    while ahead:
        one = ahead.pop()
        if one in seen:
            continue
        seen.add(one)
        references = graph.get(one)
        if references is None or one.module == LIST_OF_ALL:
            continue
        if one.package in FOLLOWED or references.is_value:
            ahead.extend(references.names)
            ahead.extend(by_name[name] for name in references.event_names & by_name.keys())
    return frozenset(known[one] for one in seen if one in known)


def read_models() -> Mapping[str, type[object]]:
    """Every read model by its permanent name: the classes below `projections` that take events in."""
    return {str(one().name): one for one in _models()}  # type: ignore[attr-defined]


def _models() -> Iterator[type[object]]:
    for found in pkgutil.walk_packages(projections.__path__, "projections."):
        module = importlib.import_module(found.name)
        for _, one in inspect.getmembers(module, inspect.isclass):
            if one.__module__ == found.name and one.__name__.endswith("Model") and _is_made(one):
                yield one


def _is_made(one: type[object]) -> bool:
    return callable(getattr(one, "apply", None)) and not getattr(one, "_is_protocol", False)
