"""Whose keys are whose: two keys of one holder are one person, wherever it takes two."""

from __future__ import annotations

from uuid import UUID

from application.ports import Book
from application.setup.access_keys import KEYS
from domain.values import parse_id


def holder_of(book: Book, tenant: UUID, actor: str) -> str:
    """Who holds the key `actor`, as the business calls them; `actor` itself where it is no key."""
    key = parse_id("key", actor)
    entry = None if key is None else book.entry(tenant, "key", key)
    return actor if entry is None else KEYS.state_of(entry).terms.actor


def same_holder(book: Book, tenant: UUID, one: str, other: str) -> bool:
    """True when both actors are one key, or keys of one holder."""
    return one == other or holder_of(book, tenant, one) == holder_of(book, tenant, other)
