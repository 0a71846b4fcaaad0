"""What the catalogue says of the events is what is stored of them, who makes them, and who takes them in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jsonschema_rs
import pytest
from hypothesis import given, settings
from pydantic import TypeAdapter, ValidationError

from application.event_types import Decision, catalogue, classify
from application.recorded import Recorded
from domain import booking, consent
from domain.custody import CustodyTaken
from domain.disclosure import DisclosureOpened, DisclosureRecorded, DisclosureWithheld
from domain.legal_process import GagChanged
from domain.subject import DECISIONS as SUBJECT
from domain.subject import SubjectRegistered
from infrastructure.store.event_mapper import make_codec
from infrastructure.store.event_mapper import shape_of as stored_shape_of
from infrastructure.store.upcasts import UPCASTS
from projections.engine.read_model import ReadModel
from projections.models import MODELS
from projections.withheld import WithheldModel
from tests.store.decisions import events_of
from tools.event_catalogue.__main__ import Catalogue, read_catalogue
from tools.event_catalogue.anchors import read_anchors
from tools.event_catalogue.consumers import consumed_by, handled_by
from tools.event_catalogue.emitters import emitters
from tools.event_catalogue.gate import Gate, misfits
from tools.event_catalogue.references import Definition, Graph, read_graph
from tools.event_catalogue.schemas import Schema, instance_of, schema_of
from tools.golden_events import FOLDER, mapper
from tools.steps import ROOT

TYPES = catalogue()
SCHEMAS = {name: schema_of(found) for name, found in TYPES.items()}
FILES = sorted(FOLDER.glob("*.json"))
WORDS = ("title", "description", "default", "$defs")
OUT_OF_CHAIN = ("person", "stands_for")


@pytest.fixture(scope="module")
def graph() -> Graph:
    """Who names whom in the source."""
    return read_graph(ROOT)


@pytest.fixture(scope="module")
def told() -> Catalogue:
    """The catalogue of the code as it is."""
    return read_catalogue(Gate(TYPES, UPCASTS, read_anchors(ROOT, ())))


# --- schemas ---------------------------------------------------------------------------------------------------------


def golden(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_golden_event_fits_the_schema_that_is_checked_in(path: Path) -> None:
    schema = json.loads((ROOT / "docs/events" / path.name).read_text(encoding="utf-8"))
    jsonschema_rs.meta.validate(schema)
    state = "\n".join(golden(path)["state"]).encode()
    assert misfits(schema, state) == []
    for name in instance_of(schema, state):
        assert schema["properties"][name]["x-class"] in ("plain", "withheld", "sealed")


def test_there_is_a_golden_event_and_a_schema_of_every_type() -> None:
    names = {path.stem for path in FILES}
    assert names == {path.stem for path in (ROOT / "docs/events").iterdir()}
    assert names >= TYPES.keys()


def test_what_does_not_fit_is_said() -> None:
    schema = SCHEMAS["staff.engaged.v1"]
    plain, envelope = golden(FOLDER / "staff.engaged.v1.json")["state"]
    assert misfits(schema, f"{plain}\n{envelope}".encode()) == []
    without = json.dumps({**json.loads(plain), "nick": "Z"})
    assert "'nick' was unexpected" in misfits(schema, without.encode())[0]
    torn = json.dumps({**json.loads(envelope), "class": "billing"})
    assert misfits(schema, f"{plain}\n{torn}".encode()) == [
        f"an envelope belongs to no field: ('{json.loads(envelope)['subject']}', 'billing')"
    ]
    lacking = {key: value for key, value in json.loads(plain).items() if key != "subject"}
    assert misfits(schema, json.dumps(lacking).encode()) == ['"subject" is a required property']
    other = json.dumps({**json.loads(plain), "staff": "nobody"})
    assert misfits(schema, other.encode()) == ['"nobody" is not a "uuid" (at ["staff"])']


@pytest.mark.parametrize("name", TYPES)
def test_whatever_is_stored_fits_its_schema(name: str) -> None:
    @settings(max_examples=5)
    @given(event=events_of(TYPES[name]))
    def fits(event: Recorded[object]) -> None:
        assert misfits(SCHEMAS[name], mapper().to_stored_event(event).state) == []

    fits()


@pytest.mark.parametrize("name", TYPES)
def test_the_schema_says_what_the_codec_reads(name: str) -> None:
    found, schema = TYPES[name], SCHEMAS[name]
    read = TypeAdapter(stored_shape_of(found)).json_schema(mode="validation")
    properties = {name: schema["properties"][name] for name in found.plain}
    required = [one for one in schema["required"] if one in found.plain]
    said = {"type": "object", "properties": properties, "required": required}
    assert bare(said, {}) == bare(read, read.get("$defs", {}))


@dataclass(frozen=True, slots=True)
class Stretched:
    """A decision that got a field after events of it were stored."""

    TYPE: ClassVar[str] = "test.stretched.v1"

    minutes: int
    breaths: int = 3


def test_a_field_that_is_younger_than_an_event_reads_as_its_default() -> None:
    found = classify(Stretched)
    read = make_codec(found).load
    assert Stretched(**read({"minutes": 5})) == Stretched(5, 3)
    assert Stretched(**read({"minutes": 5, "breaths": 4})) == Stretched(5, 4)
    assert schema_of(found)["required"] == ["minutes"]
    with pytest.raises(ValidationError):
        read({"breaths": 4})


def bare(schema: Any, defined: dict[str, Any]) -> Any:
    """A schema without words and annotations, with what it refers to in its place."""
    if isinstance(schema, list):
        return [bare(one, defined) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return bare(defined[schema["$ref"].rpartition("/")[2]], defined)
    found = {
        key: {name: bare(one, defined) for name, one in value.items()}
        if key == "properties"
        else bare(value, defined)
        for key, value in schema.items()
        if key not in WORDS and not key.startswith("x-") and value != []
    }
    return found | ({"enum": [found.pop("const")]} if "const" in found else {})


# --- classes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPES)
def test_every_field_has_its_class(name: str) -> None:
    found, properties = TYPES[name], SCHEMAS[name]["properties"]
    sealed = {one.name: one for one in found.sealed}
    assert properties.keys() == found.plain.keys() | sealed.keys()
    for field, shape in properties.items():
        if field in sealed:
            assert shape["x-class"] == "sealed"
            assert shape["x-retention-class"] == sealed[field].retention_class
            assert shape["x-subject"] == sealed[field].subject_field
        else:
            assert shape["x-class"] in ("plain", "withheld")


@pytest.mark.parametrize("name", TYPES)
def test_who_is_withheld_is_named_outside_the_chain_and_marked(name: str) -> None:
    """A person's chain has what names them as `subject`; under other names stand those who may not know."""
    for field, shape in SCHEMAS[name]["properties"].items():
        marked = {f"{field}{path}" for path in shape.get("x-withheld", ())}
        assert marked == {path for path in leaves(shape, field) if last(path) in OUT_OF_CHAIN}
        assert (shape["x-class"] == "withheld") == bool(marked)


