"""A key that was good a moment ago, and is looked at again by the very append that it is for.

Who calls is known from memory for a key that was seen before; that it still stands is part of the statement that stores
what it asked for. So a call costs no look-up of its own, and a revoked key records no event from that instant on. What
was made ready before the append (the keys of a customer who is new) is swept as after any call that failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID


@dataclass(slots=True)
class Vouched:
    """A key as it was last seen: nothing is stored for it unless it still has this version.

    `seen` says that an append has found it so since the call began.
    """

    key: UUID
    version: int
    seen: bool = False


_vouched: ContextVar[Vouched | None] = ContextVar("vouched", default=None)


@contextmanager
def vouching(key: Vouched) -> Iterator[None]:
    """Have the next append of the block find out whether the key still stands."""
    token = _vouched.set(key)
    try:
        yield
    finally:
        _vouched.reset(token)


def yet_to_be_seen() -> Vouched | None:
    """The key that the next append is to look at; None where no append has to."""
    vouched = _vouched.get()
    return None if vouched is None or vouched.seen else vouched
