"""Every event type that the product has ever stored is a leaf to the verifier, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from verifier.leaves import absent_envelopes, parse_leaf, plain_of, tags_of

EVENTS = sorted((Path(__file__).parents[1] / "golden/events").glob("*.json"))


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_a_stored_event_is_a_leaf(path: Path) -> None:
    golden = json.loads(path.read_text())
    leaf, seals = parse_leaf("\n".join(golden["header"]).encode(), 0)
    plain, *envelopes = (line.encode() for line in golden["state"])
    assert leaf["type"] == golden["type"]
    assert absent_envelopes(seals, envelopes, 0) == []
    tags = tags_of(leaf, seals, plain_of(leaf, plain, 0), 0)
    assert len(tags) >= len({seal[3] for seal in seals})


def test_there_are_such_events() -> None:
    assert len(EVENTS) > 30