def last(path: str) -> str:
    return path.rpartition(".")[2]


def leaves(shape: Schema, path: str) -> Iterator[str]:
    if "properties" in shape:
        for name, one in shape["properties"].items():
            yield from leaves(one, f"{path}.{name}")
    elif "items" in shape:
        yield from leaves(shape["items"], f"{path}[]")
    else:
        yield path


# --- who emits, who reads --------------------------------------------------------------------------------------------


def test_every_type_has_somebody_who_emits_it(told: Catalogue) -> None:
    assert told.unemitted() == []
    assert {one.name for one in told.entries} >= TYPES.keys()


def test_who_emits_is_found_through_the_functions_that_decide(graph: Graph) -> None:
    wanted: dict[type[object], list[str]] = {
        booking.BookingRequested: ["application.booking.placing.Bookings"],
        booking.BookingLapsed: ["application.booking.claims.clear"],
        SubjectRegistered: ["application.booking.placing.Bookings"],
        consent.ConsentExpired: ["application.consents.expiry.ConsentExpiry"],
    }
    found = emitters(graph, wanted)
    assert {one: [str(by) for by in made] for one, made in found.items()} == wanted


def test_who_only_looks_at_a_decision_does_not_emit_it(tmp_path: Path) -> None:
    domain, application = tmp_path / "domain", tmp_path / "application"
    twin = tmp_path / "infrastructure/twin"
    for folder in (domain, application, twin):
        folder.mkdir(parents=True)
    (twin / "naps.py").write_text("from domain.nap import end\ndef ended(): return end(True)\n")
    (domain / "nap.py").write_text(
        "class Begun: ...\nclass Ended: ...\n"
        "def begin(): return Begun()\ndef _end(): return Ended()\ndef end(early): return _end() if early else begin()\n"
    )
    (application / "naps.py").write_text(
        "from domain import nap\nfrom domain.nap import Ended, end as stop\n"
        "def is_over(it: nap.Begun) -> bool: return isinstance(it, Ended)\n"
        "def reads(it):\n    match it:\n        case nap.Begun(): return None\n"
        "class Naps:\n    def start(self): return self._append(nap.begin())\n"
        "def _stopped(): return stop(True)\ndef stops(): return _stopped()\n"
    )
    graph = read_graph(tmp_path)

    class Begun: ...

    class Ended: ...

    Begun.__module__ = Ended.__module__ = "domain.nap"
    found = emitters(graph, (Begun, Ended))
    assert found[Begun] == (
        Definition("application.naps", "Naps"),
        Definition("application.naps", "stops"),
    )
    assert found[Ended] == (Definition("application.naps", "stops"),)


