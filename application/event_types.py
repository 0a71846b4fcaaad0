"""The one catalogue of event types: every decision, its permanent name, what of it is sealed.

A type is never renamed and never disappears; a new version is a new name, and an upcast from the old one
(`infrastructure/store/upcasts.py`). Start-up refuses a database that holds a type which is not listed here.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    Final,
    Literal,
    Protocol,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

from domain import (
    access,
    access_key,
    access_review,
    booking,
    consent,
    custody,
    disclosure,
    erasure,
    erasure_deferral,
    follow_up,
    franchise_request,
    hold,
    ledger,
    legal_hold,
    legal_process,
    location,
    operating,
    package,
    policy_version,
    privacy_request,
    purpose_basis,
    recipient,
    report,
    retention,
    service,
    signal,
    staff,
    subject,
    tenant,
)
from domain.sealing import RETENTION_CLASSES, Envelope, Plain, Sealed
from domain.values import Personal

NAME: Final = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+\.v[1-9][0-9]*")
PLAIN_TYPES: Final = (UUID, int, bool, datetime, date, type(None))


class Decision(Protocol):
    """A frozen dataclass with a permanent name."""

    TYPE: ClassVar[str]


class Unclassified(TypeError):
    """A field of an event that is neither plain nor sealed."""


@dataclass(frozen=True, slots=True)
class SealedField:
    """A field that becomes one envelope."""

    name: str
    group: type[object]
    retention_class: str
    subject_field: str


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of event. `plain` maps the plain fields to their annotations; `sealed` lists the others."""

    name: str
    decision: type[object]
    plain: Mapping[str, object]
    sealed: tuple[SealedField, ...]


DECISIONS: Final[tuple[type[Decision], ...]] = (
    *tenant.DECISIONS,
    *access_key.DECISIONS,
    *location.DECISIONS,
    *service.DECISIONS,
    *staff.DECISIONS,
    *subject.DECISIONS,
    *hold.DECISIONS,
    *booking.DECISIONS,
    *access.DECISIONS,
    *recipient.DECISIONS,
    *disclosure.DECISIONS,
    *legal_process.DECISIONS,
    *franchise_request.DECISIONS,
    *follow_up.DECISIONS,
    *custody.DECISIONS,
    *erasure.DECISIONS,
    *erasure_deferral.DECISIONS,
    *package.DECISIONS,
    *privacy_request.DECISIONS,
    *legal_hold.DECISIONS,
    *legal_hold.OPENINGS,
    *retention.DECISIONS,
    *policy_version.DECISIONS,
    *operating.DECISIONS,
    *policy_version.ACCEPTANCES,
    *purpose_basis.DECISIONS,
    *consent.DECISIONS,
    *signal.DECISIONS,
    *report.DECISIONS,
    *access_review.DECISIONS,
    *ledger.DECISIONS,
)


def classify(decision: type[Decision]) -> EventType:
    """Read a decision's fields. Raises Unclassified for a field whose type says neither plain nor sealed."""
    if not NAME.fullmatch(decision.TYPE):
        raise Unclassified(
            f"{decision.__name__}: {decision.TYPE} is not concept.past_participle.vN"
        )
    hints = get_type_hints(decision, include_extras=True)
    plain: dict[str, object] = {}
    sealed: list[SealedField] = []
    for name, hint in hints.items():
        if get_origin(hint) is ClassVar:
            continue
        found = _sealed_field(decision, name, hint, hints)
        if found is None:
            _require_plain(f"{decision.__name__}.{name}", hint)
            plain[name] = hint
        else:
            sealed.append(found)
    keys = [(field.retention_class, field.subject_field) for field in sealed]
    if len(set(keys)) < len(keys):
        raise Unclassified(f"{decision.__name__} seals two fields for one subject and class")
    return EventType(decision.TYPE, decision, plain, tuple(sealed))


@cache
def catalogue() -> Mapping[str, EventType]:
    """Every event type by its name."""
    found = {decision.TYPE: classify(decision) for decision in DECISIONS}
    assert len(found) == len(DECISIONS), "two decisions share a name"
    return found


def _sealed_field(
    decision: type[Decision], name: str, hint: object, hints: Mapping[str, object]
) -> SealedField | None:
    marked = _find_annotated(hint)
    if marked is None:
        return None
    inner, marker = marked
    members = [member for member in get_args(inner) if member not in (Envelope, type(None))]
    if Envelope not in get_args(inner) or len(members) != 1 or not is_dataclass(members[0]):
        raise Unclassified(f"{decision.__name__}.{name} must be Group | Envelope")
    if hints.get(marker.subject_field) is not UUID:
        raise Unclassified(f"{decision.__name__}.{marker.subject_field} must be the subject's id")
    if marker.retention_class not in RETENTION_CLASSES:
        raise Unclassified(f"{decision.__name__}.{name}: no class {marker.retention_class}")
    group = members[0]
    assert isinstance(group, type)
    return SealedField(name, group, marker.retention_class, marker.subject_field)


def _find_annotated(hint: object) -> tuple[object, Sealed] | None:
    if get_origin(hint) is Annotated:
        inner, *markers = get_args(hint)
        for marker in markers:
            if isinstance(marker, Sealed):
                return inner, marker
        return None
    for member in get_args(hint) if _is_union(hint) else ():
        found = _find_annotated(member)
        if found is not None:
            return found
    return None


def _is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


def _require_plain(where: str, hint: Any) -> None:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *markers = get_args(hint)
        if inner is str and any(isinstance(marker, Plain) and marker.why for marker in markers):
            return
        _require_plain(where, inner)
    elif origin is Literal or hint in PLAIN_TYPES or hint is Ellipsis:
        return
    elif origin is tuple or _is_union(hint):
        for member in get_args(hint):
            _require_plain(where, member)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        return
    elif isinstance(hint, type) and is_dataclass(hint) and hint is not Envelope:
        nested = get_type_hints(hint, include_extras=True)
        for field in fields(hint):
            _require_plain(f"{where}.{field.name}", nested[field.name])
    else:
        what = "personal data must be sealed" if hint is Personal else "is neither plain nor sealed"
        raise Unclassified(f"{where}: {what}")
