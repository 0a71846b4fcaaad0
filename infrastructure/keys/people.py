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
from infrastructure.keys.key_tree import secret_context
from infrastructure.keys.key_vault import PostgresKeyVault, key_arrays

INDEX_KEY: Final = "index"
PENDING_FOR: Final = timedelta(hours=1)
SWEPT_MAX: Final = 500
Contact = Literal["email", "phone"]


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

        def look(epoch: int) -> tuple[list[UUID], list[Row]]:
            new = self.vault.make(tenant, candidate, classes)
            sealed = self.vault.epoch_keys.wrap(
                epoch, inner, secret_context(tenant, "inner", epoch)
            )
            arrays = key_arrays(new)
            return new.key_ids, self.vault.database.rows(
                "SELECT * FROM find_or_prepare(%b, %s::int, 'email', %b, %b, %s, %b,"
                f" {', '.join(text for text, _ in arrays)})",
                [
                    tenant,
                    epoch,
                    self.vault.epoch_keys.digest(epoch, inner),
                    sealed,
                    self.clock.now(),
                    candidate,
                    *(value for _, values in arrays for value in values),
                ],
            )

        made, rows = self.vault.in_epoch(look)
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
        self.vault.database.rows(
            "UPDATE blind_index SET pending = false WHERE tenant_id = %s AND subject_id = %s",
            (tenant, subject),
        )
        return True

    def find(self, tenant: UUID, kind: Contact, value: str) -> UUID | None:
        """See the port."""
        inner = self._inner(tenant, kind, value)
        digest = self.vault.epoch_keys.digest(self.vault.epoch(), inner)
        row = self.vault.database.row(
            "SELECT subject_id FROM blind_index WHERE tenant_id = %s AND kind = %s AND digest = %b",
            (tenant, kind, digest),
        )
        return row[0] if row else None

    def find_all(self, tenant: UUID, kind: Contact, value: str) -> list[UUID]:
        """See the port `Contacts`."""
        rows = self.vault.database.rows(
            "SELECT subject_id FROM blind_index WHERE tenant_id = %s AND kind = %s AND digest = %b",
            (tenant, kind, self._digest(tenant, kind, value)),
        )
        return [row[0] for row in rows]

    def claim(self, tenant: UUID, subject: UUID, kind: Contact, value: str) -> Claimed:
        """See the port `Contacts`."""
        inner = self._inner(tenant, kind, value)

        def claimed(epoch: int) -> Claimed:
            keys = self.vault.epoch_keys
            sealed = keys.wrap(epoch, inner, secret_context(tenant, "inner", epoch))
            row = self.vault.database.row(
                "SELECT * FROM claim_contact(%b, %s::int, %s, %b, %b, %s, %b)",
                (
                    tenant,
                    epoch,
                    kind,
                    keys.digest(epoch, inner),
                    sealed,
                    self.clock.now(),
                    subject,
                ),
            )
            assert row is not None
            return Claimed(row[0], row[1])

        return self.vault.in_epoch(claimed)

    def settle(self, tenant: UUID, subject: UUID, kind: Contact, value: str | None) -> None:
        """See the port `Contacts`."""
        digest = b"" if value is None else self._digest(tenant, kind, value)
        where = " WHERE tenant_id = %s AND subject_id = %s AND kind = %s AND digest "
        parameters = (tenant, subject, kind, digest)
        self.vault.database.rows(f"UPDATE blind_index SET pending = false{where} = %b", parameters)
        self.vault.database.rows(f"DELETE FROM blind_index{where} <> %b", parameters)

    def unclaim(self, tenant: UUID, subject: UUID, kind: Contact, value: str) -> None:
        """See the port `Contacts`."""
        self.vault.database.rows(
            "DELETE FROM blind_index WHERE tenant_id = %s AND subject_id = %s AND kind = %s AND digest = %b",
            (tenant, subject, kind, self._digest(tenant, kind, value)),
        )

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
        self.vault.database.rows(
            "WITH gone AS (DELETE FROM blind_index WHERE tenant_id = %s AND subject_id = %s AND pending"
            " AND made_at < %s RETURNING tenant_id, subject_id)"
            " DELETE FROM subject_key k USING gone g"
            " WHERE k.tenant_id = g.tenant_id AND k.subject_id = g.subject_id",
            (tenant, subject, before),
        )

    def _digest(self, tenant: UUID, kind: Contact, value: str) -> bytes:
        inner = self._inner(tenant, kind, value)
        return self.vault.epoch_keys.digest(self.vault.epoch(), inner)

    def _inner(self, tenant: UUID, kind: Contact, value: str) -> bytes:
        return hmac_sha256(self.vault.secret(tenant, INDEX_KEY), f"{kind}\n{value}".encode())
