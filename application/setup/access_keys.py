"""Issue and revoke access keys, and tell who calls from the key of a call.

A key is written `dbk_` and 86 characters of base64url: the tenant's id (16 bytes), the key's id (16), a secret (32).
Only the secret's SHA-256 is kept. It is 256 random bits, so a plain digest cannot be searched for it.
*Source*: README D15; RFC 4648 section 5.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from application.execute import Plan, Scribe, carry_out
from application.permissions import require, require_all_locations
from application.ports import Book, CatalogEntry, Clock, EventStore, Ids
from application.recorded import Caller
from application.setup.references import require_locations
from application.setup.register import CreationKey, Listing, Receipt, Register, append_of
from application.vouching import Vouched
from domain import access_key
from domain.access_key import AccessKey, KeyIssued, KeyTerms
from domain.errors import NotFound, Unidentified
from domain.values import public_id

KEYS: Final = Register("key", AccessKey, access_key.evolve)

TOKEN_PREFIX: Final = "dbk_"
_ID_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_TOKEN_BYTES: Final = 2 * _ID_BYTES + _SECRET_BYTES
_TOKEN_CHARACTERS: Final = 86
_KNOWN_MAX: Final = 4_096
# Compared with where there is no key, so that no answer comes sooner for want of one. No secret has this digest.
_NO_DIGEST: Final = "-" * 64


@dataclass(frozen=True, slots=True)
class IssueKey:
    """Issue a key on these terms."""

    terms: KeyTerms


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """Revoke a key for good."""

    key: UUID
    if_match: int | None = None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key at its issue, the only time that `token` is there: whoever keeps this as an answer leaves it out."""

    key: AccessKey
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """The parts of a key as its holder writes it."""

    tenant: UUID
    key: UUID
    secret: bytes = field(repr=False)

    def text(self) -> str:
        """The key as it is shown once."""
        return _written(self.tenant.bytes + self.key.bytes + self.secret)

    def secret_sha256(self) -> str:
        """The digest that is kept, in hexadecimal."""
        return hashlib.sha256(self.secret).hexdigest()


