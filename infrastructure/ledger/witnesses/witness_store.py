"""Where cosignatures are kept: in the notes of checkpoints; and what is known of each witness beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from application.ledger.reading import Checkpoint
from application.ledger.witnessing import WitnessedCheckpoint, WitnessSeen
from application.ports import Clock
from infrastructure.database import Database, Row
from infrastructure.ledger.signed.checkpoints import parse_tree_head
from infrastructure.ledger.signed.cosignatures import cosigners, with_cosignatures
from infrastructure.ledger.signed.notes import BadNote, Note, Signature, parse_note
from infrastructure.ledger.witnesses.witness_policy import PolicyWitness, WitnessPolicy
from infrastructure.ledger.witnesses.witness_request import AddCheckpoint

NEWEST_LOOKED_AT: Final = 16
REQUESTED_LOOKED_AT: Final = 64
LET_GO: Final = "UPDATE ledger_checkpoint SET kept = NULL WHERE kept = 'cosigning'"
DUE: Final = (
    "SELECT h.tenant_id, c.size, c.note FROM ledger_head h CROSS JOIN LATERAL ("
    " SELECT size, note, cosigned_at FROM ledger_checkpoint c WHERE c.tenant_id = h.tenant_id"
    " ORDER BY size DESC LIMIT 1) c"
    " WHERE c.cosigned_at IS NULL OR EXISTS (SELECT FROM unnest(%b::text[]) AS w(label) LEFT JOIN witness_state s"
    " ON s.tenant_id = h.tenant_id AND s.witness = w.label WHERE s.size IS DISTINCT FROM c.size)"
    " ORDER BY c.cosigned_at IS NOT NULL, h.tenant_id LIMIT %s"
)
HOLD: Final = (
    "UPDATE ledger_checkpoint c SET kept = coalesce(c.kept, 'cosigning')"
    " FROM unnest(%b::uuid[], %b::bigint[]) AS x(t, s)"
    " WHERE c.tenant_id = x.t AND c.size = x.s RETURNING c.tenant_id"
)
SIZES: Final = (
    "SELECT tenant_id, witness, size FROM witness_state"
    " WHERE tenant_id = ANY(%b::uuid[]) AND witness = ANY(%b::text[])"
)
ONE: Final = (
    "SELECT note, cosigned_at FROM ledger_checkpoint WHERE tenant_id = %b AND size = %s FOR UPDATE"
)
KEEP: Final = (
    "UPDATE ledger_checkpoint SET note = %s, cosigned_at = %b::timestamptz,"
    " kept = CASE WHEN %b::timestamptz IS NULL THEN kept ELSE 'cosigned' END"
    " WHERE tenant_id = %b AND size = %s"
)
NOTE: Final = (
    "INSERT INTO witness_state AS w (tenant_id, witness, size, seen_at, problem, problem_at)"
    " VALUES (%b, %b, %s, %b::timestamptz, %b::text, %b::timestamptz)"
    " ON CONFLICT (tenant_id, witness) DO UPDATE SET size = excluded.size,"
    " seen_at = coalesce(excluded.seen_at, w.seen_at), problem = excluded.problem,"
    " problem_at = coalesce(excluded.problem_at, w.problem_at)"
)
REQUEST: Final = (
    "UPDATE ledger_checkpoint SET kept = CASE WHEN kept IS NULL OR kept = 'cosigning' THEN 'requested' ELSE kept END"
    " WHERE tenant_id = %b AND size = (SELECT max(size) FROM ledger_checkpoint WHERE tenant_id = %b)"
    " RETURNING size, note"
)
# One that was asked for by file, or is kept for another reason.
KEPT: Final = (
    "SELECT size, note FROM ledger_checkpoint WHERE tenant_id = %b AND kept IS NOT NULL"
    " ORDER BY size DESC LIMIT %s"
)
COSIGNED: Final = (
    "SELECT size, root, note, signed_at FROM ledger_checkpoint"
    " WHERE tenant_id = %b AND cosigned_at IS NOT NULL ORDER BY size DESC LIMIT %s"
)
SEEN: Final = (
    "SELECT witness, size, seen_at, problem, problem_at FROM witness_state WHERE tenant_id = %b"
)
NEWEST: Final = "SELECT size FROM ledger_checkpoint WHERE tenant_id = %b ORDER BY size DESC LIMIT 1"
FIRST: Final = "SELECT recorded_at FROM sequenced WHERE tenant_id = %b AND position = 0"
END: Final = "SELECT position FROM sequenced WHERE tenant_id = %b ORDER BY position DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint to be cosigned. `last_sizes` are the sizes that witnesses last cosigned, by label."""

    tenant: UUID
    size: int
    note: Note
    last_sizes: Mapping[str, int]
    cosigned_by: frozenset[str]

    @property
    def text(self) -> str:
        """The text that is signed."""
        return self.note.text

    def request(self, old: int, proof: Sequence[bytes]) -> bytes:
        """The body of `add-checkpoint`; of all signatures only the log's own go out with it."""
        head = parse_tree_head(self.note.text)
        own = tuple(one for one in self.note.signatures if one.name == head.origin)
        return AddCheckpoint(old, tuple(proof), Note(self.note.text, own), head).text().encode()


