"""The ledger as its readers see it: checkpoints, tiles, entries, headers, receipts, proofs.

None of it opens a value, and reading it is not recorded: headers name ids and codes, payloads are sealed.
README D6, D7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from application.permissions import require
from application.recorded import Caller
from domain.access_key import Role
from domain.errors import FieldError, Malformed, NotFound, Unidentified

AUDITORS: Final[tuple[Role, ...]] = ("auditor", "owner", "privacy_officer")
PUBLIC: Final = "public"  # no role of a key: whoever reads what is published, without one
PAGE_EVENTS_DEFAULT: Final = 50
PAGE_EVENTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed size and root of a tenant's ledger; `note` is the signed note with the cosignatures that it got."""

    size: int
    root: bytes
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """An event as it stands in the ledger. `header` is its leaf, `payload` its sealed payload (None: not asked for)."""

    position: int
    event_id: UUID
    type: str
    stream: UUID
    version: int
    recorded_at: datetime
    header: bytes
    leaf_hash: bytes
    payload: bytes | None = None


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """Events after position `after`, in order. `type` is a whole type, or its beginning up to a dot."""

    after: int = -1
    limit: int = PAGE_EVENTS_DEFAULT
    type: str | None = None
    subject: UUID | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """A proof that an event is in the ledger: a C2SP tlog-proof that holds the event's leaf, too."""

    position: int
    text: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Hashes of an inclusion or a consistency proof (RFC 6962), for a tree of `size`."""

    size: int
    hashes: tuple[bytes, ...]


class Ledger(Protocol):
    """The stored ledger of the bound tenant. Nothing beyond the last checkpoint is proved.

    Bytes that are not those that were hashed are not given out: what reads events and proofs raises LedgerDamaged.
    """

    def checkpoint(self, tenant: UUID) -> Checkpoint | None:
        """The last one; None while nothing is signed."""
        ...

    def tile(self, tenant: UUID, path: str) -> bytes | None:
        """The bytes at a path of C2SP tlog-tiles (`tile/...`); None for no such path, or what no checkpoint covers."""
        ...

    def events(self, tenant: UUID, query: EventsQuery) -> Sequence[LedgerEvent]:
        """Sequenced events, without payloads."""
        ...

    def event(self, tenant: UUID, event: UUID) -> LedgerEvent | Literal["queued"] | None:
        """One event with its payload; "queued" while it waits for its position."""
        ...

    def inclusion(self, tenant: UUID, index: int, size: int) -> tuple[bytes, ...]:
        """The audit path of the leaf at `index` in the tree of `size`, which a checkpoint covers."""
        ...

    def consistency(self, tenant: UUID, old: int, size: int) -> tuple[bytes, ...]:
        """The proof that the tree of `size` extends that of `old`."""
        ...

    def receipt(self, tenant: UUID, event: LedgerEvent) -> Receipt | None:
        """A receipt under the last checkpoint, which is kept from then on; None while none covers the event."""
        ...


@dataclass(frozen=True, slots=True)
class LedgerReads:
    """What an auditor reads."""

    ledger: Ledger

    def checkpoint(self, tenant: UUID, by: Caller) -> Checkpoint:
        """The last checkpoint. Refuses: NotPermitted, NotFound (another tenant's, or nothing is signed yet)."""
        self._require(tenant, by, published=True)
        found = self.ledger.checkpoint(tenant)
        if found is None:
            raise NotFound("Nothing is signed yet")
        return found

    def tile(self, tenant: UUID, path: str, by: Caller) -> bytes:
        """A tile, of hashes or entries. Entries are never public: headers name ids.

        Refuses: Unidentified (entries, without a key), NotPermitted, NotFound (no checkpoint covers it).
        """
        self._require(tenant, by, published=not path.startswith("tile/entries/"))
        found = self.ledger.tile(tenant, path)
        if found is None:
            raise NotFound("No checkpoint covers that tile")
        return found

    def events(self, query: EventsQuery, by: Caller) -> Sequence[LedgerEvent]:
        """A page of headers. Refuses: NotPermitted."""
        require(by, *AUDITORS)
        return self.ledger.events(by.tenant, query)

    def event(self, id: UUID, by: Caller) -> LedgerEvent | None:
        """One event with its sealed payload; None while it waits for its position. Refuses: NotPermitted, NotFound."""
        require(by, *AUDITORS)
        found = self.ledger.event(by.tenant, id)
        if found is None:
            raise NotFound()
        return None if found == "queued" else found

    def receipt(self, id: UUID, by: Caller) -> Receipt | None:
        """A receipt; None until a checkpoint covers the event. Refuses: NotFound.

        Whoever may ask for events may; so may who books, for a receipt shows a header: ids, codes and digests.
        """
        require(by, *AUDITORS, "manager", "staff", "booking")
        found = self.ledger.event(by.tenant, id)
        if found is None:
            raise NotFound()
        return None if found == "queued" else self.ledger.receipt(by.tenant, found)

    def inclusion(self, index: int, size: int, by: Caller) -> Proof:
        """Refuses: NotPermitted, Malformed (beyond the signed size, or no such index)."""
        require(by, *AUDITORS)
        self._require_signed("/size", size, by)
        if not 0 <= index < size:
            raise beyond("/index", "It is not below the size.")
        return Proof(size, self.ledger.inclusion(by.tenant, index, size))

    def consistency(self, old: int, size: int, by: Caller) -> Proof:
        """Refuses: NotPermitted, Malformed (beyond the signed size, or out of order)."""
        require(by, *AUDITORS)
        self._require_signed("/to", size, by)
        if not 0 < old <= size:
            raise beyond("/from", "It is at least 1, and not over the other size.")
        return Proof(size, self.ledger.consistency(by.tenant, old, size))

    def _require(self, tenant: UUID, by: Caller, *, published: bool) -> None:
        if PUBLIC in by.roles:
            if not published:
                raise Unidentified("Entries take an API key")
        else:
            require(by, *AUDITORS)
        if tenant != by.tenant:
            raise NotFound()

    def _require_signed(self, pointer: str, size: int, by: Caller) -> None:
        signed = self.ledger.checkpoint(by.tenant)
        if signed is None or not 0 < size <= signed.size:
            raise beyond(pointer, "No checkpoint covers that size.")


def public_reader(tenant: UUID) -> Caller:
    """Whoever reads what a tenant publishes: nobody knows who, and nothing else may be read."""
    return Caller(tenant, f"{PUBLIC}:{tenant.hex}", frozenset({PUBLIC}))


def beyond(pointer: str, detail: str) -> Malformed:
    """The refusal of a size or an index that no checkpoint covers."""
    return Malformed(errors=(FieldError(pointer, Malformed.code, detail),))
