"""The current state of what a business has set up, as a row and back."""

from __future__ import annotations

from typing import Any, Final

from pydantic import TypeAdapter

from application.ports import CatalogEntry, CatalogKind
from domain.access_key import AccessKey
from domain.erasure import Erasure
from domain.franchise_request import FranchiseRequest
from domain.legal_hold import LegalHold
from domain.legal_process import LegalProcess
from domain.location import Location
from domain.policy_version import PolicyVersion
from domain.privacy_request_state import PrivacyRequest
from domain.purpose_basis import PurposeBases
from domain.recipient import Recipient
from domain.service import Service
from domain.staff import Staff
from domain.tenant import Tenant
from infrastructure.database import Row

_ADAPTERS: Final[dict[CatalogKind, TypeAdapter[Any]]] = {
    "tenant": TypeAdapter(Tenant),
    "location": TypeAdapter(Location),
    "service": TypeAdapter(Service),
    "staff": TypeAdapter(Staff),
    "key": TypeAdapter(AccessKey),
    "legal_process": TypeAdapter(LegalProcess),
    "franchise_request": TypeAdapter(FranchiseRequest),
    "recipient": TypeAdapter(Recipient),
    "erasure": TypeAdapter(Erasure),
    "privacy_request": TypeAdapter(PrivacyRequest),
    "legal_hold": TypeAdapter(LegalHold),
    "policy": TypeAdapter(PolicyVersion),
    "purpose": TypeAdapter(PurposeBases),
}
_CACHED_STATES_MAX: Final = 4_096


class StateCache:
    """Remembers decoded states by their exact text: a state never differs from its bytes, so none is ever stale."""

    def __init__(self) -> None:
        self._known: dict[tuple[CatalogKind, str], object] = {}

    def state(self, kind: CatalogKind, text: str) -> object:
        """The state that `text` says."""
        known = self._known.get((kind, text))
        if known is None:
            if len(self._known) >= _CACHED_STATES_MAX:
                self._known.clear()
            known = self._known[(kind, text)] = _ADAPTERS[kind].validate_json(text)
        return known


_cache: Final = StateCache()


def catalog_row(entry: CatalogEntry) -> dict[str, object]:
    """An entry for the SQL function `set_catalog`."""
    return {
        "id": str(entry.id),
        "kind": entry.kind,
        "version": entry.version,
        "created_at": entry.created_at.isoformat(),
        "state": _ADAPTERS[entry.kind].dump_json(entry.state).decode(),
        "offers": [str(id_) for id_ in entry.state.terms.service_ids]
        if isinstance(entry.state, Staff)
        else None,
    }


def catalog_entry(row: Row) -> CatalogEntry:
    """A row of (kind, id, version, created_at, state)."""
    kind: CatalogKind = row[0]
    return CatalogEntry(kind, row[1], row[2], row[3], _cache.state(kind, row[4]))
