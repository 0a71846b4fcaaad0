"""The publisher: what is sequenced is mirrored, then signed, then published. README D8.

A tick is:

    mirror every event that is sequenced and not mirrored      crash here: the mirror says how far it is
    make each grown log's root and consistency proof from the stored tree
    have the signer sign them, all in one batch                crash here: the signer remembers more than we published
    publish the checkpoints                                    (it says so, and gets a proof from there)

The root is made from what the database holds at that moment: a tree that was rewritten cannot be proved consistent with
what the signer remembers, and nothing more is signed for that log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol
from uuid import UUID

from application.ports import Clock
from infrastructure.database import Database
from infrastructure.ledger.publishing.mirror import Mirror, MirroredEvent
from infrastructure.ledger.publishing.origins import Origins
from infrastructure.ledger.signing.signer import Refused, Signed, SignRequest
from infrastructure.ledger.tree import merkle
from infrastructure.ledger.tree.stored_tree import StoredTree
from infrastructure.ledger.tree.tile_writer import TreeDamaged

MIRROR_AT_ONCE: Final = 1_000
SIGN_AT_ONCE: Final = 500
SIGN_ROUNDS: Final = 2
LOG: Final = logging.getLogger("daybook.publisher")
EVENTS: Final = (
    "SELECT s.leaf_hash, s.sequence, s.tenant_id, s.position, s.event_id, s.stream_id, s.stream_version,"
    " coalesce(e.type, ''), s.recorded_at, coalesce(e.header, ''), coalesce(e.state, '')"
    " FROM sequenced s LEFT JOIN event e USING (tenant_id, stream_id, stream_version)"
    " WHERE s.sequence > %s ORDER BY s.sequence LIMIT %s"
)
UNPUBLISHED: Final = (
    "SELECT h.tenant_id, m.size FROM ledger_head h CROSS JOIN LATERAL ("
    " SELECT s.position + 1 AS size FROM sequenced s WHERE s.tenant_id = h.tenant_id AND s.sequence <= %s"
    " ORDER BY s.position DESC LIMIT 1) m"
    " WHERE NOT EXISTS (SELECT FROM ledger_checkpoint c WHERE c.tenant_id = h.tenant_id AND c.size >= m.size)"
)
PUBLISHED: Final = (
    "SELECT tenant_id, max(size) FROM ledger_checkpoint"
    " WHERE tenant_id = ANY(%b::uuid[]) GROUP BY tenant_id"
)
PUBLISH: Final = (
    "INSERT INTO ledger_checkpoint (tenant_id, size, root, note, signed_at)"
    " SELECT t, s, r, n, %s FROM unnest(%b::uuid[], %b::bigint[], %b::bytea[], %b::text[]) AS x(t, s, r, n)"
    " ON CONFLICT (tenant_id, size) DO NOTHING"
)
FORGET: Final = (
    "DELETE FROM ledger_checkpoint c USING unnest(%b::uuid[], %b::bigint[]) AS x(t, s)"
    " WHERE c.tenant_id = x.t AND c.size < x.s AND c.kept IS NULL"
)


class Signs(Protocol):
    """The signer, wherever it runs."""

    def sign(self, requests: Sequence[SignRequest]) -> list[Signed | Refused]:
        """An answer for each request. Raises Unavailable."""
        ...


class DatabaseBehind(Exception):
    """The database has less than the mirror, or something else: it was restored, or rewritten."""


@dataclass(slots=True)
class Publisher:
    """Publishes the logs of a deployment. `open`, then `tick` in a loop. One at a time: the mirror's lock sees to it.

    `refused` says of which logs nothing more is signed, and why.
    """

    database: Database
    mirror: Mirror
    signer: Signs
    origins: Origins
    clock: Clock
    refused: dict[UUID, str] = field(default_factory=dict)
    _spoiled: set[UUID] = field(default_factory=set)
    _signed: dict[UUID, int] = field(default_factory=dict)
    _due: dict[UUID, int] = field(default_factory=dict)

    def open(self) -> None:
        """Find where the mirror and the database stand, and what is unpublished of what is mirrored.

        What is not mirrored yet, however much, is left to `tick`. Raises DatabaseBehind, Unavailable.
        """
        self._compare_ends()
        sizes = self.database.rows(UNPUBLISHED, (self.mirror.end(),))
        self._due |= dict(sizes)

    def tick(self) -> int:
        """Mirror and publish what there is; how many events were mirrored.

        Raises OSError (the mirror takes nothing), Unavailable.
        """
        mirrored = self._mirror_some()
        if self._due:
            self._publish(dict(islice(self._due.items(), SIGN_AT_ONCE)))
        return mirrored

    def unfinished(self) -> bool:
        """True while there are logs to be published that no tick came to yet."""
        return bool(self._due)

    def _compare_ends(self) -> None:
        last = self.mirror.last()
        if last is None:
            return
        found = self.database.row(
            "SELECT event_id FROM sequenced WHERE sequence = %s", (last.sequence,)
        )
        if found is None:
            raise DatabaseBehind(f"the database lacks event {last.sequence}, which the mirror has")
        if found[0] != last.event_id:
            raise DatabaseBehind(f"event {last.sequence} is another one in the mirror")

    def _mirror_some(self) -> int:
        rows = self.database.rows(EVENTS, (self.mirror.end(), MIRROR_AT_ONCE))
        if rows:
            events = [MirroredEvent(*row[1:]) for row in rows]
            self.mirror.append(events)
            self._look_for_changes(events, [row[0] for row in rows])
            self._due |= {
                one.tenant: one.position + 1 for one in events if one.tenant not in self._spoiled
            }
        return len(rows)

    def _look_for_changes(self, events: Sequence[MirroredEvent], hashes: Sequence[bytes]) -> None:
        for event, kept in zip(events, hashes, strict=True):
            if merkle.leaf_hash(event.header) != kept:
                self._spoiled.add(event.tenant)
                self._refuse(
                    event.tenant, f"event {event.position} was changed after it was sequenced"
                )

    def _publish(self, due: dict[UUID, int]) -> None:
        unknown = [tenant for tenant in due if tenant not in self._signed]
        if unknown:
            self._signed |= dict.fromkeys(unknown, 0)
            self._signed |= dict(self.database.rows(PUBLISHED, (unknown,)))
        origins = self.origins.of(list(due))
        for _ in range(SIGN_ROUNDS):
            requests = self._requests(due, origins)
            answers = dict(zip(requests, self.signer.sign(list(requests.values())), strict=True))
            self._keep({tenant: one for tenant, one in answers.items() if isinstance(one, Signed)})
            due = self._refused_of(due, answers)
            if not due:
                return

    def _requests(
        self, due: Mapping[UUID, int], origins: Mapping[UUID, str]
    ) -> dict[UUID, SignRequest]:
        tree = StoredTree(self.database.rows)
        wanted = [(tenant, self._signed[tenant], size) for tenant, size in due.items()]
        try:
            readers = tree.prefetched(wanted)
        except TreeDamaged:
            readers = {tenant: tree.reader(tenant, size) for tenant, _, size in wanted}
        requests: dict[UUID, SignRequest] = {}
        for tenant, old, size in wanted:
            try:
                read = readers[tenant]
                proof = merkle.consistency_proof(old, size, read) if 0 < old < size else []
                root = merkle.root(size, read)
                requests[tenant] = SignRequest(origins[tenant], old, size, root, tuple(proof))
            except TreeDamaged as damage:
                self._refuse(tenant, str(damage))
        return requests

    def _keep(self, signed: Mapping[UUID, Signed]) -> None:
        if not signed:
            return
        tenants, sizes = list(signed), [one.size for one in signed.values()]
        columns = (
            tenants,
            sizes,
            [one.root for one in signed.values()],
            [one.note for one in signed.values()],
        )
        self.database.rows(PUBLISH, (self.clock.now(), *columns))
        self.database.rows(FORGET, (tenants, sizes))
        for tenant, one in signed.items():
            self._signed[tenant] = one.size
            self.refused.pop(tenant, None)
            if self._due[tenant] <= one.size:
                del self._due[tenant]

    def _refused_of(
        self, due: Mapping[UUID, int], answers: Mapping[UUID, Signed | Refused]
    ) -> dict[UUID, int]:
        """Those to be tried again, from the size that the signer remembers; the others are given up."""
        again: dict[UUID, int] = {}
        for tenant, one in answers.items():
            if isinstance(one, Signed):
                continue
            if (
                one.reason == "behind"
                and one.size <= due[tenant]
                and self._signed[tenant] != one.size
            ):
                self._signed[tenant] = one.size
                again[tenant] = due[tenant]
            else:
                if one.reason == "frozen":
                    # For good: what still comes is mirrored, and asks nobody any more.
                    self._spoiled.add(tenant)
                self._refuse(tenant, f"the signer refused: {one.reason}; it signed size {one.size}")
        return again

    def _refuse(self, tenant: UUID, reason: str) -> None:
        if self.refused.get(tenant) != reason:
            LOG.error("the log of %s is not signed any more: %s", tenant, reason)
        self.refused[tenant] = reason
        self._due.pop(tenant, None)
