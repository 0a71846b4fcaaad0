"""Any decision of any type, made from what its fields say they may hold."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from hypothesis import strategies as st

from application.event_types import EventType
from application.recorded import Recorded
from domain.access import SubjectSeen
from domain.disclosure import ConsentSeen, SubjectShared
from domain.sealing import Envelope
from domain.values import Personal
from domain.visit import Visit

MARK = "Ähm, free text: "  # begins every text, so that it can be found again
CODES = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9:._-]{0,63}\Z")
LABELS = st.from_regex(r"\A[A-Za-z0-9:._-]{1,64}\Z")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40).map(
    MARK.__add__
)
INSTANTS = st.datetimes(
    datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC)
)  # whole microseconds, as clocks give them
SECONDS = st.integers(-(2**53) + 1, 2**53 - 1)  # what JSON's numbers hold


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    """A visit inside the time it occupies."""
    gaps = [timedelta(seconds=draw(st.integers(least, 90_000))) for least in (0, 1, 0)]
    start = draw(INSTANTS).replace(microsecond=0)
    times = [start, start + gaps[0], start + gaps[0] + gaps[1], start + sum(gaps, timedelta())]
    return Visit(
        service=draw(st.uuids()),
        location=draw(st.uuids()),
        staff=draw(st.uuids()),
        start=times[1],
        end=times[2],
        occupied_from=times[0],
        occupied_to=times[3],
        capacity=draw(st.integers(1, 1_000)),
    )


SPECIAL: dict[Any, st.SearchStrategy[Any]] = {
    UUID: st.uuids(),
    int: SECONDS,
    bool: st.booleans(),
    date: st.dates(),
    datetime: INSTANTS,
    type(None): st.none(),
    str: TEXTS,
    Personal: TEXTS.map(Personal),
    Visit: visits(),
    SubjectSeen: st.builds(
        SubjectSeen, st.uuids(), st.binary(min_size=16, max_size=16).map(bytes.hex)
    ),
    SubjectShared: st.builds(
        SubjectShared,
        st.uuids(),
        st.binary(min_size=16, max_size=16).map(bytes.hex),
        st.none() | st.uuids(),
        st.sampled_from(get_args(ConsentSeen)),
    ),
}


@cache
def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a field's type. A sealed field gets its group, never an envelope."""
    if hint in SPECIAL:
        return SPECIAL[hint]
    origin, members = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return values_of(members[0])
    if origin is Literal:
        return st.sampled_from(members)
    if origin in (Union, types.UnionType):
        return st.one_of([values_of(one) for one in members if one is not Envelope])
    if origin is tuple and Ellipsis in members:
        return st.lists(values_of(members[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*[values_of(one) for one in members])
    if origin is dict:
        return st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
            values_of(members[1]),
            max_size=3,
        )
    if issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    assert is_dataclass(hint) and isinstance(hint, type), hint
    hints = get_type_hints(hint, include_extras=True)
    return st.builds(hint, **{one.name: values_of(hints[one.name]) for one in fields(hint)})


def events_of(found: EventType) -> st.SearchStrategy[Recorded[object]]:
    """Any event of a type."""
    return st.builds(
        Recorded,
        tenant=st.uuids(),
        stream=st.uuids(),
        version=st.integers(1, 2**31 - 1),
        event_id=st.uuids(),
        occurred_at=INSTANTS,
        actor=CODES,
        decision=values_of(cast(Any, found.decision)),
        purpose=st.none() | CODES,
        case=st.none() | LABELS,
        policy_version=st.none() | LABELS,
        cause=st.none() | st.uuids(),
    )