@dataclass(frozen=True, slots=True)
class CosignatureStore:
    """As the publisher's role. Every method raises Unavailable."""

    database: Database
    policy: WitnessPolicy
    clock: Clock

    def hold(self, labels: Sequence[str], limit: int) -> list[Held]:
        """Have the newest checkpoints that lack a cosignature stay while these witnesses are asked."""
        self.let_go()
        rows = self.database.rows(DUE, (list(labels), limit))
        tenants = [row[0] for row in rows]
        held = {row[0] for row in self.database.rows(HOLD, (tenants, [row[1] for row in rows]))}
        sizes: dict[UUID, dict[str, int]] = {}
        for tenant, label, size in self.database.rows(SIZES, (tenants, list(labels))):
            sizes.setdefault(tenant, {})[label] = size
        return [self._held(row, sizes.get(row[0], {})) for row in rows if row[0] in held]

    def let_go(self) -> None:
        """Let the publisher forget again what found no quorum."""
        self.database.rows(LET_GO)

    def keep(self, tenant: UUID, size: int, signatures: Sequence[Signature]) -> bool:
        """Add cosignatures, already checked, to a checkpoint; True when a quorum has cosigned it now."""
        with self.database.connection() as connection, connection.transaction():
            row = connection.execute(ONE.encode(), (tenant, size), binary=True).fetchone()
            if row is None:
                return False
            note = with_cosignatures(parse_note(row[0]), signatures)
            now = self.clock.now()
            signed = cosigners(note, self.policy.keys(), int(now.timestamp()))
            met_at = (row[1] or now) if self.policy.is_met_by(signed) else None
            connection.execute(KEEP.encode(), (note.whole(), met_at, met_at, tenant, size))
            return met_at is not None

    def note(
        self, tenant: UUID, witness: PolicyWitness, size: int, problem: str | None, answered: bool
    ) -> None:
        """Remember what a witness last said."""
        now = self.clock.now()
        seen, failed = (now if answered else None), (now if problem else None)
        self.database.rows(NOTE, (tenant, witness.label, size, seen, problem, failed))

    def requested(self, tenant: UUID) -> Held | None:
        """The newest checkpoint, which stays from now on: it leaves by file. None where nothing is signed."""
        row = self.database.row(REQUEST, (tenant, tenant))
        return None if row is None else self._held((tenant, *row), {})

    def kept(self, tenant: UUID) -> list[Held]:
        """The newest checkpoints that stay."""
        rows = self.database.rows(KEPT, (tenant, REQUESTED_LOOKED_AT))
        return [self._held((tenant, *row), {}) for row in rows]

    def _held(self, row: Row, sizes: Mapping[str, int]) -> Held:
        tenant, size, text = row
        note = parse_note(text)
        there = cosigners(note, self.policy.keys(), int(self.clock.now().timestamp()))
        labels = {one.label for one in self.policy.witnesses.values() if one.key in there}
        # A witness whose state says otherwise is asked again: it may be another answer that was lost.
        done = frozenset(label for label in labels if sizes.get(label) == size)
        return Held(tenant, size, note, sizes, done)


@dataclass(frozen=True, slots=True)
class PostgresWitnessRecords:
    """The port `WitnessRecords`, as the app's role."""

    database: Database
    policy: WitnessPolicy | None
    clock: Clock

    def configured(self) -> bool:
        """See the port."""
        return self.policy is not None

    def seen(self, tenant: UUID) -> Sequence[WitnessSeen]:
        """See the port."""
        if self.policy is None:
            return []
        known = {row[0]: row[1:] for row in self.database.rows(SEEN, (tenant,))}
        return [
            WitnessSeen(it.name, it.label, *known.get(it.label, (0, None, None, None)))
            for it in self.policy.witnesses.values()
        ]

    def last(self, tenant: UUID) -> WitnessedCheckpoint | None:
        """See the port. A row that says it is cosigned, and is not by the present policy, does not count."""
        if self.policy is None:
            return None
        now = self.clock.now()
        for row in self.database.rows(COSIGNED, (tenant, NEWEST_LOOKED_AT)):
            found = Checkpoint(*row)
            at = self._witnessed_at(found, now)
            if at is not None:
                return WitnessedCheckpoint(found, at)
        return None

    def newest_size(self, tenant: UUID) -> int:
        """See the port."""
        row = self.database.row(NEWEST, (tenant,))
        return row[0] if row else 0

    def begun_at(self, tenant: UUID) -> datetime | None:
        """See the port."""
        row = self.database.row(FIRST, (tenant,))
        return row[0] if row else None

    def end(self, tenant: UUID) -> int:
        """See the port."""
        row = self.database.row(END, (tenant,))
        return row[0] + 1 if row else 0

    def _witnessed_at(self, checkpoint: Checkpoint, now: datetime) -> datetime | None:
        """When the last of a quorum signed, by its own word; None where no quorum did."""
        assert self.policy is not None
        try:
            note = parse_note(checkpoint.note)
            head = parse_tree_head(note.text)
        except BadNote:
            return None
        signed = cosigners(note, self.policy.keys(), int(now.timestamp()))
        if (head.size, head.root) != (checkpoint.size, checkpoint.root):
            return None
        if not signed or not self.policy.is_met_by(signed):
            return None
        return min(now, datetime.fromtimestamp(max(signed.values()), UTC))
