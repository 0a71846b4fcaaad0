"""One stored event of every type, kept for ever: `tests/golden/events/<type>.json`.

    python -m tools.golden_events            say which types lack a file, or read otherwise than theirs says
    python -m tools.golden_events --write    write what lacks, and how each reads today

The bytes of an event that is there are never written again: they stand for what lies in databases out there. What
they read as may change, by a new field with a default or by an upcast; then `reads` shows the change for review.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID, uuid5

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.event_types import EventType, catalogue
from application.recorded import Recorded
from domain.access import SubjectSeen
from domain.disclosure import SubjectShared
from domain.sealing import Envelope
from domain.values import Personal
from domain.visit import Visit
from infrastructure.canonical import sha256
from infrastructure.keys.sealer import SubjectKey
from infrastructure.store.event_mapper import EventMapper, HeadedEvent
from tools.steps import ROOT

FOLDER: Final = ROOT / "tests" / "golden" / "events"
AT: Final = datetime(2027, 3, 14, 14, 0, 0, 123_456, tzinfo=UTC)
NAMESPACE: Final = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
EXAMPLES: Final[Mapping[object, object]] = {
    bool: True,
    int: 1_800_000_000,
    date: AT.date(),
    datetime: AT,
    str: "example",
    Personal: Personal("Zoë Example"),
    SubjectSeen: SubjectSeen(uuid5(NAMESPACE, "seen"), "00112233445566778899aabbccddeeff"),
    SubjectShared: SubjectShared(
        uuid5(NAMESPACE, "shared"), "00112233445566778899aabbccddeeff", None, "none"
    ),
    Visit: Visit(
        service=uuid5(NAMESPACE, "service"),
        location=uuid5(NAMESPACE, "location"),
        staff=uuid5(NAMESPACE, "staff"),
        start=AT.replace(minute=15, microsecond=0),
        end=AT.replace(minute=45, microsecond=0),
        occupied_from=AT.replace(minute=5, microsecond=0),
        occupied_to=AT.replace(minute=55, microsecond=0),
        capacity=1,
    ),
}


class FixedKeys:
    """The one key that golden events are sealed with; a secret of nobody's."""

    key: Final = SubjectKey(uuid5(NAMESPACE, "key"), AESGCM(sha256(b"daybook/golden/v1")))

    def sealing_key(self, *_: object) -> SubjectKey:
        """The same for everyone."""
        return self.key


@cache
def mapper() -> EventMapper:
    """A mapper that seals with the fixed key."""
    return EventMapper(FixedKeys())


def example(hint: Any, name: str = "") -> object:
    """A value of the type; `name` makes ids differ."""
    if hint in EXAMPLES:
        return EXAMPLES[hint]
    if hint is UUID:
        return uuid5(NAMESPACE, name)
    origin, members = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return example(members[0], name)
    if origin is Literal:
        return members[0]
    if origin in (Union, types.UnionType):
        return example(next(one for one in members if one not in (Envelope, type(None))), name)
    if origin is tuple:
        count = 2 if Ellipsis in members else 0
        return tuple(example(members[0], f"{name}/{number}") for number in range(count)) or tuple(
            example(one, name) for one in members
        )
    if origin is dict:
        return {"example": example(members[1], name)}
    assert isinstance(hint, type), f"{name}: no example of {hint}"
    if issubclass(hint, Enum):
        return next(iter(hint))
    assert is_dataclass(hint), f"{name}: no example of {hint}"
    hints = get_type_hints(hint, include_extras=True)
    return hint(
        **{one.name: example(hints[one.name], f"{name}/{one.name}") for one in fields(hint)}
    )


def recorded(found: EventType) -> Recorded[object]:
    """An event of the type."""
    return Recorded(
        tenant=uuid5(NAMESPACE, "tenant"),
        stream=uuid5(NAMESPACE, found.name),
        version=3,
        event_id=uuid5(NAMESPACE, f"event {found.name}"),
        occurred_at=AT,
        actor="key_example",
        decision=example(found.decision, found.name),
        purpose="service",
        case="case-1",
        policy_version="2027-01",
        cause=uuid5(NAMESPACE, "cause"),
    )


def document_of(stored: HeadedEvent) -> dict[str, Any]:
    """A golden file's content: the stored event, and how it reads today."""
    return {
        "type": stored.topic,
        "tenant": str(stored.tenant_id),
        "stream": str(stored.originator_id),
        "version": stored.originator_version,
        "event": str(stored.event_id),
        "header": stored.header.decode().split("\n"),
        "state": stored.state.decode().split("\n"),
        "reads": shown(mapper().to_domain_event(stored)),
    }


def stored_of(document: dict[str, Any]) -> HeadedEvent:
    """The stored event of a golden file."""
    return HeadedEvent(
        originator_id=UUID(document["stream"]),
        originator_version=document["version"],
        topic=document["type"],
        state="\n".join(document["state"]).encode(),
        tenant_id=UUID(document["tenant"]),
        event_id=UUID(document["event"]),
        header="\n".join(document["header"]).encode(),
    )


def shown(value: object) -> Any:
    """A value as JSON shows it, with the names of its types."""
    if isinstance(value, Envelope):
        return {"Envelope": json.loads(value.text)["class"]}
    if is_dataclass(value):
        named = {one.name: shown(getattr(value, one.name)) for one in fields(value)}
        return {type(value).__name__: named}
    if isinstance(value, tuple):
        return [shown(one) for one in value]
    if isinstance(value, UUID | date):
        return str(value)
    return cast(Any, value)


def path_of(name: str, folder: Path = FOLDER) -> Path:
    """Where the golden event of a type is."""
    return folder / f"{name}.json"


def wrong(folder: Path = FOLDER) -> list[str]:
    """Types without a golden event, and those that read otherwise than theirs says."""
    found = []
    for name in catalogue():
        path = path_of(name, folder)
        if not path.exists():
            found.append(f"{name}: no golden event")
            continue
        document = json.loads(path.read_text(encoding="utf-8"))
        if document != document_of(stored_of(document)):
            found.append(f"{name}: reads otherwise")
    return found


def write(folder: Path = FOLDER) -> None:
    """Write what is wrong; never the bytes of an event that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, found in catalogue().items():
        path = path_of(name, folder)
        if path.exists():
            stored = stored_of(json.loads(path.read_text(encoding="utf-8")))
        else:
            stored = mapper().to_stored_event(recorded(found))
        text = json.dumps(document_of(stored), indent=2, ensure_ascii=False, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run the tool."""
    if arguments not in ([], ["--check"], ["--write"]):
        print("python -m tools.golden_events [--check | --write]", file=sys.stderr)
        return 2
    if arguments == ["--write"]:
        write()
    found = wrong()
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
