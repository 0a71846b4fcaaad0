"""The port `ReceiptSigner`: a tenant's log signs receipts as it signs the manifests of bundles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from domain.errors import Unavailable
from infrastructure.canonical import canonical
from infrastructure.ledger.publishing.origins import Asked, Origins


class Attests(Protocol):
    """The signer, wherever it runs."""

    def attest(self, origin: str, manifest: bytes) -> str:
        """A signed note over the digest of a document. Raises Unavailable."""
        ...


class LogSignedReceipts:
    """See the port. A signer that is away keeps nobody from withdrawing: the receipt is signed when asked for."""

    def __init__(self, database: Asked, signer: Attests) -> None:
        self._origins = Origins(database)
        self._signer = signer

    def sign(self, tenant: UUID, document: Mapping[str, object]) -> str | None:
        """See the port."""
        origin = self._origins.of([tenant])[tenant]
        try:
            return self._signer.attest(origin, canonical(dict(document)))
        except Unavailable:
            return None