def parse_token(text: str) -> Token | None:
    """The parts of a key; None when it is not written as one, in the one way there is to write it.

    >>> parse_token("dbk_" + "A" * 86).secret == bytes(32)
    True
    >>> parse_token("dbk_" + "A" * 85 + "B") is None
    True
    """
    written = text.removeprefix(TOKEN_PREFIX)
    if written == text or len(written) != _TOKEN_CHARACTERS or not written.isascii():
        return None
    try:
        raw = base64.b64decode(written + "==", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    if len(raw) != _TOKEN_BYTES or _written(raw) != text:
        return None
    tenant, key = UUID(bytes=raw[:_ID_BYTES]), UUID(bytes=raw[_ID_BYTES : 2 * _ID_BYTES])
    return Token(tenant, key, raw[2 * _ID_BYTES :])


def _written(raw: bytes) -> str:
    return TOKEN_PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def drawn_key(tenant: UUID, terms: KeyTerms, at: datetime, ids: Ids) -> tuple[Token, KeyIssued]:
    """Draw a new key of a tenant, and decide to issue it.

    Refuses: Unacceptable (any field of `terms`).
    """
    token = Token(tenant, ids.uuid(), ids.secret())
    assert len(token.secret) == _SECRET_BYTES
    (issued,) = access_key.issue(token.key, terms, token.secret_sha256(), at)
    return token, issued


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """The keys of a business."""

    store: EventStore
    book: Book
    clock: Clock
    ids: Ids
    known: dict[tuple[UUID, UUID], CatalogEntry] = field(
        default_factory=dict, repr=False, compare=False
    )

    def issue(self, command: IssueKey, by: Caller) -> Receipt[IssuedKey]:
        """Issue a key, for any roles, at no location beyond the caller's own.

        Refuses: NotPermitted (not an owner; all locations asked for by a key that has not all), NotFound (no such
        tenant), Unacceptable (fields), UnknownReference (locations).
        """
        require(by, "owner")
        if command.terms.location_ids is None:
            require_all_locations(by)
        if self.book.entry(by.tenant, "tenant", by.tenant) is None:
            raise NotFound()

        def attempt() -> Plan[Receipt[IssuedKey]]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            token, issued = drawn_key(by.tenant, command.terms, scribe.at, self.ids)
            require_locations(self.book, by, command.terms.location_ids or ())
            written = KEYS.write(scribe, token.key, (issued,), None)
            shown = IssuedKey(written.state, token.text())
            receipt = Receipt(shown, written.events[-1].event_id)
            return Plan(append_of(scribe, (written,), receipt), receipt)

        return carry_out(self.store, attempt)

    def revoke(self, command: RevokeKey, by: Caller) -> Receipt[AccessKey]:
        """Revoke a key, from this instant on; once revoked, it stays so and nothing more is decided.

        Refuses: NotPermitted, NotFound, VersionMismatch.
        """
        require(by, "owner")

        def permit(standing: AccessKey) -> None:
            if not _sees_key(by, standing):
                raise NotFound()
            if standing.terms.location_ids is None:
                require_all_locations(by)
            require(by, "owner", at=standing.terms.location_ids or ())

        return KEYS.change(self, by, command.key, permit, access_key.revoke, command.if_match)

    def key(self, id: UUID, by: Caller) -> AccessKey:
        """One key.

        Refuses: NotPermitted (not an owner), NotFound.
        """
        require(by, "owner")
        standing = KEYS.find(self.book, by.tenant, id)[1]
        if not _sees_key(by, standing):
            raise NotFound()
        return standing

    def page(self, limit: int, after: CreationKey | None, by: Caller) -> Listing[AccessKey]:
        """The keys by creation, revoked and expired ones included.

        Refuses: NotPermitted (not an owner).
        """
        require(by, "owner")
        return KEYS.page(
            self.book, by.tenant, limit, after, lambda standing: _sees_key(by, standing)
        )

    def recall(self, text: str, now: datetime) -> tuple[Caller, Vouched] | None:
        """Who calls with this key, from memory; None where it is not known there.

        Whether the key still stands is yet to be seen: by the append that it is for (`vouching`), or by `authenticate`.
        """
        token = parse_token(text)
        entry = None if token is None else self.known.get((token.tenant, token.key))
        if token is None or entry is None:
            return None
        try:
            return _caller(token, KEYS.state_of(entry), now), Vouched(token.key, entry.version)
        except Unidentified:
            return None

    def authenticate(self, text: str, now: datetime) -> Caller:
        """Who calls with this key at the instant `now`.

        Refuses: Unidentified, in one way for every reason: not a key, unknown, wrong secret, expired, revoked.
        """
        token = parse_token(text)
        if token is None:
            raise Unidentified()
        entry = self.book.entry(token.tenant, "key", token.key)
        caller = _caller(token, None if entry is None else KEYS.state_of(entry), now)
        if len(self.known) >= _KNOWN_MAX:
            self.known.clear()
        assert entry is not None, "who calls is known by a key"
        self.known[(token.tenant, token.key)] = entry
        return caller


def _caller(token: Token, key: AccessKey | None, now: datetime) -> Caller:
    """Who calls with this key, as it was read. Refuses: Unidentified."""
    kept = _NO_DIGEST if key is None else key.secret_sha256
    genuine = hmac.compare_digest(token.secret_sha256(), kept)
    if key is None or not genuine or not access_key.is_good(key, now):
        raise Unidentified()
    locations = key.terms.location_ids
    return Caller(
        tenant=token.tenant,
        actor=public_id("key", key.id),
        roles=frozenset(key.terms.roles),
        locations=None if locations is None else frozenset(locations),
    )


def _sees_key(by: Caller, key: AccessKey) -> bool:
    """True for a key that is good at one of the caller's locations."""
    if by.locations is None or key.terms.location_ids is None:
        return True
    return not by.locations.isdisjoint(key.terms.location_ids)
