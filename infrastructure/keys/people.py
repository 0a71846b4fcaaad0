"""Who is behind an e-mail address or phone number: a blind index that tells nothing without two keys. README D5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from application.people.contacts import Claimed
from application.ports import Clock, Found
from domain.sealing import RetentionClass
from infrastructure.canonical import hmac_sha256
from infrastructure.database import Row
from infrastructure.keys.key_tree import Tree, bucket_of_inner, inner_context, wrap
from infrastructure.keys.key_vault import PostgresKeyVault, Rekeyed, key_arrays

INDEX_KEY: Final = "index"
PENDING_FOR: Final = timedelta(hours=1)
SWEPT_MAX: Final = 500
Contact = Literal["email", "phone"]
# One statement, one snapshot: the row of the bucket says which of its keys the digests are made with now.
FIND: Final = (
    "SELECT b.revision, i.subject_id FROM epoch e JOIN bucket_key b ON b.epoch = e.epoch"
    " LEFT JOIN blind_index i ON i.tenant_id = %s AND i.kind = %s AND i.digest = %b"
    " WHERE e.current AND b.bucket = %s::int"
)


@dataclass(frozen=True, slots=True)
class PostgresPeople:
    """The ports `People` and `Contacts` on the key database.

    `is_registered(tenant, subject)` tells whether the subject has its first event.
    """

    vault: PostgresKeyVault
    clock: Clock
    is_registered: Callable[[UUID, UUID], bool]

    def find_or_prepare(
        self, tenant: UUID, email: str, candidate: UUID, classes: Sequence[RetentionClass]
    ) -> Found:
        """See the port. One statement; it writes only when the address is new."""
        inner = self._inner(tenant, "email", email)

        def look(tree: Tree) -> tuple[list[UUID], list[Row]]:
            new = self.vault.make(tree, tenant, candidate, classes)
            bucket, digest, sealed = entry(tree, tenant, "email", candidate, inner)
            arrays = key_arrays(new)
            return new.key_ids, self.vault.database.rows(
                "SELECT * FROM find_or_prepare(%b, %s::int, %s::bigint, 'email', %s::int, %b, %b, %s, %b,"
                f" {', '.join(text for text, _ in arrays)})",
                [
                    *(tenant, tree.epoch, tree.revision, bucket, digest, sealed),
                    *(self.clock.now(), candidate),
                    *(value for _, values in arrays for value in values),
                ],
            )

        made, rows = self.vault.in_tree(look)
        subject, pending = rows[0][0], rows[0][1]
        keys = [row[2:] for row in rows if row[2] is not None]
        self.vault.remember(tenant, subject, keys)
        lacking = [name for name in classes if name not in {key[0] for key in keys}]
        if lacking:
            self.vault.prepare(tenant, subject, lacking)
        is_new = bool(keys) and all(key[1] in made for key in keys)
        return Found(
            subject, registered=not pending or (not is_new and self._settle(tenant, subject))
        )

    def _settle(self, tenant: UUID, subject: UUID) -> bool:
        """A pending row becomes live once its subject has its first event."""
        if not self.is_registered(tenant, subject):
            return False
        self.vault.database.rows("SELECT settle_subject(%s, %s)", (tenant, subject))
        return True

    def find(self, tenant: UUID, kind: Contact, value: str) -> UUID | None:
        """See the port."""
        found = self.find_all(tenant, kind, value)
        return found[0] if found else None

    def find_all(self, tenant: UUID, kind: Contact, value: str) -> list[UUID]:
        """See the port `Contacts`. An older key of the bucket finds nobody: that is not taken for an answer."""
        inner = self._inner(tenant, kind, value)
        bucket = bucket_of_inner(inner)

        def found(tree: Tree) -> list[UUID]:
            rows = self.vault.database.rows(FIND, (tenant, kind, tree.digest(inner), bucket))
            if not rows or rows[0][0] > tree.revision:
                raise Rekeyed
            return [subject for _, subject in rows if subject is not None]

        return self.vault.in_tree(found)

    def claim(self, tenant: UUID, subject: UUID, kind: Contact, value: str) -> Claimed:
        """See the port `Contacts`."""
        inner = self._inner(tenant, kind, value)

        def claimed(tree: Tree) -> Claimed:
            bucket, digest, sealed = entry(tree, tenant, kind, subject, inner)
            row = self.vault.database.row(
                "SELECT * FROM claim_contact(%b, %s::int, %s::bigint, %s, %s::int, %b, %b, %s, %b)",
                (
                    *(tenant, tree.epoch, tree.revision, kind, bucket, digest, sealed),
                    *(self.clock.now(), subject),
                ),
            )
            assert row is not None
            return Claimed(row[0], row[1])

        return self.vault.in_tree(claimed)

    def settle(self, tenant: UUID, subject: UUID, kind: Contact, value: str | None) -> None:
        """See the port `Contacts`."""
        self._with_entry("settle_contact", tenant, subject, kind, value)

    def unclaim(self, tenant: UUID, subject: UUID, kind: Contact, value: str) -> None:
        """See the port `Contacts`."""
        self._with_entry("unclaim_contact", tenant, subject, kind, value)

    def _with_entry(
        self, function: str, tenant: UUID, subject: UUID, kind: Contact, value: str | None
    ) -> None:
        inner = None if value is None else self._inner(tenant, kind, value)

        def done(tree: Tree) -> None:
            place = (None, None) if inner is None else (bucket_of_inner(inner), tree.digest(inner))
            self.vault.database.rows(
                f"SELECT {function}(%b, %s::int, %s::bigint, %b, %s, %s::int, %s::bytea)",
                (tenant, tree.epoch, tree.revision, subject, kind, *place),
            )

        self.vault.in_tree(done)

    def prepare(self, tenant: UUID, subject: UUID, classes: Sequence[RetentionClass]) -> None:
        """See the port."""
        self.vault.prepare(tenant, subject, classes)

    def sweep(self, tenant: UUID) -> int:
        """Settle pendings older than an hour: live when their subject is registered, gone with its keys when not.

        No append is that slow, so nothing that is still on its way loses its keys. How many were settled.
        """
        before = self.clock.now() - PENDING_FOR
        rows = self.vault.database.rows(
            "SELECT subject_id FROM blind_index WHERE tenant_id = %s AND pending AND made_at < %s LIMIT %s",
            (tenant, before, SWEPT_MAX),
        )
        for (subject,) in rows:
            if not self._settle(tenant, subject):
                self._abandon(tenant, subject, before)
        return len(rows)

    def _abandon(self, tenant: UUID, subject: UUID, before: datetime) -> None:
        """Unless someone has asked for the address again: its keys may be in use by an append."""
        self.vault.database.rows("SELECT abandon_subject(%s, %s, %s)", (tenant, subject, before))

    def _inner(self, tenant: UUID, kind: Contact, value: str) -> bytes:
        return hmac_sha256(self.vault.secret(tenant, INDEX_KEY), f"{kind}\n{value}".encode())


def entry(
    tree: Tree, tenant: UUID, kind: Contact, subject: UUID, inner: bytes
) -> tuple[int, bytes, bytes]:
    """A row of the blind index: its bucket, its digest, and `inner` sealed."""
    bucket = bucket_of_inner(inner)
    sealed = wrap(tree.keys[bucket], inner, inner_context(tenant, kind, subject))
    return bucket, tree.digest(inner), sealed
