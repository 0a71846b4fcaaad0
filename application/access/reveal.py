"""The first door: open personal data for someone inside, once it is on record who, what, whose and why.

Nothing else is given an `Opener`. The record is durable before the first value is opened; if the process dies in
between, an access is on record that nobody saw, never the other way round. What is refused is on record, too.
Source: README D6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID, uuid5

from application.access.denials import Denials
from application.consent_log import has_objected
from application.custody.custodies import Custodies
from application.execute import Plan, Scribe, carry_out
from application.ledger.withholding import Blinds
from application.ledger.withholding import Gags as Gags
from application.ledger.withholding import NoGags as NoGags
from application.permissions import require
from application.ports import Append, Book, Clock, EventStore, Ids, Opener
from application.recorded import Caller
from domain import access
from domain.access import SALT_BYTES, DenialReason, Field, SubjectSeen
from domain.access_key import Role
from domain.access_review import Beyond, GlassReason, break_glass
from domain.custody import DENYING, Bar, Custody
from domain.errors import NotFound, NotPermitted, PurposeRequired
from domain.purposes import NEEDS_CASE, OBJECTABLE, OPENING_ROLES, PURPOSES, require_purpose
from domain.sealing import Envelope, class_of
from domain.tenant import Tenant
from domain.values import Personal

Opened: TypeAlias = dict[str, Personal | dict[str, Personal] | None]


@dataclass(frozen=True, slots=True)
class Sight:
    """An envelope that someone wants to look into, and whose it is."""

    subject: UUID
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Wish:
    """What someone wants to see: these fields, of this one person where it is known whom it would be about."""

    fields: tuple[Field, ...]
    subject: UUID | None = None


@dataclass(frozen=True, slots=True)
class Glass:
    """The leave to go beyond role or locations for once; it is broken when something is opened."""

    reason: GlassReason
    beyond: Beyond
    review_hours: int


def glass_stream(access: UUID) -> UUID:
    """The stream of the broken glass of an access, and of its review."""
    return uuid5(access, "daybook/access/glass")


@dataclass(frozen=True, slots=True)
class Reveal:
    """Opens sealed values for those who may see them, on the record."""

    store: EventStore
    opener: Opener
    clock: Clock
    ids: Ids
    book: Book
    denials: Denials
    gags: Gags
    custodies: Custodies

    def require(self, by: Caller, wish: Wish = Wish(())) -> str:
        """The purpose, when `by` may open personal data under it. A refusal is recorded.

        Refuses: NotPermitted (role), PurposeRequired.
        """
        if by.roles.isdisjoint(OPENING_ROLES):
            self._deny(by, "role", wish)
            raise NotPermitted("No role of this key opens personal data")
        try:
            return require_purpose(by.purpose, by.case)
        except PurposeRequired:
            self._deny(by, _why(by), wish)
            raise

    def admit(
        self, by: Caller, wish: Wish, roles: Sequence[Role], at: Sequence[UUID] = ()
    ) -> Glass | None:
        """Go on when `by` may look: one of `roles`, at the locations `at`, for a purpose. A refusal is recorded.

        Gives the leave to break the glass where only that lets `by` in; it goes into `open`. None where it is not
        needed.
        Refuses: NotPermitted (role, or the glass may not be broken), NotFound (location), PurposeRequired.
        """
        glass = None
        try:
            require(by, *roles, at=at)
        except (NotPermitted, NotFound):
            beyond: Beyond = "role" if by.roles.isdisjoint(roles) else "location"
            if by.break_glass is None:
                self._deny(by, beyond, wish)
                raise
            glass = self._glass(by, by.break_glass, beyond, wish)
        self.require(by, wish)
        return glass

    def open(
        self,
        by: Caller,
        sights: Sequence[Sight],
        fields: tuple[Field, ...],
        glass: Glass | None = None,
    ) -> list[Opened | None]:
        """Record one access to `fields` of all the subjects, then open; in the order of `sights`.

        Each has all of `fields`, None for one that its envelope lacks; None in its place where the person is erased,
        has said no to the purpose, or where what is left of them may not be used for it (denials, and recorded).
        Without sights nothing is recorded, for nobody's data is seen. With `glass`, the same append says that it was
        broken, and when that is to be reviewed.
        Refuses: NotPermitted (role; it is about one person, and denied), PurposeRequired, Unreadable.
        """
        subjects = dict.fromkeys(sight.subject for sight in sights)
        one = next(iter(subjects)) if len(subjects) == 1 else None
        purpose = self.require(by, Wish(fields, one))
        objectors = self._objectors(by, purpose, tuple(subjects), fields)
        if one in objectors:
            raise NotPermitted(f"The person has said no to the purpose {purpose}")
        bars = self._bars(by, purpose, sights, fields)
        if one is not None and set(bars) & DENYING:
            raise NotPermitted(f"What is held of the person may not be used for {purpose}")
        open_to = [
            bar is None and sight.subject not in objectors
            for sight, bar in zip(sights, bars, strict=True)
        ]
        seen = [sight for sight, is_open in zip(sights, open_to, strict=True) if is_open]
        if not seen:
            return [None for _ in sights]
        looked_at = tuple(dict.fromkeys(sight.subject for sight in seen))
        self._record(by, purpose, looked_at, fields, glass)
        opened = iter(self.opener.open(by.tenant, [sight.envelope for sight in seen]))
        found = [next(opened) if is_open else None for is_open in open_to]
        return [None if values is None else _chosen(values, fields) for values in found]

    def _bars(
        self, by: Caller, purpose: str, sights: Sequence[Sight], fields: tuple[Field, ...]
    ) -> list[Bar | None]:
        """What keeps each sight shut. That it is restricted, or kept for something else, is a denial, and recorded."""
        known = self.custodies.of(by.tenant, tuple(dict.fromkeys(one.subject for one in sights)))
        found = [_bar(known.get(one.subject), one.envelope, purpose) for one in sights]
        denied = {
            one.subject: bar for one, bar in zip(sights, found, strict=True) if bar in DENYING
        }
        for subject, bar in denied.items():
            if bar is not None and bar != "erased":
                self._deny(by, bar, Wish(fields, subject))
        return found

    def _objectors(
        self, by: Caller, purpose: str, subjects: Sequence[UUID], fields: tuple[Field, ...]
    ) -> frozenset[UUID]:
        """Those who have said no to the purpose, where that counts; each is a denial, and recorded."""
        if purpose not in OBJECTABLE:
            return frozenset()
        now = self.clock.now()
        found = frozenset(
            one for one in subjects if has_objected(self.store, by.tenant, one, purpose, now)
        )
        for one in subjects:
            if one in found:
                self._deny(by, "objected", Wish(fields, one))
        return found

    def note(
        self,
        by: Caller,
        subjects: Sequence[UUID],
        fields: tuple[Field, ...],
        glass: Glass | None = None,
    ) -> UUID | None:
        """Record one access that opens nothing here: a look-up by `fields` has found `subjects`. Its event.

        Nobody is no access: None.

        Refuses: NotPermitted (role), PurposeRequired.
        """
        distinct = tuple(dict.fromkeys(subjects))
        one = distinct[0] if len(distinct) == 1 else None
        purpose = self.require(by, Wish(fields, one))
        return self._record(by, purpose, distinct, fields, glass) if distinct else None

    def _record(
        self,
        by: Caller,
        purpose: str,
        subjects: tuple[UUID, ...],
        fields: tuple[Field, ...],
        glass: Glass | None,
    ) -> UUID:
        id = self.ids.uuid()
        salts = [self.ids.secret()[:SALT_BYTES].hex() for _ in subjects]

        def attempt() -> Plan[UUID]:
            scribe = Scribe.begin(by, self.clock, self.ids)
            blinds = Blinds.draw(self.gags, self.ids, by, subjects, scribe.at)
            seen = tuple(map(SubjectSeen, blinds.shown.values(), salts))
            event = scribe.record(id, 1, access.grant(id, purpose, by.case, fields, seen))
            events = [event, *blinds.events(scribe, event)]
            if glass is not None:
                broken = break_glass(id, glass.reason, glass.beyond, scribe.at, glass.review_hours)
                events.append(scribe.record(glass_stream(id), 1, broken, cause=event.event_id))
            append = Append(tenant=by.tenant, at=scribe.at, events=tuple(events))
            return Plan(append, event.event_id)

        return carry_out(self.store, attempt)

    def _glass(self, by: Caller, reason: GlassReason, beyond: Beyond, wish: Wish) -> Glass:
        """The leave to break the glass. Refuses: NotPermitted (role; the tenant does not allow it)."""
        if by.roles.isdisjoint(OPENING_ROLES):
            self._deny(by, "break_glass_role", wish)
            raise NotPermitted("No role of this key may break the glass")
        entry = self.book.entry(by.tenant, "tenant", by.tenant)
        state = None if entry is None else entry.state
        if not isinstance(state, Tenant) or state.review_hours is None:
            self._deny(by, "break_glass_forbidden", wish)
            raise NotPermitted("Nobody may break the glass here")
        return Glass(reason, beyond, state.review_hours)

    def _deny(self, by: Caller, reason: DenialReason, wish: Wish) -> None:
        self.denials.record(by, reason, wish.fields, wish.subject)


def _bar(custody: Custody | None, envelope: Envelope, purpose: str) -> Bar | None:
    found = None if custody is None else class_of(envelope)
    return None if custody is None or found is None else custody.bar(found, purpose)


def _why(by: Caller) -> DenialReason:
    """Why the purpose of `by` was refused, as a code."""
    if by.purpose is None:
        return "purpose_missing"
    if by.purpose not in PURPOSES:
        return "purpose_unlisted"
    if by.case is None:
        return "case_missing" if by.purpose in NEEDS_CASE else "purpose_refused"
    return "purpose_refused" if access.known_case(by.case) else "case_malformed"


def _chosen(values: Mapping[str, object], fields: tuple[Field, ...]) -> Opened:
    return {name: _personal(values.get(name)) for name in fields}


def _personal(value: object) -> Personal | dict[str, Personal] | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {str(key): Personal(one) for key, one in value.items()}
    assert isinstance(value, str), "an envelope holds text, or text by keys"
    return Personal(value)
