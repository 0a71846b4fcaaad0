"""Who emits an event: the use cases that make its decision, by themselves or through a function that decides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from tools.event_catalogue.references import Definition, Graph

TWIN: Final = "infrastructure.twin"  # stands in for what emits, in tests


def emitters(
    graph: Graph, decisions: Iterable[type[object]]
) -> Mapping[type[object], tuple[Definition, ...]]:
    """Of each decision the definitions outside the domain that make it, sorted. Empty where nobody does.

    What is made in the domain is emitted by whoever outside calls the deciding function, at whatever distance; a
    private function is answered for by what in its module calls it.
    """
    callers: dict[Definition, set[Definition]] = defaultdict(set)
    makers: dict[Definition, set[Definition]] = defaultdict(set)
    for one, references in graph.items():
        for named in references.names:
            callers[named].add(one)
        for called in references.calls:
            makers[called].add(one)
    found = {}
    for decision in decisions:
        made = Definition(decision.__module__, decision.__name__)
        found[decision] = tuple(sorted(_outside(makers[made], callers)))
    return found


def _outside(
    makers: Iterable[Definition], callers: Mapping[Definition, set[Definition]]
) -> set[Definition]:
    seen: set[Definition] = set()
    found: set[Definition] = set()
    ahead = list(makers)
    while ahead:
        one = ahead.pop()
        if one in seen or one.module.startswith(TWIN):
            continue
        seen.add(one)
        above = callers.get(one, set())
        if one.package == "domain":
            ahead.extend(above)
        elif one.name.startswith("_") and (near := {it for it in above if it.module == one.module}):
            ahead.extend(near)
        else:
            found.add(one)
    return found