CONSUMED: dict[str, set[type[Decision]]] = {
    "agenda": set(booking.DECISIONS),
    "consents": set(consent.DECISIONS),
    "keeping": {*SUBJECT, *booking.DECISIONS, *consent.DECISIONS, CustodyTaken},
    "withheld": {DisclosureRecorded, DisclosureWithheld, DisclosureOpened, GagChanged},
}


@pytest.mark.parametrize("name", CONSUMED)
def test_what_a_read_model_takes_in_is_told(told: Catalogue, name: str) -> None:
    readers = {one.name for one in told.entries if name in one.read_by}
    assert readers == {one.TYPE for one in CONSUMED[name]}


@pytest.mark.parametrize("model", MODELS, ids=lambda it: it.name)
def test_what_a_read_model_says_that_it_consumes_is_what_its_code_handles(
    graph: Graph, model: ReadModel
) -> None:
    assert consumed_by(model) == handled_by(graph, model)


def test_a_read_model_that_says_less_than_it_handles_is_seen(graph: Graph) -> None:
    silent = WithheldModel(consumes=frozenset({GagChanged}))
    assert consumed_by(silent) < handled_by(graph, silent)


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_tells_of_every_field_with_its_class(told: Catalogue) -> None:
    page = told.files()[Path("docs/events.md")]
    sections = {part.split("\n", 1)[0]: part for part in page.split("\n### ")[1:]}
    assert sections.keys() == {one.name for one in told.entries}
    for one in told.entries:
        for field, shape in one.schema["properties"].items():
            rows = [
                line for line in sections[one.name].splitlines() if line.startswith(f"| `{field}")
            ]
            assert rows, f"{one.name}.{field}"
            assert any(f"| {shape['x-class']}" in row for row in rows)
        for emitter in one.emitters:
            assert f"`{emitter}`" in sections[one.name]
    assert "| `person.note`* | text, or none | sealed: booking, of `subject` |" in page
    assert "| `tags[].stands_for` | id | withheld |" in page
