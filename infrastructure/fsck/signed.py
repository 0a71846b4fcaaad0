"""What was signed: checkpoints and the signer's memory, held against roots made from the stored leaf hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final
from uuid import UUID

from infrastructure.fsck.finding import OF_TENANT, Finding, Row, Scope
from infrastructure.fsck.tree import LEAVES
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import BadNote, parse_note, verify
from infrastructure.ledger.signing.signer_memory import Remembered
from infrastructure.ledger.tree.merkle import HASH_SIZE, Frontier

CHECKPOINTS: Final = (
    f"SELECT c.tenant_id, c.size, c.root, c.note FROM ledger_checkpoint c WHERE {OF_TENANT.format('c')}"
    " ORDER BY c.tenant_id, c.size"
)
SIGNED: Final = "signed"


def signed(scope: Scope) -> Iterator[Finding]:
    """Every checkpoint that is kept, and the last tree of each log that the signer remembers."""
    roots = SignedRoots(scope)
    for tenant, of_log in groupby(scope.rows("signed", LEAVES, level=0), key=lambda row: row[0]):
        frontier = Frontier()
        for row in scope.counted(of_log):
            hashes = [row[2][at : at + HASH_SIZE] for at in range(0, len(row[2]), HASH_SIZE)]
            yield from roots.compare(tenant, frontier, hashes)
            frontier = frontier.extended(hashes)
        yield from roots.beyond(tenant, frontier.size)
    yield from roots.of_no_log()


@dataclass(slots=True)
class SignedRoots:
    """Asked with each piece of each log in turn, in order of tenant and position."""

    scope: Scope
    _notes: Iterator[Row] = field(init=False)
    _note: Row | None = field(init=False)
    _seen: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._notes = self.scope.rows("checkpoints", CHECKPOINTS)
        self._note = next(self._notes, None)

    def compare(
        self, tenant: UUID, frontier: Frontier, hashes: Sequence[bytes]
    ) -> Iterator[Finding]:
        """What was signed for the tree of `frontier` and as many of `hashes` as are needed."""
        past = frontier.size + len(hashes)
        tree = self._remembered(tenant)
        if tree is not None and frontier.size < tree.size <= past:
            self._seen.add(self.scope.origin_of(tenant))
            if _root(frontier, hashes, tree.size) != tree.root:
                reason = f"the signer signed another tree of {tree.size} entries"
                yield Finding(SIGNED, tenant, tree.size - 1, reason)
        for note in self._notes_until(tenant, past):
            if note[0] != tenant or note[1] <= frontier.size:
                yield Finding(SIGNED, note[0], note[1] - 1, "a checkpoint of no log, or twice")
            else:
                yield from self._note_flaws(note, _root(frontier, hashes, note[1]))

    def beyond(self, tenant: UUID, size: int) -> Iterator[Finding]:
        """What was signed for a log beyond its end."""
        tree = self._remembered(tenant)
        if tree is not None and tree.size > size:
            self._seen.add(self.scope.origin_of(tenant))
            reason = f"the log ends here, and the signer signed {tree.size} entries"
            yield Finding(SIGNED, tenant, size, reason)
        for note in self._notes_until(tenant, None):
            yield Finding(
                SIGNED, tenant, size, f"a checkpoint of {note[1]} entries, which are not there"
            )

    def of_no_log(self) -> Iterator[Finding]:
        """What was signed for logs that are not there."""
        while self._note is not None:
            yield Finding(SIGNED, self._note[0], self._note[1] - 1, "a checkpoint of no log")
            self._note = next(self._notes, None)
        if self.scope.tenant is None:
            signed = {name for name, tree in (self.scope.remembered or {}).items() if tree.size}
            for name in sorted(signed - self._seen):
                yield Finding(
                    SIGNED, None, None, f"the signer signed for {name}, which is not there"
                )

    def _remembered(self, tenant: UUID) -> Remembered | None:
        return (self.scope.remembered or {}).get(self.scope.origin_of(tenant))

    def _is_remembered(self, origin: str, size: int) -> bool:
        """False where the signer's memory is older than a checkpoint: it would sign another history."""
        return _reaches(self.scope.remembered, origin, size) or _reaches(
            self.scope.remembered_now(),
            origin,
            size,  # it signs while we read
        )

    def _notes_until(self, tenant: UUID, past: int | None) -> Iterator[Row]:
        """Checkpoints of earlier tenants, and of this one up to a size; None takes all of it."""
        while (note := self._note) is not None and note[0] <= tenant:
            if note[0] == tenant and past is not None and note[1] > past:
                return
            self._note = next(self._notes, None)
            yield note

    def _note_flaws(self, note: Row, root: bytes) -> Iterator[Finding]:
        tenant, size, kept, text = note
        origin = self.scope.origin_of(tenant)
        if kept != root:
            yield Finding(
                SIGNED, tenant, size - 1, f"the checkpoint of {size} entries has another root"
            )
        if not self._is_remembered(origin, size):
            reason = f"the signer does not remember the tree of {size} entries that it signed"
            yield Finding(SIGNED, tenant, size - 1, reason)
        keys = self.scope.keys_of(origin)
        try:
            read = parse_note(text)
            if read.text != TreeHead(origin, size, kept).text():
                raise BadNote("it says something else than its row")
            if keys is not None:
                verify(read, keys)
        except BadNote as flaw:
            yield Finding(SIGNED, tenant, size - 1, f"the checkpoint of {size} entries: {flaw}")


def _root(frontier: Frontier, hashes: Sequence[bytes], size: int) -> bytes:
    return frontier.extended(hashes[: size - frontier.size]).root()


def _reaches(known: Mapping[str, Remembered] | None, origin: str, size: int) -> bool:
    return known is None or (origin in known and known[origin].size >= size)
