"""What must be true after each step. Each question is asked of the product, and answered by the naive story."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from domain.values import epoch_seconds, parse_id, public_id
from tests.simulation.sharing import Sharing
from tests.simulation.shop import Shop
from tests.simulation.story import Story

STRICT = ("booking", "hold")  # made by calls and by nothing else
PERSONS_AT_ONCE = 3


@dataclass
class Audit:
    """Looks at the shop after each step. `accepted` are the ids that callers were told, by kind."""

    shop: Shop
    random: Random
    story: Story = field(init=False)
    accepted: dict[str, set[UUID]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.story = Story(self.shop.tenant, Sharing(self.shop.post))

    def accept(self, kind: str, id: str) -> None:
        """A caller was told that this was made."""
        found = parse_id(kind, id)
        assert found is not None, id
        self.accepted.setdefault(kind, set()).add(found)

    def after_a_step(self, pending: Counter[str]) -> Iterable[str]:
        """What is wrong, in words. `pending` are the calls of a kind of which nobody knows what became."""
        yield from self.story.take(self.shop.world.state.log[self.shop.tenant])
        yield from self.shop.post.wrong
        yield from self.story.overlapping()
        yield from self._accepted(pending)
        yield from self._reservations()
        yield from self._agenda()
        yield from self._erased()

    def of_some_persons(self) -> Iterable[str]:
        """Consents and disclosures of a few people, as the product tells them over HTTP."""
        subjects = sorted(self._subjects(), key=str)
        erased = {subject for subject, _ in self.story.erased}
        for subject in self.random.sample(subjects, min(PERSONS_AT_ONCE, len(subjects))):
            if subject not in erased:
                yield from self._consents(subject)
            yield from self._disclosures(subject)
            yield from self._looks(subject)

    def _subjects(self) -> set[UUID]:
        told = {subject for subject, _ in self.story.consents}
        return told | set(self.story.disclosures) | {one for one, _ in self.story.erased}

    def _accepted(self, pending: Counter[str]) -> Iterable[str]:
        for kind, ids in self.accepted.items():
            begun = Counter(self.story.begun.get(kind, ()))
            for id in ids:
                if begun[id] != 1:
                    yield f"{kind} {id} was accepted, and is in the log {begun[id]} times"
            if kind in STRICT and len(begun.keys() - ids) > pending[kind]:
                yield f"{len(begun.keys() - ids)} of kind {kind} are in the log, and nobody was told"

    def _reservations(self) -> Iterable[str]:
        kept = self.shop.world.state.reservations[self.shop.tenant]
        seats = [
            (seat.owner, staff, one.start)
            for staff, found in kept.by_staff.items()
            for one in found
            for seat in one.seats
        ]
        live = [
            (owner, visit.staff, epoch_seconds(visit.start))
            for owner, visit in self.story.live.items()
        ]
        if sorted(seats) != sorted(live):
            yield f"reservations and events differ: {set(seats) ^ set(live)}"

    def _agenda(self) -> Iterable[str]:
        """The read model, at its position, against the fold: every booking that stands, and where."""
        rows = self.shop.world.agenda.rows(self.shop.tenant)
        shown = {row.booking: (row.staff, row.start) for row in rows if row.status == "confirmed"}
        bookings = set(self.story.begun.get("booking", ()))
        told = {
            owner: (visit.staff, epoch_seconds(visit.start))
            for owner, visit in self.story.live.items()
            if owner in bookings
        }
        if shown != told:
            yield f"the agenda shows {shown.keys() ^ told.keys()} otherwise than the events say"

    def _erased(self) -> Iterable[str]:
        for whose in self.story.erased:
            opened = self.shop.world.opener.open(self.shop.tenant, self.story.sealed.get(whose, []))
            if any(one is not None for one in opened):
                yield f"{whose} is erased, and something of it opens"

    def _consents(self, subject: UUID) -> Iterable[str]:
        path = f"/v1/subjects/{public_id('subject', subject)}/consents"
        answer = self.shop.business.get(path, role="auditor")
        if answer.status_code != 200:
            yield f"{path} answers {answer.status_code}: {answer.text}"
            return
        shown = {one["purpose"]: one["decision"] for one in answer.json()["data"]}
        told = {
            purpose: state
            for (whose, purpose), state in self.story.consents.items()
            if whose == subject
        }
        if {name: state for name, state in shown.items() if state != "never_asked"} != told:
            yield f"consents of {subject}: {shown} shown, {told} by the events"

    def _disclosures(self, subject: UUID) -> Iterable[str]:
        """All of them to the auditor, to the person those that no gag keeps from them."""
        path = f"/v1/subjects/{public_id('subject', subject)}/disclosures"
        shown, wrong = self.listed(f"{path}?limit=200&view=auditor", "id")
        told = {public_id("disclosure", one) for one in self.story.disclosures.get(subject, ())}
        if wrong or shown != told:
            yield wrong or f"disclosures of {subject}: {shown ^ told} are not where they should be"
        sharing, now = self.story.sharing, self.shop.world.clock.now()
        hidden, waits = (
            {public_id("disclosure", one) for one in part}
            for part in sharing.hidden_from(subject, now)
        )
        hers, wrong = self.listed(f"{path}?limit=200&view=person", "id")
        if wrong or hers & hidden:
            yield wrong or f"{subject} is shown {hers & hidden}, which are under a gag"
        if not told - hidden - waits <= hers <= told:
            yield f"{subject} is shown {hers}, and should be {told - hidden}"

    def _looks(self, subject: UUID) -> Iterable[str]:
        """No look under a gag is in what the person gets."""
        path = f"/v1/subjects/{public_id('subject', subject)}/access-log?limit=200&view=person"
        shown, wrong = self.listed(path, "event_id")
        now = self.shop.world.clock.now()
        shut, _ = self.story.sharing.hidden_from(subject, now)
        hidden = {public_id("event", one) for one in shut}
        if wrong or shown & hidden:
            yield wrong or f"{subject} is shown {shown & hidden}, looks under a gag"

    def of_the_house(self) -> Iterable[str]:
        """Reviews and figures, which are nobody else's."""
        path, wrong = "/v1/access-reviews?limit=200", ""
        shown, wrong = self.listed(path, "event_id", "state")
        now, glass = self.shop.world.clock.now(), self.story.sharing.glass
        told = {f"{public_id('event', event)} {one.state_at(now)}" for event, one in glass.items()}
        if wrong or shown != told:
            yield wrong or f"reviews: {shown} are shown, {told} by the events"
        path = f"/v1/figures?location_id={self.shop.place}&from=2027-01-04&to=2028-01-03"
        answer = self.shop.business.get(path)
        made = len(self.story.begun.get("booking", ()))
        if answer.status_code != 200 or answer.json()["total"]["made"] != made:
            yield f"figures: {made} bookings by the events, and {answer.text}"

    def listed(self, path: str, *names: str) -> tuple[set[str], str]:
        """What a list has, from its first page to its last, as an auditor sees it; or what is wrong with it."""
        shown, cursor = set[str](), ""
        while True:
            answer = self.shop.business.get(path + cursor, role="auditor")
            if answer.status_code != 200:
                return shown, f"{path} answers {answer.status_code}: {answer.text}"
            page = answer.json()
            shown |= {" ".join(str(one[name]) for name in names) for one in page["data"]}
            if not page.get("next_cursor"):
                return shown, ""
            cursor = f"&cursor={page['next_cursor']}"
