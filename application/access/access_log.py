"""Who looked, when, why, at which fields: the log of accesses, for a person and for a whole tenant. README D6.

Three views of what is about one person. The person's shows date, purpose and the roles at that time, not the employee
(CJEU C-579/21), and nothing that is still withheld. The officer's shows the actor too, and says what is withheld; the
auditor's shows the tags as well. Lists open nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from application.ledger.reading import AUDITORS
from application.permissions import require
from application.ports import EventStore, Positions
from application.recorded import Caller, Recorded
from domain.access import AccessDenied, AccessGranted
from domain.errors import FieldError, NotFound, Unacceptable
from domain.ledger import EvidenceIssued, LedgerExported, LedgerReplayed

MODEL: Final = "accesses"
PAGE_ROWS_DEFAULT: Final = 50
PAGE_ROWS_MAX: Final = 200
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)

Kind = Literal["granted", "denied", "exported", "evidence_issued", "replayed"]
View = Literal["person", "officer", "auditor"]
After = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """What one event says of an access: granted or denied, or a copy or a replay of the ledger that was taken.

    `subjects` are those whom it is about as it says it: persons, or tags. `count` is how many they are; of denials, how
    often it happened; of what was taken of the whole ledger, over how many events it went.
    """

    event: UUID
    kind: Kind
    at: datetime
    actor: str
    purpose: str | None
    case: str | None
    reason: str | None
    fields: tuple[str, ...]
    count: int
    subjects: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class AccessRow:
    """An entry of the log. `holder` and `roles` are those of the actor's key, fixed at its issue; `glass` is the reason
    for which the glass was broken. Under `tag` the event speaks of the person, who does not learn of it before
    `withheld_until`; `opened_at` is when they did.
    """

    event: UUID
    kind: Kind
    at: datetime
    actor: str
    holder: str | None
    roles: tuple[str, ...]
    purpose: str | None
    case: str | None
    reason: str | None
    fields: tuple[str, ...]
    count: int
    glass: str | None
    tag: UUID | None = None
    withheld_until: datetime | None = None
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SubjectQuery:
    """The accesses to one person's data up to `as_of` (event time), after the one named."""

    subject: UUID
    view: View | None = None
    as_of: datetime | None = None
    limit: int = PAGE_ROWS_DEFAULT
    after: After | None = None
    at_least: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The accesses in [from_, to), after the one named. None leaves a choice open."""

    from_: datetime | None = None
    to: datetime | None = None
    actor: str | None = None
    purpose: str | None = None
    limit: int = PAGE_ROWS_DEFAULT
    after: After | None = None
    at_least: UUID | int | None = None


@dataclass(frozen=True, slots=True)
class AccessPage:
    """Part of a log by time and event; `next` goes in as `after`, None at the end."""

    rows: tuple[AccessRow, ...]
    next: After | None
    position: int
    view: View


class Accesses(Protocol):
    """The read model `accesses`. Follows the events by sequence."""

    def about(
        self,
        tenant: UUID,
        subject: UUID,
        as_of: datetime,
        limit: int,
        after: After | None,
        *,
        withheld: bool,
    ) -> list[AccessRow]:
        """At most `limit` accesses to a person's data up to `as_of`, by (at, event), after the given one.

        Without `withheld` only what had been opened to the person by `as_of`.
        """
        ...

    def between(
        self,
        tenant: UUID,
        from_: datetime,
        to: datetime,
        limit: int,
        after: After | None,
        *,
        actor: str | None = None,
        purpose: str | None = None,
    ) -> list[AccessRow]:
        """At most `limit` accesses in [from_, to), by (at, event), after the given one."""
        ...


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Reads the log."""

    accesses: Accesses
    positions: Positions
    store: EventStore

    def about(self, query: SubjectQuery, by: Caller) -> AccessPage:
        """Part of the accesses to one person's data, in the view that is asked for.

        By default an auditor gets the auditor's, everyone else the officer's.
        Refuses: NotPermitted, NotFound (nothing is known of such a person), UnknownReference (at_least), Behind.
        """
        require(by, *AUDITORS)
        view = query.view or ("auditor" if by.roles == {"auditor"} else "officer")
        position = reached(self.positions, by.tenant, query.at_least)
        as_of, withheld = query.as_of or LAST, view != "person"
        rows = self.accesses.about(
            by.tenant, query.subject, as_of, query.limit + 1, query.after, withheld=withheld
        )
        if not rows and not self._is_known(by.tenant, query.subject):
            raise NotFound()
        return _page(rows, query.limit, position, view)

    def all(self, query: LogQuery, by: Caller) -> AccessPage:
        """Part of the accesses to anyone's data: each is there once, as its event says it.

        Refuses: NotPermitted, Unacceptable (`to` not after `from`), UnknownReference (at_least), Behind.
        """
        require(by, *AUDITORS)
        from_, to = query.from_ or FIRST, query.to or LAST
        if from_ >= to:
            error = FieldError("/to", "out_of_range", "It is not after `from`.")
            raise Unacceptable(errors=(error,))
        position = reached(self.positions, by.tenant, query.at_least)
        rows = self.accesses.between(
            by.tenant,
            from_,
            to,
            query.limit + 1,
            query.after,
            actor=query.actor,
            purpose=query.purpose,
        )
        return _page(rows, query.limit, position, "auditor")

    def _is_known(self, tenant: UUID, subject: UUID) -> bool:
        if self.store.read(tenant, subject):
            return True
        return bool(self.accesses.about(tenant, subject, LAST, 1, None, withheld=True))


def entry_of(event: Recorded[object]) -> AccessEntry | None:
    """What an event says of an access; None for one that says nothing of any."""
    it = event.decision
    entry = AccessEntry(
        event=event.event_id,
        kind="granted",
        at=event.occurred_at,
        actor=event.actor,
        purpose=event.purpose,
        case=event.case,
        reason=None,
        fields=(),
        count=1,
        subjects=(),
    )
    match it:
        case AccessGranted():
            people = tuple(one.subject for one in it.subjects)
            return replace(entry, fields=it.fields, count=it.count, subjects=people)
        case AccessDenied():
            people = () if it.subject is None else (it.subject,)
            denied = replace(entry, kind="denied", at=it.last_at, reason=it.reason)
            return replace(denied, fields=it.fields, count=it.count, subjects=people)
        case EvidenceIssued():
            return replace(entry, kind="evidence_issued", subjects=(it.subject,))
        case LedgerExported():
            return replace(entry, kind="exported", count=it.past - it.first)
        case LedgerReplayed(subject=None):
            return replace(entry, kind="replayed", count=it.past - it.first)
        case LedgerReplayed(subject=UUID() as subject):
            return replace(entry, kind="replayed", subjects=(subject,))
        case _:
            return None


def reached(positions: Positions, tenant: UUID, at_least: UUID | int | None) -> int:
    """How far the log is, once it includes `at_least`. Refuses: UnknownReference, Behind."""
    if at_least is None:
        return positions.current(tenant, MODEL)
    return positions.wait(tenant, MODEL, at_least)


def _page(rows: Sequence[AccessRow], limit: int, position: int, view: View) -> AccessPage:
    part = tuple(rows[:limit])
    following = (part[-1].at, part[-1].event) if len(rows) > limit else None
    return AccessPage(part, following, position, view)
