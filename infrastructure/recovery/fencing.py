"""Fences are put up again: whoever is ordered erased stays so, from before the first call is answered. README D8, D9.

A fence stands with the append that orders it, so only an order that comes back from the mirror can lack one. All of
the tenant's orders are read all the same: what is there already stays as it is.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import psycopg

from domain.custody import CustodyTaken, Fence
from domain.erasure import ErasureOrdered, ErasureResumed
from infrastructure.store.event_mapper import EventMapper, NoKeys
from infrastructure.store.event_recorder import COLUMNS, headed

ROWS_AT_ONCE: Final = 1_000
TAKING: Final = (ErasureOrdered.TYPE, ErasureResumed.TYPE, CustodyTaken.TYPE)
TAKEN: Final = f"SELECT {COLUMNS} FROM event WHERE tenant_id = %s AND type = ANY(%s)"
PUT_UP: Final = (
    "INSERT INTO subject_fence (tenant_id, subject_id, retention_class, erased_through)"
    " SELECT %b, * FROM unnest(%b::uuid[], %b::text[], %b::timestamptz[]) ON CONFLICT DO NOTHING"
)
Connection = psycopg.Connection[Any]


def fence_again(connection: Connection, tenant: UUID) -> int:
    """Put up the fences that one tenant's events name, inside the caller's transaction; how many were lacking."""
    lacking = 0
    with connection.cursor("taken", binary=True) as taken:
        taken.itersize = ROWS_AT_ONCE
        taken.execute(TAKEN.encode(), (tenant, list(TAKING)), binary=True)
        while rows := taken.fetchmany(ROWS_AT_ONCE):
            # The order comes before what it takes from custody, whose fence is of the same instant.
            named = [
                (fence.subject, name, fence.through)
                for _, fence in map(fence_of, rows)
                for name in fence.classes
            ]
            columns = [[one[at] for one in named] for at in range(3)]
            lacking += connection.execute(PUT_UP.encode(), (tenant, *columns)).rowcount
    return lacking


def fence_of(row: tuple[Any, ...]) -> tuple[UUID, Fence]:
    """The tenant and the fence that an event of TAKING orders. Raises LedgerDamaged, UnknownEventType."""
    event = EventMapper(NoKeys()).to_domain_event(headed(row))
    match event.decision:
        case ErasureOrdered() | ErasureResumed() as order:
            return event.tenant, Fence(order.subject, order.classes, order.through)
        case CustodyTaken() as order:
            return event.tenant, Fence(order.subject, order.classes, event.occurred_at)
    raise TypeError(f"{type(event.decision).__name__} orders no fence")
