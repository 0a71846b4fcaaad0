"""What is under a gag: recorded at once, under tags that stand for the persons, and opened to them on its date.

Nothing that a person gets betrays it: a tag drawn for the occasion is to the ledger a subject like any other, and whom
it stands for is said where no person's chain, count or evidence reaches. README D7.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID, uuid5

from application.execute import Scribe
from application.ports import Append, Clock, EventStore, Ids, Outcome
from application.recorded import Caller, Recorded
from domain.access import AccessOpened, withhold

OPENED_MAX: Final = 500


class Gags(Protocol):
    """Which cases may not be spoken of to those whom they are about."""

    def until(self, tenant: UUID, case: str) -> datetime | None:
        """When the gag on `case` ends (UTC); None where there is none.

        MUST be current: it is asked when something is recorded, and what is recorded then stays so.
        """
        ...


class NoGags:
    """See `Gags`: nothing is under a gag."""

    def until(self, tenant: UUID, case: str) -> datetime | None:  # noqa: ARG002
        """See the port."""
        return None


@dataclass(frozen=True, slots=True)
class Blinds:
    """What stands for each person in one event: the persons themselves, or tags until an instant."""

    shown: dict[UUID, UUID]
    until: datetime | None

    @classmethod
    def draw(
        cls, gags: Gags, ids: Ids, by: Caller, persons: Iterable[UUID], now: datetime
    ) -> Blinds:
        """Fresh tags where the case of `by` is under a gag at `now`; each person once, in the order given."""
        distinct = dict.fromkeys(persons)
        until = None if by.case is None else gags.until(by.tenant, by.case)
        if until is None or until <= now:
            return cls({person: person for person in distinct}, None)
        return cls({person: ids.uuid() for person in distinct}, until)

    def events(self, scribe: Scribe, about: Recorded[object]) -> tuple[Recorded[object], ...]:
        """What follows `about` in its stream and append: whom its tags stand for; nothing where there are none."""
        if self.until is None or not self.shown:
            return ()
        decision = withhold(about.event_id, self.shown, self.until)
        return (scribe.record(about.stream, about.version + 1, decision, cause=about.event_id),)


@dataclass(frozen=True, slots=True)
class WithheldAccess:
    """A tag that has not been opened to its person: what `event` says of it was recorded under `case`."""

    tag: UUID
    person: UUID
    event: UUID
    case: str | None


class WithheldAccesses(Protocol):
    """The tags that wait for their date. It may be behind: what was opened just now may still be among them."""

    def cases(self, tenant: UUID) -> Sequence[str]:
        """The cases of all tags that wait."""
        ...

    def due(
        self,
        tenant: UUID,
        now: datetime,
        limit: int,
        held: Collection[str] = (),
        over: Collection[str] = (),
    ) -> Sequence[WithheldAccess]:
        """At most `limit` tags whose gags were to end by `now`, the oldest first: those of the cases `held` apart.

        With those of the cases `over`, whenever their gags were to end.
        """
        ...


def opening_stream(tenant: UUID, tag: UUID) -> UUID:
    """The stream of the one opening of a tag: a second one would be a conflict."""
    return uuid5(tenant, f"daybook/access/opened/{tag.hex}")


@dataclass(frozen=True, slots=True)
class Openings:
    """Opens to persons what was withheld from them, once its date has passed."""

    store: EventStore
    withheld: WithheldAccesses
    gags: Gags
    clock: Clock
    ids: Ids

    def sweep(self, tenant: UUID) -> int:
        """Open what is due, one append each; how many were opened.

        A gag that was prolonged meanwhile still holds, and keeps no other waiting; one that was lifted opens at once.

        Each tag is opened once, however often this runs, and wherever it is killed.
        """
        sweeper = Caller(tenant=tenant, actor="system:sweeper", roles=frozenset())
        scribe = Scribe.begin(sweeper, self.clock, self.ids)
        ends = {case: self.gags.until(tenant, case) for case in self.withheld.cases(tenant)}
        held = [case for case, until in ends.items() if until is not None and until > scribe.at]
        over = [case for case, until in ends.items() if until is not None and until <= scribe.at]
        opened = 0
        for one in self.withheld.due(tenant, scribe.at, OPENED_MAX, held, over):
            if one.case not in ends and one.case is not None:
                continue  # It came meanwhile; the next turn looks at its gag.
            decision = AccessOpened(one.person, one.tag, one.event)
            event = scribe.record(opening_stream(tenant, one.tag), 1, decision, cause=one.event)
            opened += self.store.append(Append(tenant, scribe.at, (event,))) is Outcome.APPENDED
        return opened
