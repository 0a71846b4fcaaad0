"""The checks of `fsck`, in the order in which they run, and a run of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from uuid import UUID

import psycopg

from domain.errors import Unavailable
from infrastructure.deployment import Deployment
from infrastructure.fsck.answers import answers
from infrastructure.fsck.book import book
from infrastructure.fsck.contacts import contacts
from infrastructure.fsck.denials import denials
from infrastructure.fsck.entries import entries
from infrastructure.fsck.fences import fences
from infrastructure.fsck.finding import Check, Finding, Scope, Seen, snapshot
from infrastructure.fsck.keys import keys
from infrastructure.fsck.mirrored import mirrored
from infrastructure.fsck.models import models
from infrastructure.fsck.signed import signed
from infrastructure.fsck.streams import streams
from infrastructure.fsck.subjects import subjects
from infrastructure.fsck.tree import tree
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.signed.notes import VerifierKey
from infrastructure.ledger.signing.signer_keys import MEMORY, SignerKeys
from infrastructure.ledger.signing.signer_memory import Remembered, read_journal
from infrastructure.ledger.signing.signer_socket import SignerClient

FINDINGS_MAX: Final = 100  # of one check: who has more of them needs no list
# One more check is one more line.
CHECKS: Final[Mapping[str, Check]] = {
    "entries": entries,
    "streams": streams,
    "tree": tree,
    "signed": signed,
    "mirror": mirrored,
    "book": book,
    "fences": fences,
    "answers": answers,
    "denials": denials,
    "models": models,
    "subjects": subjects,
    "keys": keys,
    "contacts": contacts,
}
# What to do about the findings of a check: docs/fsck.md says more.
ADVICE: Final[Mapping[str, str]] = {
    "entries": "the record was changed past Daybook: restore a backup; what came later is in the mirror",
    "streams": "the record was changed past Daybook: restore a backup; what came later is in the mirror",
    "tree": "restore a backup: tiles are made with the entries that the mirror brings back",
    "signed": "keep both copies, and tell whoever audits the log: something else was signed than is there",
    "mirror": "see which of the two agrees with what was signed, and restore the other from it",
    "book": "restore a backup from before: this is made anew for each log that the mirror adds to",
    "fences": "restore a backup from before: fences are put up again for each log that the mirror adds to",
    "answers": "delete the rows named: such a call, sent again, runs anew",
    "denials": "delete the rows named: what was recorded of them stays in the log",
    "models": "rebuild the read model named; for any other follower restore a backup",
    "subjects": "restore a backup from before: index, chains and maps follow from the log",
    "keys": "restore a key backup of this epoch: what was erased since is destroyed again",
    "contacts": "restore a key backup of this epoch; delete entries of nobody and of the erased",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check found; `more` when it stopped looking after the hundredth."""

    name: str
    findings: tuple[Finding, ...]
    more: bool


Told = Callable[[str, int], None]


def check_all(
    deployment: Deployment, tenant: UUID | None = None, told: Told = lambda _name, _count: None
) -> list[Checked]:
    """Run every check over one snapshot, of one tenant or of all. `told` hears how much each has looked at.

    Raises MemoryDamaged, SeedRefused.
    """
    remembered = _remembered(deployment)  # before the snapshot, which then has all of it
    public_keys = PublicKeys(deployment)
    try:
        with snapshot(deployment.dsn_of("keeper")) as connection:
            scope = Scope(
                connection,
                deployment,
                tenant,
                _origins(connection),
                remembered,
                public_keys.of,
                lambda: _remembered(deployment),
            )
            return [run(name, scope, told) for name in CHECKS]
    finally:
        public_keys.close()


def run(name: str, scope: Scope, told: Told = lambda _name, _count: None) -> Checked:
    """One check."""
    scope.tick = lambda count: told(name, count)
    scope.tick(0)  # it has begun, even if there is nothing to look at
    some = tuple(islice(CHECKS[name](scope), FINDINGS_MAX + 1))
    return Checked(name, some[:FINDINGS_MAX], len(some) > FINDINGS_MAX)


@dataclass(slots=True)
class PublicKeys:
    """The public keys of logs: from the signer, else from its folder, where it does not run."""

    deployment: Deployment
    _client: SignerClient | None = None

    def of(self, origin: str) -> Sequence[VerifierKey] | None:
        """The keys of a log; None where neither the signer nor its folder tells."""
        if self._client is None:
            self._client = SignerClient(self.deployment.settings.signer_socket)
        try:
            return [VerifierKey.parse(text) for text in self._client.verifier_keys(origin)]
        except Unavailable:
            folder = self.deployment.settings.signer
            return SignerKeys(folder).verifier_keys(origin) if folder.is_dir() else None

    def close(self) -> None:
        """Hang up."""
        if self._client is not None:
            self._client.close()


def _remembered(deployment: Deployment) -> dict[str, Remembered] | None:
    memory = deployment.settings.signer / MEMORY
    return read_journal(memory.read_bytes(), memory) if memory.exists() else None


def _origins(connection: psycopg.Connection[Any]) -> dict[UUID, str]:
    tenants = connection.execute("SELECT tenant_id FROM ledger_head").fetchall()
    return Origins(Seen(connection)).of([row[0] for row in tenants])
