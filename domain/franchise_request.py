"""A franchise request: the brand's office asks for data of visits at its locations, and someone here answers for it.

1. It names locations, a range of time, fields, a purpose, and by what right it asks.
2. It is approved or refused once; approving is what discloses.
3. What is handed over is cut to the time in which each location belongs to the asker's tree.

*Not here*: the disclosure and what it refuses (`disclosure`), whose tree it is (`recipient`).
*Source*: row 84 of the policy's matrix; README D6.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never
from uuid import UUID

from domain import fields
from domain.errors import InvalidState
from domain.fields import Faults, fault
from domain.purposes import PURPOSES
from domain.sealing import Plain

LOCATIONS_MAX: Final = 200
FIELDS_MAX: Final = 50
AUTHORITY_CHARACTERS_MAX: Final = 200
_FIELD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")

RefusalReason = Literal[
    "outside_tree", "no_authority", "not_needed", "too_much", "purpose_not_permitted", "other"
]
Status = Literal["received", "approved", "refused"]
Office = Annotated[str, Plain("an id that the business chose for whoever holds a key; not a name")]


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestTerms:
    """What is asked for: `fields` of those who have visits at `location_ids` that start in [`from_`, `to`)."""

    location_ids: tuple[UUID, ...]
    from_: datetime
    to: datetime
    fields: tuple[Annotated[str, Plain("a code of the registry of personal fields")], ...]
    purpose: Annotated[str, Plain("a code of the closed list of purposes")]
    authority: Annotated[str, Plain("the clause or paper that lets an office ask; names nobody")]


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """The office that is `recipient` asked; `office` is what the business calls whoever holds the key it asked with."""

    TYPE: ClassVar[str] = "franchise_request.received.v1"

    request: UUID
    recipient: UUID
    office: Office
    terms: RequestTerms


@dataclass(frozen=True, slots=True)
class RequestApproved:
    """It was approved, and data of `count` persons was handed over by `disclosures`; none where there was nobody."""

    TYPE: ClassVar[str] = "franchise_request.approved.v1"

    disclosures: tuple[UUID, ...]
    count: int


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """It was refused, and nothing was handed over."""

    TYPE: ClassVar[str] = "franchise_request.refused.v1"

    reason: RefusalReason


Decision: TypeAlias = RequestReceived | RequestApproved | RequestRefused
DECISIONS: Final = (RequestReceived, RequestApproved, RequestRefused)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FranchiseRequest:
    """A request as it stands."""

    id: UUID
    recipient: UUID
    office: Office
    terms: RequestTerms
    version: int
    status: Status = "received"
    disclosures: tuple[UUID, ...] = ()
    count: int = 0
    reason: RefusalReason | None = None


def evolve(request: FranchiseRequest | None, decision: Decision) -> FranchiseRequest:
    """The request after `decision`."""
    if isinstance(decision, RequestReceived):
        return FranchiseRequest(
            decision.request, decision.recipient, decision.office, decision.terms, version=1
        )
    assert request is not None, "a request is received first"
    following = replace(request, version=request.version + 1)
    match decision:
        case RequestApproved():
            return replace(
                following,
                status="approved",
                disclosures=decision.disclosures,
                count=decision.count,
            )
        case RequestRefused():
            return replace(following, status="refused", reason=decision.reason)
        case _ as unreachable:
            assert_never(unreachable)


# --- deciding --------------------------------------------------------------------------------------------------------


def receive(
    request: UUID, recipient: UUID, office: str, terms: RequestTerms
) -> tuple[RequestReceived, ...]:
    """Enter a request of `recipient`, made by `office`.

    Refuses: Unacceptable (any field).
    """
    fields.accept(_faults(terms))
    return (RequestReceived(request, recipient, office, terms),)


def approve(
    request: FranchiseRequest, disclosures: tuple[UUID, ...], count: int
) -> tuple[RequestApproved, ...]:
    """Approve it: data of `count` persons was handed over by `disclosures`.

    Refuses: InvalidState (approved or refused already).
    """
    require_open(request)
    assert bool(disclosures) == bool(count), "whoever is counted was disclosed"
    return (RequestApproved(disclosures, count),)


def refuse(request: FranchiseRequest, reason: RefusalReason) -> tuple[RequestRefused, ...]:
    """Refuse it.

    Refuses: InvalidState (approved or refused already).
    """
    require_open(request)
    return (RequestRefused(reason),)


def require_open(request: FranchiseRequest) -> None:
    """Go on when nobody has answered it.

    Refuses: InvalidState.
    """
    if request.status != "received":
        raise InvalidState(f"It was {request.status}")


@dataclass(frozen=True, slots=True)
class Piece:
    """Locations that share one interval [`from_`, `to`) of what is asked for."""

    locations: tuple[UUID, ...]
    from_: datetime
    to: datetime


def cut(
    terms: RequestTerms, branches: Iterable[tuple[UUID, datetime, datetime | None]]
) -> tuple[Piece, ...] | None:
    """What of the request lies in the asker's tree; None when a location has no time in it at all.

    `branches` are (location, from, to), half-open, None without end. Pieces come by time, disjoint for each location.
    """
    held: dict[UUID, list[tuple[datetime, datetime]]] = {one: [] for one in terms.location_ids}
    for location, begin, end in branches:
        from_ = max(begin, terms.from_)
        to = terms.to if end is None else min(end, terms.to)
        if location in held and from_ < to:
            held[location].append((from_, to))
    if not all(held.values()):
        return None
    shared: dict[tuple[datetime, datetime], list[UUID]] = {}
    for location, intervals in held.items():
        for interval in intervals:
            shared.setdefault(interval, []).append(location)
    return tuple(
        Piece(tuple(locations), *interval) for interval, locations in sorted(shared.items())
    )


def _faults(terms: RequestTerms) -> Faults:
    found = (
        *fields.distinct("/location_ids", terms.location_ids, 1, LOCATIONS_MAX),
        *fields.distinct("/fields", terms.fields, 1, FIELDS_MAX),
        *fields.line("/authority", terms.authority, AUTHORITY_CHARACTERS_MAX),
    )
    for index, code in enumerate(terms.fields):
        found += fields.shaped(f"/fields/{index}", code, _FIELD, "It is no code of a field.")
    if terms.purpose not in PURPOSES:
        found += fault("/purpose", "unknown_purpose", "It is not in the list of purposes.")
    if terms.to <= terms.from_:
        found += fault("/to", "not_after_from", "It is not after `from`.")
    return found
