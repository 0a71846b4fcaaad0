"""The port behind "who did we share with?": the read model `disclosures`, as of an instant and a position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol
from uuid import UUID

from application.answers.disclosure_rows import DisclosureRow, RecipientRow, SharedRow, Step

MODEL: Final = "disclosures"
View = Literal["person", "officer", "auditor"]
After = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True)
class AsOf:
    """What was so: nothing that happened after `at`, nothing at a position beyond `position`; None bounds nothing.

    `now` is the clock's instant: nothing opens before its date has really come.
    """

    now: datetime
    at: datetime | None = None
    position: int | None = None

    @property
    def bounded(self) -> bool:
        """True when something may be left out."""
        return self.at is not None or self.position is not None

    @property
    def opened_by(self) -> datetime:
        """What is withheld beyond this instant is withheld."""
        return self.now if self.at is None else min(self.at, self.now)

    def includes(self, at: datetime, position: int) -> bool:
        """True for an event that was so."""
        early = self.at is None or at <= self.at
        return early and (self.position is None or position <= self.position)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts about one person. `recipients`, `disclosures` and `marketing` count what is shared, or may be.

    `withheld` are rows that are withheld, whatever became of them; `rows` all that the view shows.
    """

    recipients: int = 0
    disclosures: int = 0
    marketing: int = 0
    withheld: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One row with its history: `steps` are those that were so, oldest first, never empty.

    `terms` are the recipient's, of the version it was recorded with. `opens_now` is when it opens as is known now,
    whatever was known then. `share` is the person's part, where one was asked about.
    """

    row: DisclosureRow
    terms: RecipientRow | None
    steps: tuple[Step, ...]
    opens_now: datetime | None = None
    share: SharedRow | None = None

    @property
    def last(self) -> Step:
        """How it stands."""
        return self.steps[-1]

    def withheld_until(self, as_of: AsOf) -> datetime | None:
        """Until when it is withheld; None when it is not, or not any more.

        A gag that was extended since holds for whoever asks how it was before: what is withheld now, is withheld.
        """
        then, now = self.last.opens_at, self.opens_now
        held = [then] if then is not None and then > as_of.opened_by else []
        held += [now] if now is not None and now > as_of.now else []
        return max(held, default=None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disclosures of a tenant; None leaves a choice open. `from_` and `to` bound when they were recorded."""

    from_: datetime | None = None
    to: datetime | None = None
    purpose: str | None = None
    recipient: UUID | None = None
    country: str | None = None
    legal_process: UUID | None = None

    @property
    def tells(self) -> bool:
        """True when being among what is found tells something beyond the time."""
        told = (self.purpose, self.recipient, self.country, self.legal_process)
        return any(one is not None for one in told)


class Disclosures(Protocol):
    """The read model `disclosures`. Rows come by (`at`, id), after the given one."""

    def totals(self, tenant: UUID, subject: UUID, view: View, as_of: AsOf) -> Totals:
        """Counts about one person."""
        ...

    def of_subject(
        self,
        tenant: UUID,
        subject: UUID,
        view: View,
        as_of: AsOf,
        limit: int,
        after: After | None,
    ) -> list[Entry]:
        """At most `limit` rows about one person; for the view `person` those that are withheld are not among them."""
        ...

    def page(
        self,
        tenant: UUID,
        wanted: Wanted,
        as_of: AsOf,
        limit: int,
        after: After | None,
        *,
        with_withheld: bool,
    ) -> list[Entry]:
        """At most `limit` rows of a tenant."""
        ...

    def recipients(self, tenant: UUID, as_of: AsOf) -> Sequence[RecipientRow]:
        """Every recipient as it stood, by id; at most 10,000."""
        ...

    def recipient(self, tenant: UUID, recipient: UUID) -> RecipientRow | None:
        """A recipient as it stands; None when there is none."""
        ...

    def known_position(self, tenant: UUID, known_at: datetime) -> int:
        """The last position that was recorded by `known_at`; -1 for none."""
        ...
