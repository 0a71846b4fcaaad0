"""Which read models take an event in: what each says that it consumes, which must be what its code handles."""

from __future__ import annotations

from typing import Final

from application.event_types import DECISIONS
from projections.engine.read_model import ReadModel
from tools.event_catalogue.references import Definition, Graph

FOLLOWED: Final = ("projections", "application")
LIST_OF_ALL: Final = (
    "application.event_types"  # whoever looks a type up in it handles no more than they name
)


def consumed_by(model: ReadModel) -> frozenset[type[object]]:
    """The decisions that a read model takes in, as it says."""
    return model.consumes


def handled_by(graph: Graph, model: ReadModel) -> frozenset[type[object]]:
    """The decisions that a read model's code names, itself or through what it calls in the read side and the use cases.

    A tuple or a union of decisions that it names stands for all that are in it. What the domain makes of a decision
    is not followed: it is handed one that the model has chosen already.
    """
    known = {Definition(one.__module__, one.__name__): one for one in DECISIONS}
    by_name = {one.TYPE: made for made, one in known.items()}
    ahead = [Definition(type(model).__module__, type(model).__name__)]
    seen: set[Definition] = set()
    while ahead:
        one = ahead.pop()
        references = graph.get(one)
        if one in seen or references is None:
            continue
        seen.add(one)
        if one.module != LIST_OF_ALL and (one.package in FOLLOWED or references.is_value):
            ahead.extend(references.names)
            ahead.extend(by_name[name] for name in references.event_names & by_name.keys())
    return frozenset(known[one] for one in seen if one in known)
