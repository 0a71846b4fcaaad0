"""The event catalogue: `docs/events.md`, and a JSON Schema for every event type in `docs/events/`.

    python -m tools.event_catalogue            say what breaks stored events, what nobody emits, and what is stale
    python -m tools.event_catalogue --write    write what is stale; nothing at all when something breaks
    python -m tools.event_catalogue --write --allow-unreleased TYPE
                                               remake a type that has no golden event, here or in the last commit
    python -m tools.event_catalogue --against COMMIT
                                               heed the schemas of that commit too (the last one always counts)

What breaks is told by the schemas of the last commit (those in the folder, where there is no git) and by the golden
events; so neither writing a schema anew nor deleting it makes a change compatible.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from application.event_types import catalogue
from infrastructure.store.upcasts import UPCASTS
from projections.models import MODELS
from tools.event_catalogue.anchors import SCHEMAS, read_anchors
from tools.event_catalogue.consumers import consumed_by
from tools.event_catalogue.emitters import emitters
from tools.event_catalogue.gate import Gate
from tools.event_catalogue.page import PAGE, Entry, page_of, readers_of
from tools.event_catalogue.references import read_graph
from tools.event_catalogue.schemas import text_of
from tools.steps import ROOT


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is told of the events."""

    entries: tuple[Entry, ...]

    def files(self) -> dict[Path, str]:
        """What is checked in, by its path below the root."""
        schemas = {SCHEMAS / f"{one.name}.json": text_of(one.schema) for one in self.entries}
        return {PAGE: page_of(self.entries), **schemas}

    def unemitted(self) -> list[str]:
        """The types that nobody emits, a sentence each."""
        return [
            f"{one.name}: no use case makes it. Have one make it; or retire it, if its time is over."
            for one in self.entries
            if one.replaced_by is None and not one.emitters
        ]


def read_catalogue(gate: Gate, root: Path = ROOT) -> Catalogue:
    """Everything that is told of the types that have passed the gate."""
    graph = read_graph(root)
    made = emitters(graph, [one.decision for one in gate.types.values()])
    consumed = {model.name: consumed_by(model) for model in MODELS}
    entries = []
    for name, schema in gate.schemas().items():
        if (found := gate.types.get(name)) is None:
            entries.append(Entry(name, schema, (), (), gate.upcasts[name].to))
        else:
            readers = readers_of(found.decision, consumed)
            entries.append(Entry(name, schema, made[found.decision], readers, None))
    return Catalogue(tuple(entries))


def stale(files: dict[Path, str], root: Path = ROOT) -> list[Path]:
    """The files that say something else than the code, that lack, or that are there for no type."""
    there = {path.relative_to(root) for path in (root / SCHEMAS).glob("*")}
    wrong = [
        path
        for path, text in files.items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text
    ]
    return sorted({*wrong, *(there - files.keys())})


def write(files: dict[Path, str], root: Path = ROOT) -> None:
    """Write what is stale, and remove what is there for no type."""
    for path in stale(files, root):
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path], encoding="utf-8")
        else:
            (root / path).unlink()


def written_or_stale(found: Catalogue, *, to_write: bool) -> list[str]:
    """What of a catalogue that has passed the gate is amiss, a sentence each, after it was written where it may be."""
    faults, files = found.unemitted(), found.files()
    if to_write and not faults:
        write(files)
    command = "python -m tools.event_catalogue --write"
    return faults + [f"{path} is stale: {command}" for path in stale(files)]


def main(arguments: list[str]) -> int:
    """Run the tool: 0 when all holds, 1 when something does not, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="python -m tools.event_catalogue")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="the default")
    how.add_argument("--write", action="store_true", help="write what is stale")
    parser.add_argument("--allow-unreleased", action="append", default=[], metavar="TYPE")
    parser.add_argument("--against", action="append", default=[], metavar="COMMIT")
    wanted = parser.parse_args(arguments)
    allowed = frozenset[str](wanted.allow_unreleased)
    if allowed and not wanted.write:
        parser.error("--allow-unreleased goes with --write")
    try:
        gate = Gate(catalogue(), UPCASTS, read_anchors(ROOT, ("HEAD", *wanted.against)))
    except ValueError as unknown:
        parser.error(str(unknown))
    faults = gate.refused(allowed) + gate.faults(allowed)
    if not faults:
        faults = written_or_stale(read_catalogue(gate), to_write=wanted.write)
    for line in faults:
        print(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
