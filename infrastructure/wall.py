"""Which tenant the present unit of work belongs to.

A request is bound to the tenant of its key before anything else is read; every connection taken out while it runs
is told so, and row-level security shows nothing of anyone else. The tenant is passed as an argument as well: when the
two differ, nothing is seen. Source: README D13.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

_bound: ContextVar[UUID | None] = ContextVar("bound_tenant", default=None)


@contextmanager
def bound_to(tenant: UUID) -> Iterator[None]:
    """Bind what runs inside, in this thread or task, to `tenant`."""
    token = _bound.set(tenant)
    try:
        yield
    finally:
        _bound.reset(token)


def bound_tenant() -> UUID | None:
    """The tenant this unit of work is bound to; None outside any."""
    return _bound.get()
