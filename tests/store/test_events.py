"""How decisions are stored: whole, sealed, under names that never change, with a header that says nothing personal."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.event_types import EventType, catalogue
from application.recorded import Recorded
from domain.errors import Unreadable
from domain.sealing import Envelope
from infrastructure.canonical import b64, canonical, hmac_sha256, sha256, unb64
from infrastructure.keys.sealer import Place, open_envelope, read_envelope
from infrastructure.store.event_header import ALLOWED, HEADER_BYTES_MAX, PREFIX
from infrastructure.store.event_mapper import EventMapper, HeadedEvent, UnknownEventType, open_group
from infrastructure.store.upcasts import UPCASTS
from tests.store.decisions import MARK, TEXTS, events_of
from tools.golden_events import FixedKeys, main, mapper, path_of, stored_of, write, wrong
from verifier.leaves import parse_leaf

TYPES = catalogue()
EVENTS = {name: events_of(found) for name, found in TYPES.items()}
# There are 124 types and few kinds of fields: each kind is tried a thousand times and more.
EXAMPLES = settings(max_examples=settings().max_examples // 5)
HEX, DIGEST = re.compile(r"[0-9a-f]{32}"), re.compile(r"[A-Za-z0-9+/]{43}=")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,63}")
LABEL = re.compile(r"[A-Za-z0-9:._-]{1,64}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z")
SHAPES = {
    "v": re.compile("1"),
    "id": HEX,
    "at": INSTANT,
    "tenant": HEX,
    "stream": HEX,
    "ver": re.compile(r"\d+"),
    "type": re.compile(r"[a-z_.]+\.v\d+"),
    "actor": CODE,
    "purpose": CODE,
    "case": LABEL,
    "policy": LABEL,
    "cause": HEX,
    "pd": DIGEST,
}
SEAL_SHAPES = {"s": HEX, "c": re.compile("[a-z]+"), "k": HEX, "cd": DIGEST, "pc": DIGEST}


def opened(line: bytes) -> dict[str, Any]:
    """What an envelope holds."""
    return open_envelope(read_envelope(Envelope(line.decode())), FixedKeys.key)


def groups_of(found: EventType, event: Recorded[object]) -> list[dict[str, Any]]:
    """The values that are to be sealed, group by group."""
    values = (getattr(event.decision, field.name) for field in found.sealed)
    return [open_group(group) for group in values if group is not None]


# --- round trips -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPES)
def test_every_decision_survives_storage(name: str) -> None:
    found = TYPES[name]

    @EXAMPLES
    @given(event=EVENTS[name])
    def survives(event: Recorded[object]) -> None:
        stored = mapper().to_stored_event(event)
        _, *envelopes = stored.state.split(b"\n")
        back = mapper().to_domain_event(stored)
        assert replace(back, decision=None) == replace(event, decision=None)
        for field in fields(found.decision):  # type: ignore[arg-type]
            value, read = getattr(event.decision, field.name), getattr(back.decision, field.name)
            if field.name not in {one.name for one in found.sealed}:
                assert read == value, field.name
                assert type(read) is type(value), field.name
            else:
                assert (read is None) == (value is None)
                assert read is None or isinstance(read, Envelope), field.name
        assert [opened(line) for line in envelopes] == groups_of(found, event)

    survives()


@pytest.mark.parametrize("name", [name for name, found in TYPES.items() if found.sealed])
def test_a_sealed_value_is_in_no_envelope_and_no_header_in_the_clear(name: str) -> None:
    @EXAMPLES
    @given(event=EVENTS[name])
    def hides(event: Recorded[object]) -> None:
        stored = mapper().to_stored_event(event)
        _, *envelopes = stored.state.split(b"\n")
        for text in (*envelopes, stored.header):
            assert MARK.encode() not in text

    hides()


def test_an_event_of_an_unknown_type_is_not_read() -> None:
    stored = mapper().to_stored_event(next_event("hold.released.v1"))
    other = "hold.forgotten.v1"
    header = stored.header.replace(stored.topic.encode(), other.encode())
    with pytest.raises(UnknownEventType):
        mapper().to_domain_event(replace(stored, topic=other, header=header))


def test_a_decision_that_is_not_in_the_catalogue_is_not_stored() -> None:
    with pytest.raises(TypeError):
        EventMapper(FixedKeys(), {}).to_stored_event(next_event("hold.released.v1"))


def next_event(name: str) -> Recorded[object]:
    """The golden event of a type, as it reads; it has nothing sealed."""
    return mapper().to_domain_event(golden(path_of(name)))


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPES)
def test_no_free_text_enters_a_header(name: str) -> None:
    @EXAMPLES
    @given(event=EVENTS[name])
    def says_nothing(event: Recorded[object]) -> None:
        stored = mapper().to_stored_event(event)
        assert stored.header.startswith(PREFIX)
        assert len(stored.header) <= HEADER_BYTES_MAX
        header = json.loads(stored.header[len(PREFIX) :])
        assert header.keys() <= ALLOWED
        assert stored.header == PREFIX + canonical(header), "canonical, so that it can be hashed"
        for seal in header.pop("seals", ()):
            assert seal.keys() == SEAL_SHAPES.keys()
            assert all(SEAL_SHAPES[key].fullmatch(text) for key, text in seal.items()), seal
        many = header.pop("many", {"n": 0, "root": b64(sha256(b""))})
        assert isinstance(many["n"], int)
        assert DIGEST.fullmatch(many["root"])
        for key, value in header.items():
            assert SHAPES[key].fullmatch(str(value)), key

    says_nothing()


@pytest.mark.parametrize("field", ["case", "policy_version"])
@pytest.mark.parametrize("text", [".hidden", "_1", "-1", ".", "-" * 64])
def test_what_the_api_takes_for_a_case_or_a_version_is_recorded_and_verified(
    field: str, text: str
) -> None:
    event = replace(next_event("hold.released.v1"), **{field: text})  # type: ignore[arg-type]
    leaf = mapper().to_stored_event(event).header
    assert f'"{field.removesuffix("_version")}":"{text}"'.encode() in leaf
    parse_leaf(leaf, 0)


@pytest.mark.parametrize("field", ["actor", "purpose", "case", "policy_version"])
@given(text=TEXTS)
@settings(max_examples=20)
def test_free_text_where_a_code_belongs_is_not_recorded(field: str, text: str) -> None:
    event = next_event("hold.released.v1")
    for said in (text, "Ada Example", "ada@example.test", "a\n", ""):
        with pytest.raises(ValueError, match="is not an id or a code"):
            mapper().to_stored_event(replace(event, **{field: said}))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TYPES)
@given(data=st.data())
@settings(max_examples=10)
def test_a_header_commits_to_payload_and_envelopes(name: str, data: st.DataObject) -> None:
    event = data.draw(EVENTS[name])
    stored = mapper().to_stored_event(event)
    header = json.loads(stored.header[len(PREFIX) :])
    plain, *envelopes = stored.state.split(b"\n")
    assert header["pd"] == b64(sha256(plain))
    assert len(header.get("seals", ())) == len(envelopes)
    for seal, line in zip(header.get("seals", ()), envelopes, strict=True):
        parts = json.loads(line)
        assert seal["cd"] == b64(sha256(unb64(parts["nonce"]) + unb64(parts["ct"])))
        read = read_envelope(Envelope(line.decode()))
        inside = json.loads(
            FixedKeys.key.cipher.decrypt(read.nonce, read.ciphertext, read.place.associated_data())
        )
        commitment = hmac_sha256(unb64(inside["salt"]), canonical(inside["fields"]))
        assert seal["pc"] == b64(commitment)
        assert read.place == Place(
            event.tenant, event.stream, event.version, name, read.place.subject, parts["class"]
        )


# --- golden events ---------------------------------------------------------------------------------------------------

FILES = sorted(path_of("x").parent.glob("*.json"))


def golden(path: Path) -> HeadedEvent:
    """The stored event in a file."""
    return stored_of(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_golden_event_loads_as_today(path: Path) -> None:
    stored = golden(path)
    event = mapper().to_domain_event(stored)
    assert type(event.decision) in {found.decision for found in TYPES.values()}
    for line in stored.state.split(b"\n")[1:]:
        texts = opened(line).values()
        assert {text if isinstance(text, str) else text["example"] for text in texts} == {
            "Zoë Example"
        }
    assert wrong() == [], "python -m tools.golden_events --write, and look at the difference"


def test_no_event_type_disappears() -> None:
    stored = {path.stem for path in FILES}
    assert stored <= TYPES.keys() | UPCASTS.keys(), "what is stored out there must be read for ever"
    assert stored >= TYPES.keys(), "python -m tools.golden_events --write"


def test_the_bytes_of_a_golden_event_are_never_written_again(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.json" for name in TYPES}
    before = {path.name: golden(path) for path in tmp_path.iterdir()}
    write(tmp_path)
    assert {path.name: golden(path) for path in tmp_path.iterdir()} == before


def test_a_golden_event_that_reads_otherwise_is_noticed(tmp_path: Path) -> None:
    write(tmp_path)
    path = path_of("hold.released.v1", tmp_path)
    document = json.loads(path.read_text())
    document["reads"] = {}
    path.write_text(json.dumps(document))
    path_of("hold.placed.v1", tmp_path).unlink()
    assert wrong(tmp_path) == [
        "hold.placed.v1: no golden event",
        "hold.released.v1: reads otherwise",
    ]
    assert main([]) == 0


def test_a_golden_envelope_opens_with_its_own_key_only() -> None:
    line = golden(path_of("subject.registered.v1")).state.split(b"\n")[1]
    torn = json.loads(line) | {"version": 4}
    with pytest.raises(Unreadable):
        opened(canonical(torn))
