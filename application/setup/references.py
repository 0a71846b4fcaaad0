"""Whether what a request names exists: locations and services, by the fields of its body."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from application.permissions import sees
from application.ports import Book, CatalogEntry, CatalogKind
from application.recorded import Caller
from domain.errors import FieldError, UnknownReference
from domain.location import Location
from domain.service import Service


def require_locations(book: Book, by: Caller, ids: Sequence[UUID]) -> None:
    """Go on when every location of the field `/location_ids` is there, open, and the caller's own.

    Refuses: UnknownReference, with the pointer of each that is not.
    """

    def usable(entry: CatalogEntry) -> bool:
        state = entry.state
        return isinstance(state, Location) and state.active and sees(by, (state.id,))

    _require(book, by, "location", ids, "/location_ids", usable)


def require_services(book: Book, by: Caller, ids: Sequence[UUID]) -> None:
    """Go on when every service of the field `/service_ids` is there, offered, and at a location of the caller's.

    Refuses: UnknownReference, with the pointer of each that is not.
    """

    def usable(entry: CatalogEntry) -> bool:
        state = entry.state
        return isinstance(state, Service) and state.active and sees(by, state.terms.location_ids)

    _require(book, by, "service", ids, "/service_ids", usable)


def _require(
    book: Book,
    by: Caller,
    kind: CatalogKind,
    ids: Sequence[UUID],
    pointer: str,
    usable: Callable[[CatalogEntry], bool],
) -> None:
    if not ids:
        return
    known = {entry.id for entry in book.entries(by.tenant, kind, ids) if usable(entry)}
    errors = tuple(
        FieldError(f"{pointer}/{index}", UnknownReference.code, f"There is no such {kind}.")
        for index, id in enumerate(ids)
        if id not in known
    )
    if errors:
        raise UnknownReference(errors=errors)
