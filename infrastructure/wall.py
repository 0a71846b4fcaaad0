"""Which tenant the present unit of work belongs to.

A request is bound to the tenant of its key before anything else is read; every connection taken out while it runs
is told so, and row-level security shows nothing of anyone else. The tenant is passed as an argument as well: when the
two differ, nothing is seen. Source: README D13.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class Unit:
    """A unit of work. Once something of it was read from the primary, the rest of it is, too: no step goes back."""

    tenant: UUID
    reads_primary: bool = False


_bound: ContextVar[Unit | None] = ContextVar("bound_unit", default=None)


@contextmanager
def bound_to(tenant: UUID) -> Iterator[None]:
    """Bind what runs inside, in this thread or task, to `tenant`."""
    token = _bound.set(Unit(tenant))
    try:
        yield
    finally:
        _bound.reset(token)


def bound_unit() -> Unit | None:
    """The present unit of work; None outside any."""
    return _bound.get()


def bound_tenant() -> UUID | None:
    """The tenant this unit of work is bound to; None outside any."""
    unit = _bound.get()
    return None if unit is None else unit.tenant
