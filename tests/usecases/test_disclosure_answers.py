"""Who did we share with: three views, as of any instant, complete; and what a person gets never betrays a gag."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from application.answers.disclosure_answers import (
    DisclosureAnswers,
    Moment,
    PersonAnswer,
    Told,
    Withheld,
)
from application.answers.disclosure_reads import Totals, View, Wanted
from application.consents.choices import StreamConsentStates
from application.recorded import Caller
from domain.access_key import Role
from domain.disclosure import Ground
from domain.errors import NotFound, NotPermitted
from infrastructure.twin.memory import MemoryWorld
from tests.disclosing import BEGINNING, DAY, Disclosing

TENANT = uuid4()


@dataclass
class Desk:
    """Answers over a twin, and what is told of people there."""

    world: MemoryWorld
    story: Disclosing

    def answers(self) -> DisclosureAnswers:
        it = self.world
        return DisclosureAnswers(
            it.disclosures,
            it.positions,
            it.ledger,
            it.store,
            StreamConsentStates(it.store, it.clock),
            it.clock,
        )

    def by(self, *roles: Role) -> Caller:
        return Caller(TENANT, "key_officer", frozenset(roles))

    def ask(
        self,
        subject: UUID,
        view: View = "auditor",
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> PersonAnswer:
        by = self.by("auditor", "privacy_officer")
        return self.answers().about(subject, view, Moment(as_of, known_at), 200, None, by)


@pytest.fixture
def desk() -> Desk:
    world = MemoryWorld()
    world.clock.set(BEGINNING + 365 * DAY)
    story = Disclosing(world.store, TENANT)
    return Desk(world, story)


def register(desk: Desk) -> UUID:
    return desk.story.person(lambda id: desk.world.people.prepare(TENANT, id, ("profile",)))


def ids(answer: PersonAnswer) -> list[UUID]:
    return [
        one.id if isinstance(one, Withheld) else one.entry.row.disclosure
        for one in answer.part.rows
    ]


def test_somebody_of_whom_nothing_was_shared_gets_zeroes(desk: Desk) -> None:
    ada = register(desk)
    answer = desk.ask(ada)
    assert answer.totals == Totals()
    assert answer.part.rows == ()
    assert answer.part.complete_to.position == 0


def test_nobody_is_not_found(desk: Desk) -> None:
    register(desk)
    with pytest.raises(NotFound):
        desk.ask(uuid4())


def test_a_recipient_is_named_as_it_was_then(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm = story.recipient("Old Name Inc", "US")
    first = story.sent(crm, ada)
    story.revise(crm, "New Name SA", "FR")
    second = story.sent(crm, ada)
    answer = desk.ask(ada)
    assert ids(answer) == [first, second]
    names = [
        one.entry.terms.legal_name
        for one in answer.part.rows
        if isinstance(one, Told) and one.entry.terms
    ]
    assert names == ["Old Name Inc", "New Name SA"]
    assert (answer.totals.recipients, answer.totals.disclosures) == (1, 2)


def test_an_unknown_outcome_counts_as_shared_and_a_refusal_does_not(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm = story.recipient()
    lost, failed = story.recorded(crm, ada), story.recorded(crm, ada)
    for id in (lost, failed):
        story.attempt(id)
        story.fail(id, unknown=id == lost)
    refused = story.refuse(crm, ada)
    unknown = story.refuse(None, ada)
    answer = desk.ask(ada)
    assert ids(answer) == [lost, failed, refused, unknown]
    outcomes = [one.entry.last.outcome for one in answer.part.rows if isinstance(one, Told)]
    assert outcomes == ["unknown", "failed", "refused", "refused"]
    assert (answer.totals.disclosures, answer.totals.recipients) == (1, 1)


def test_while_an_attempt_runs_it_may_have_been_shared(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm = story.recipient()
    id = story.recorded(crm, ada)
    assert desk.ask(ada).totals.disclosures == 0
    story.attempt(id)
    assert desk.ask(ada).totals.disclosures == 1
    story.fail(id)
    assert desk.ask(ada).totals.disclosures == 0


def test_as_of_an_instant_everything_is_as_it_was(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm, bank = story.recipient(), story.recipient("Bank")
    first = story.recorded(crm, ada)
    before = story.at - timedelta(seconds=1)
    story.attempt(first)
    story.fail(first, unknown=True)
    doubt = story.at - timedelta(seconds=1)
    story.attempt(first, 2)
    story.deliver(first, 2)
    story.sent(bank, ada, purpose="marketing_first_party")
    told = [desk.ask(ada, as_of=at) for at in (BEGINNING - DAY, before, doubt, None)]
    assert [one.totals.disclosures for one in told] == [0, 0, 1, 2]
    assert [one.totals.recipients for one in told] == [0, 0, 1, 2]
    assert [one.totals.marketing for one in told] == [0, 0, 0, 1]
    assert [len(one.part.rows) for one in told] == [0, 1, 1, 2]
    (then,) = told[2].part.rows
    assert isinstance(then, Told) and then.entry.last.outcome == "unknown"


def test_what_is_withheld_is_in_no_answer_to_the_person_and_opens_on_its_date(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm, police = story.recipient(), story.recipient("Police", kind="authority", role="authority")
    open_ = story.sent(crm, ada)
    until = story.at + 30 * DAY
    gagged = story.withheld(police, until, ada, ground=Ground(legal_trigger="compelled"))
    desk.world.clock.set(until - timedelta(seconds=1))
    person, officer, auditor = (desk.ask(ada, view) for view in ("person", "officer", "auditor"))
    assert ids(person) == [open_]
    assert (person.totals.disclosures, person.totals.withheld, person.totals.rows) == (1, 0, 1)
    assert ids(officer) == ids(auditor) == [open_, gagged]
    hidden = officer.part.rows[1]
    assert isinstance(hidden, Withheld) and hidden.until == until
    assert (officer.totals.disclosures, officer.totals.recipients, officer.totals.withheld) == (
        1,
        1,
        1,
    )
    seen = auditor.part.rows[1]
    assert isinstance(seen, Told) and seen.withheld_until == until
    assert (auditor.totals.disclosures, auditor.totals.recipients, auditor.totals.withheld) == (
        2,
        2,
        1,
    )
    # A date to come does not open it, nor does the day before it, asked for afterwards.
    assert ids(desk.ask(ada, "person", as_of=until + DAY)) == [open_]
    desk.world.clock.set(until)
    assert ids(desk.ask(ada, "person")) == [open_, gagged]
    assert ids(desk.ask(ada, "person", as_of=until - DAY)) == [open_]
    assert desk.ask(ada, "officer").totals.withheld == 0
    assert desk.ask(ada, "officer", as_of=until - DAY).totals.withheld == 1


def test_a_person_s_answer_is_the_same_with_and_without_a_gag(desk: Desk) -> None:
    ada, ben, story = register(desk), register(desk), desk.story
    crm = story.recipient()
    story.sent(crm, ada, ben)
    desk.world.clock.set(story.at)
    story.withheld(crm, story.at + 30 * DAY, ada)
    hers, his = desk.ask(ada, "person"), desk.ask(ben, "person")
    assert hers.totals == his.totals
    assert ids(hers) == ids(his)
    assert hers.part.complete_to == his.part.complete_to
    assert hers.part.next is None


def test_somebody_known_only_from_what_is_withheld_is_nobody_to_the_person_s_view(
    desk: Desk,
) -> None:
    story = desk.story
    crm, ghost = story.recipient(), uuid4()
    desk.world.clock.set(story.at)
    story.withheld(crm, story.at + 30 * DAY, ghost)
    assert desk.ask(ghost, "officer").totals.withheld == 1
    with pytest.raises(NotFound):
        desk.ask(ghost, "person")


def test_a_gag_that_ends_early_opens_by_its_event(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm = story.recipient()
    until = story.at + 300 * DAY
    desk.world.clock.set(story.at + DAY)
    gagged = story.withheld(crm, until, ada)
    assert ids(desk.ask(ada, "person")) == []
    before = story.at - timedelta(seconds=1)
    story.open(gagged, ada)
    desk.world.clock.set(story.at)
    assert ids(desk.ask(ada, "person")) == [gagged]
    assert ids(desk.ask(ada, "person", as_of=before)) == []


def test_a_gag_that_was_extended_holds_for_whoever_asks_how_it_was_before(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm = story.recipient()
    first = story.at + 10 * DAY
    gagged = story.withheld(crm, first, ada)
    known = story.at - timedelta(seconds=1)
    story.at += 5 * DAY
    last = story.at + 90 * DAY
    story.prolong(gagged, last)
    desk.world.clock.set(first + 20 * DAY)
    then = first + DAY
    for as_of, known_at in ((None, None), (then, None), (None, known), (then, known)):
        assert ids(desk.ask(ada, "person", as_of, known_at)) == []
        assert desk.ask(ada, "person", as_of, known_at).totals == Totals()
        officer = desk.ask(ada, "officer", as_of, known_at)
        (row,) = officer.part.rows
        assert isinstance(row, Withheld) and row.until == last
        assert (officer.totals.withheld, officer.totals.disclosures) == (1, 0)
    desk.world.clock.set(last)
    assert ids(desk.ask(ada, "person")) == ids(desk.ask(ada, "person", then + 100 * DAY, known))


def test_who_works_here_is_not_named_to_the_person(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    story.sent(story.recipient(), ada, case="case-7")
    for view, names in (("person", False), ("officer", True), ("auditor", True)):
        (row,) = desk.ask(ada, view).part.rows  # type: ignore[arg-type]
        assert isinstance(row, Told) and row.names_staff == names


def test_answers_of_the_recipient_and_onward_sharing_belong_to_the_row(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    id = story.sent(story.recipient(), ada)
    before = story.at - timedelta(seconds=1)
    story.acknowledge(id, "done", "erasure")
    story.hand_on(id)
    (row,) = desk.ask(ada).part.rows
    assert isinstance(row, Told)
    assert [one.happened for one in row.entry.steps[-2:]] == ["acknowledged", "shared_onward"]
    assert row.entry.last.outcome == "delivered"
    (then,) = desk.ask(ada, as_of=before).part.rows
    assert isinstance(then, Told) and then.entry.last.happened == "delivered"


def test_pages_follow_each_other_to_the_end(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm = story.recipient()
    whole = [story.sent(crm, ada) for _ in range(7)]
    found: list[UUID] = []
    after, asked = None, 0
    while asked == 0 or after is not None:
        answer = desk.answers().about(
            ada, "officer", Moment(), 3, after, desk.by("privacy_officer")
        )
        found, after, asked = found + ids(answer), answer.part.next, asked + 1
        assert answer.totals.disclosures == 7
    assert (found, asked) == (whole, 3)


def test_an_officer_s_narrowed_list_tells_nothing_of_what_is_withheld(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm, police = story.recipient(), story.recipient("Police", "FR")
    process = uuid4()
    open_ = story.sent(crm, ada)
    desk.world.clock.set(story.at)
    ground = Ground(legal_trigger="compelled", legal_process=process)
    gagged = story.withheld(police, story.at + 30 * DAY, ada, ground=ground)
    officer, auditor = desk.by("privacy_officer"), desk.by("auditor")

    def listed(wanted: Wanted, by: Caller) -> list[UUID]:
        part = desk.answers().wanted(wanted, Moment(), 50, None, by)
        return [
            one.id if isinstance(one, Withheld) else one.entry.row.disclosure for one in part.rows
        ]

    assert listed(Wanted(), officer) == listed(Wanted(), auditor) == [open_, gagged]
    for narrowed in (
        Wanted(recipient=police),
        Wanted(country="FR"),
        Wanted(legal_process=process),
        Wanted(purpose="service", recipient=police),
    ):
        assert listed(narrowed, officer) == []
        assert listed(narrowed, auditor) == [gagged]
    assert listed(Wanted(purpose="service"), officer) == [open_]
    period = Wanted(from_=story.at - timedelta(minutes=4), to=story.at)
    assert listed(period, auditor) == [gagged]
    assert desk.answers().to_recipient(police, Moment(), 50, None, officer).rows == ()
    assert len(desk.answers().to_recipient(police, Moment(), 50, None, auditor).rows) == 1
    with pytest.raises(NotFound):
        desk.answers().to_recipient(uuid4(), Moment(), 50, None, officer)


@pytest.mark.parametrize(
    ("roles", "views"),
    [
        (("privacy_officer",), {"officer", "person"}),
        (("owner",), {"officer", "person"}),
        (("auditor",), {"officer", "person", "auditor"}),
        (("manager", "staff", "booking", "engineer", "corporate", "subject"), set()),
    ],
)
def test_each_role_has_its_views(desk: Desk, roles: tuple[Role, ...], views: set[View]) -> None:
    ada = register(desk)
    may: set[View] = set()
    for view in ("person", "officer", "auditor"):
        try:
            desk.answers().about(ada, view, Moment(), 5, None, desk.by(*roles))
            may.add(view)
        except NotPermitted:
            pass
    assert may == views


def test_a_person_s_own_key_sees_its_own_answer_and_nothing_else(desk: Desk) -> None:
    ada, ben = register(desk), register(desk)
    it = desk.world
    answers = DisclosureAnswers(
        it.disclosures,
        it.positions,
        it.ledger,
        it.store,
        StreamConsentStates(it.store, it.clock),
        it.clock,
        lambda _: ada,
    )
    by = desk.by("subject")
    assert answers.about(ada, None, Moment(), 5, None, by).view == "person"
    for subject, view in ((ben, None), (ada, "officer"), (ada, "auditor")):
        with pytest.raises(NotPermitted):
            answers.about(subject, view, Moment(), 5, None, by)  # type: ignore[arg-type]


def test_what_was_known_at_an_instant_leaves_out_what_was_recorded_later(desk: Desk) -> None:
    ada, story = register(desk), desk.story
    crm = story.recipient()
    story.sent(crm, ada)
    known = story.at - timedelta(seconds=1)
    story.sent(crm, ada)
    answer = desk.ask(ada, known_at=known)
    assert answer.totals.disclosures == 1
    assert answer.part.complete_to.position == 4
    assert answer.part.complete_to.checkpoint is not None
