"""What stands after a stream: the time it occupies, its entry in the catalog, the busy time it tells of.

All of it follows from the stream alone. The tables of current state are compared with this, and made anew from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import chain
from typing import Any, Final
from uuid import UUID

from application.booking.claims import claim_of_booking, claim_of_hold
from application.disclosing.recipients import RECIPIENTS
from application.erasing.ordering import ERASURES
from application.event_types import Decision
from application.holding.hold_log import LEGAL_HOLDS
from application.orders.franchise_requests import FRANCHISE_REQUESTS
from application.orders.legal_processes import LEGAL_PROCESSES
from application.policy.policies import POLICIES
from application.policy.purposes import PURPOSE_BASES
from application.ports import CatalogEntry, Claim
from application.recorded import Recorded
from application.requests.steps import REQUESTS
from application.setup.access_keys import KEYS
from application.setup.locations import LOCATIONS
from application.setup.register import Register
from application.setup.services import SERVICES
from application.setup.staffing import STAFF
from application.setup.tenancy import TENANTS
from domain import (
    access_key,
    booking,
    erasure,
    franchise_request,
    hold,
    legal_hold,
    legal_process,
    location,
    policy_version,
    privacy_request,
    purpose_basis,
    recipient,
    service,
    staff,
    tenant,
)

Blocks = tuple[tuple[int, int], ...]
CATALOG: Final[tuple[tuple[tuple[type[Decision], ...], Register[Any, Any]], ...]] = (
    (tenant.DECISIONS, TENANTS),
    (access_key.DECISIONS, KEYS),
    (location.DECISIONS, LOCATIONS),
    (service.DECISIONS, SERVICES),
    (staff.DECISIONS, STAFF),
    (legal_process.DECISIONS, LEGAL_PROCESSES),
    (franchise_request.DECISIONS, FRANCHISE_REQUESTS),
    (recipient.DECISIONS, RECIPIENTS),
    (erasure.DECISIONS, ERASURES),
    (privacy_request.DECISIONS, REQUESTS),
    (legal_hold.DECISIONS, LEGAL_HOLDS),
    (policy_version.DECISIONS, POLICIES),
    (purpose_basis.DECISIONS, PURPOSE_BASES),
)
# Types of events whose streams leave something standing begin with one of these.
_TYPES: Final[tuple[type[Decision], ...]] = (
    *booking.DECISIONS,
    *hold.DECISIONS,
    *(decision for decisions, _ in CATALOG for decision in decisions),
)
# Types of events whose streams leave something standing begin with one of these.
CONCEPTS: Final = tuple(sorted({decision.TYPE.split(".")[0] for decision in _TYPES}))


@dataclass(frozen=True, slots=True)
class Standing:
    """What one stream leaves standing. `busy` is sorted and disjoint, epoch seconds."""

    claim: Claim | None = None
    entry: CatalogEntry | None = None
    busy: Blocks = ()


NOTHING: Final = Standing()


def standing_after(events: Iterable[Recorded[object]]) -> Standing:
    """Fold one stream, oldest first. Streams that leave nothing standing give nothing."""
    following = iter(events)
    first = next(following, None)
    if first is None:
        return NOTHING
    whole = chain((first,), following)
    if isinstance(first.decision, booking.DECISIONS):
        return _booking(whole)
    if isinstance(first.decision, hold.DECISIONS):
        return _hold(whole)
    for decisions, register in CATALOG:
        if isinstance(first.decision, decisions):
            return _catalogued(register, first.occurred_at, whole)
    return NOTHING


def busy_after(blocks: Blocks, imported: staff.StaffBusyImported) -> Blocks:
    """Busy time after an import: inside its window it alone counts, outside of it nothing changes.

    >>> busy_after(((1, 5), (8, 9)), staff.StaffBusyImported(3, 10, (4, 6)))
    ((1, 3), (4, 6))
    """
    kept = [
        (start, end)
        for begin, past in blocks
        for start, end in (
            (begin, min(past, imported.from_)),
            (max(begin, imported.to), past),
        )
        if start < end
    ]
    bounds = imported.bounds
    return tuple(sorted([*kept, *zip(bounds[::2], bounds[1::2], strict=True)]))


def _booking(events: Iterable[Recorded[Any]]) -> Standing:
    state: booking.Booking | None = None
    for event in events:
        state = booking.evolve(state, event.decision)
    assert state is not None
    return Standing(claim=claim_of_booking(state)) if state.occupies else NOTHING


def _hold(events: Iterable[Recorded[Any]]) -> Standing:
    placed, *ended = (event.decision for event in events)
    return NOTHING if ended else Standing(claim=claim_of_hold(placed))


def _catalogued(
    register: Register[Any, Any], at: datetime, events: Iterable[Recorded[Any]]
) -> Standing:
    def step(before: tuple[Any, Blocks, UUID], event: Recorded[Any]) -> tuple[Any, Blocks, UUID]:
        state, busy, _ = before
        if isinstance(event.decision, staff.StaffBusyImported):
            busy = busy_after(busy, event.decision)
        return register.evolve(state, event.decision), busy, event.stream

    begin: tuple[Any, Blocks, UUID] = (None, (), UUID(int=0))
    state, busy, id = reduce(step, events, begin)
    return Standing(entry=CatalogEntry(register.kind, id, state.version, at, state), busy=busy)
