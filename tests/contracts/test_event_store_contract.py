"""The port `EventStore`: all of an append or nothing of it, and never two reservations for one time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random
from uuid import UUID, uuid4

import pytest

from application.ports import CatalogEntry, Claim, Occupied, Outcome, Release
from application.recorded import Answer, Ticket
from application.vouching import Vouched, vouching
from domain.access_key import AccessKey, KeyTerms
from domain.booking import BookingConfirmed, BookingRequested
from domain.custody import Fence
from domain.sealing import Envelope
from domain.subject import Correction, SubjectCorrected, SubjectRegistered
from domain.values import Personal
from tests.contracts.world import HOUR, NOW, TEN, Desk

NINE, ELEVEN = TEN - HOUR, TEN + HOUR


def occupied(desk: Desk) -> list[Occupied]:
    """What the staff member's time is taken by."""
    desk.opens()
    return list(desk.world.book.facts(desk.tenant, desk.service, 0, 2 * TEN).occupied)


# --- keys ------------------------------------------------------------------------------------------------------------


def test_an_append_for_a_key_sees_itself_whether_the_key_stands(desk: Desk):
    terms = KeyTerms(("booking",), "web")
    key = AccessKey(uuid4(), terms, "0" * 64, active=True, version=1)
    desk.append(catalog=(CatalogEntry("key", key.id, 1, NOW, key),))
    standing, fresh, later = Vouched(key.id, 1), uuid4(), uuid4()
    with vouching(standing):
        assert desk.append(desk.event(fresh)) is Outcome.APPENDED
        assert standing.seen
    for gone in (Vouched(key.id, 2), Vouched(uuid4(), 1), Vouched(desk.tenant, 1)):
        with vouching(gone):
            assert desk.append(desk.event(later)) is Outcome.REVOKED
        assert not gone.seen
    assert desk.versions(later) == []


def test_a_key_is_looked_at_once_in_a_call(desk: Desk):
    gone, stream = Vouched(uuid4(), 1, seen=True), uuid4()
    with vouching(gone):
        assert desk.append(desk.event(stream)) is Outcome.APPENDED


# --- streams ---------------------------------------------------------------------------------------------------------


def test_what_was_appended_is_read_oldest_first(desk: Desk):
    stream = uuid4()
    first, second = desk.event(stream), desk.event(stream, 2)
    assert desk.append(first) is Outcome.APPENDED
    assert desk.append(second) is Outcome.APPENDED
    assert desk.read(stream) == (first, second)
    assert desk.read(uuid4()) == ()


def test_an_event_keeps_who_when_why_and_what_caused_it(desk: Desk):
    stream = uuid4()
    event = replace(
        desk.event(stream), purpose="support", case="T-1", policy_version="2027-01", cause=uuid4()
    )
    desk.append(event)
    assert desk.read(stream) == (event,)


def test_a_version_is_stored_once(desk: Desk):
    stream = uuid4()
    desk.append(desk.event(stream))
    assert desk.append(desk.event(stream)) is Outcome.CONFLICT
    desk.append(desk.event(stream, 2))
    assert desk.append(desk.event(stream, 2)) is Outcome.CONFLICT
    assert desk.versions(stream) == [1, 2]


def test_a_version_follows_the_one_before(desk: Desk):
    stream = uuid4()
    assert desk.append(desk.event(stream, 2)) is Outcome.CONFLICT
    desk.append(desk.event(stream))
    assert desk.append(desk.event(stream, 3)) is Outcome.CONFLICT
    assert desk.versions(stream) == [1]


def test_several_events_of_several_streams_are_one_append(desk: Desk):
    one, two = uuid4(), uuid4()
    events = (desk.event(one), desk.event(two), desk.event(one, 2))
    assert desk.append(*events) is Outcome.APPENDED
    assert (desk.versions(one), desk.versions(two)) == ([1, 2], [1])


def test_nothing_of_a_refused_append_is_stored(desk: Desk):
    stream, fresh = uuid4(), uuid4()
    desk.append(desk.event(stream))
    claim = desk.claim()
    refused = desk.append(desk.event(fresh), desk.event(stream), claims=(claim,))
    assert refused is Outcome.CONFLICT
    assert desk.versions(fresh) == []
    assert desk.take(desk.claim()) is Outcome.APPENDED


def test_of_many_who_append_one_version_exactly_one_wins(desk: Desk):
    stream = uuid4()
    outcomes = desk.race(16, lambda _: desk.append(desk.event(stream)))
    assert sorted(outcomes) == [Outcome.APPENDED] + [Outcome.CONFLICT] * 15


def test_a_tenant_reads_nothing_of_another(desk: Desk):
    stream = uuid4()
    desk.append(desk.event(stream))
    other = Desk(desk.world)
    assert other.read(stream) == ()
    with desk.world.inside(other.tenant):
        assert desk.world.store.read(other.tenant, stream) == ()


def test_tenants_do_not_take_each_other_s_time_or_versions(desk: Desk):
    other = Desk(desk.world, staff=desk.staff, service=desk.service)
    stream = uuid4()
    assert desk.append(desk.event(stream), claims=(desk.claim(),)) is Outcome.APPENDED
    assert other.append(other.event(stream), claims=(other.claim(),)) is Outcome.APPENDED


# --- sealing ---------------------------------------------------------------------------------------------------------


def test_groups_come_back_as_envelopes_that_show_nothing(desk: Desk):
    subject = uuid4()
    desk.world.people.prepare(desk.tenant, subject, ["profile", "booking"])
    assert desk.append(desk.registered(subject)) is Outcome.APPENDED
    (event,) = desk.read(subject)
    assert isinstance(event.decision, SubjectRegistered)
    envelope = event.decision.profile
    assert isinstance(envelope, Envelope)
    assert "Ada " not in envelope.text
    (opened,) = desk.world.opener.open(desk.tenant, [envelope])
    assert opened == {"name": "Ada Example", "email": "ada@example.test"}


def test_a_group_holds_text_by_keys_and_leaves_out_what_is_not_there(desk: Desk):
    subject, id = uuid4(), uuid4()
    desk.world.people.prepare(desk.tenant, subject, ["booking"])
    visit = desk.placed(id).visit
    made = BookingRequested(id, subject, visit, None, "order-7", desk.person())
    desk.append(desk.event(id, 1, made))
    agreed = BookingConfirmed(id, subject, visit, None, "order-7", None)
    desk.append(desk.event(id, 2, agreed))
    first, second = desk.read(id)
    assert second.decision == agreed
    assert isinstance(first.decision, BookingRequested)
    assert isinstance(first.decision.person, Envelope)
    assert replace(first.decision, person=made.person) == made
    (opened,) = desk.world.opener.open(desk.tenant, [first.decision.person])
    assert opened == {"name": "Ada Example", "note": "Ring", "metadata": {"colour": "red"}}


def test_nothing_is_sealed_for_someone_who_is_fenced(desk: Desk):
    subject, id = uuid4(), uuid4()
    desk.world.people.prepare(desk.tenant, subject, ["profile"])
    desk.world.fence(desk.tenant, subject)
    refused = desk.append(desk.event(id), desk.registered(subject), claims=(desk.claim(),))
    assert refused is Outcome.ERASED
    assert desk.versions(id) == desk.versions(subject) == []
    # What seals nothing can still be recorded of them.
    assert desk.append(desk.event(id), desk.cancelled(id, 2, subject)) is Outcome.APPENDED


def test_an_append_may_put_up_a_fence_for_some_classes(desk: Desk):
    subject, id = uuid4(), uuid4()
    desk.world.people.prepare(desk.tenant, subject, ["profile", "booking"])
    assert desk.append(desk.registered(subject)) is Outcome.APPENDED
    fence = Fence(subject, ("profile", "evidence"), NOW)
    assert desk.append(desk.cancelled(id, 1, subject), fences=(fence,)) is Outcome.APPENDED
    again = Fence(subject, ("profile", "audit"), NOW)
    assert desk.append(desk.cancelled(id, 2, subject), fences=(again,)) is Outcome.APPENDED
    corrected = SubjectCorrected(subject, ("phone",), Correction(phone=Personal("+3312345678")))
    assert desk.append(desk.event(subject, 2, corrected)) is Outcome.ERASED
    visit = desk.placed(uuid4()).visit
    asked = BookingRequested(uuid4(), subject, visit, None, None, desk.person())
    assert desk.append(desk.event(uuid4(), 1, asked)) is Outcome.APPENDED, "of another class"


def test_a_fence_is_not_put_up_by_an_append_that_is_refused(desk: Desk):
    subject = uuid4()
    desk.world.people.prepare(desk.tenant, subject, ["profile"])
    id = uuid4()
    assert desk.append(desk.cancelled(id, 1, subject)) is Outcome.APPENDED
    fence = Fence(subject, ("profile",), NOW)
    assert desk.append(desk.cancelled(id, 1, subject), fences=(fence,)) is Outcome.CONFLICT
    assert desk.append(desk.registered(subject)) is Outcome.APPENDED


# --- reservations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end"), [(TEN, ELEVEN), (TEN - 1, TEN + 1), (ELEVEN - 1, ELEVEN), (NINE, 2 * TEN)]
)
def test_no_two_reservations_share_an_instant(desk: Desk, start: int, end: int):
    desk.take(desk.claim())
    other = desk.claim(start=start, end=end, from_=start, to=end)
    assert desk.take(other) is Outcome.TAKEN


def test_adjacency_is_free(desk: Desk):
    for start in (TEN, NINE, ELEVEN):
        assert desk.take(desk.claim(start=start)) is Outcome.APPENDED


def test_buffers_are_inside_the_reservation(desk: Desk):
    desk.take(desk.claim(from_=TEN - 600, to=ELEVEN + 600))
    assert desk.take(desk.claim(start=NINE)) is Outcome.TAKEN
    assert desk.take(desk.claim(start=ELEVEN)) is Outcome.TAKEN
    assert desk.take(desk.claim(start=ELEVEN + 600)) is Outcome.APPENDED
    assert desk.take(desk.claim(start=NINE - 600)) is Outcome.APPENDED


def test_staff_members_have_their_own_time(desk: Desk):
    desk.take(desk.claim())
    assert desk.take(desk.claim(staff=uuid4())) is Outcome.APPENDED


def test_two_claims_of_one_append_may_not_overlap_either(desk: Desk):
    assert desk.take(desk.claim(), desk.claim()) is Outcome.TAKEN
    assert occupied(desk) == []
    assert desk.take(desk.claim(), desk.claim(start=ELEVEN)) is Outcome.APPENDED


def test_what_is_given_up_is_free_at_once(desk: Desk):
    claim = desk.claim()
    desk.take(claim)
    assert desk.give_up(claim) is Outcome.APPENDED
    assert desk.take(desk.claim()) is Outcome.APPENDED
    assert desk.give_up(claim) is Outcome.MOVED


def test_a_claim_may_take_the_place_of_its_own_release(desk: Desk):
    claim = desk.claim()
    desk.take(claim)
    moved = replace(claim, start=TEN + 60, end=ELEVEN + 60, from_=TEN + 60, to=ELEVEN + 60)
    assert desk.append(releases=(Release(claim.owner),), claims=(moved,)) is Outcome.APPENDED
    assert desk.take(desk.claim(start=NINE)) is Outcome.APPENDED
    assert desk.take(desk.claim()) is Outcome.TAKEN


def test_a_release_that_fails_leaves_everything_as_it_was(desk: Desk):
    claim = desk.claim()
    desk.take(claim)
    gone = Release(uuid4())
    refused = desk.append(releases=(Release(claim.owner), gone), claims=(desk.claim(start=ELEVEN),))
    assert refused is Outcome.MOVED
    assert [one.start for one in occupied(desk)] == [TEN]


def test_an_expired_hold_stands_in_the_way_until_it_is_released(desk: Desk):
    held = desk.claim(kind="hold", expires_at=NINE)
    desk.take(held)
    assert desk.take(desk.claim()) is Outcome.TAKEN
    assert desk.give_up(held, expired_by=NINE - 1) is Outcome.MOVED
    assert (
        desk.append(releases=(Release(held.owner, expired_by=NINE),), claims=(desk.claim(),))
        is Outcome.APPENDED
    )


def test_what_never_expires_is_not_released_as_expired(desk: Desk):
    claim = desk.claim()
    desk.take(claim)
    assert desk.give_up(claim, expired_by=2 * TEN) is Outcome.MOVED
    seat = desk.claim(start=ELEVEN, capacity=2)
    desk.take(seat)
    assert desk.give_up(seat, expired_by=2 * TEN) is Outcome.MOVED


def test_of_many_who_claim_one_time_exactly_one_wins(desk: Desk):
    outcomes = desk.race(32, lambda _: desk.take(desk.claim()))
    assert sorted(outcomes) == [Outcome.APPENDED] + [Outcome.TAKEN] * 31


def test_an_expired_hold_is_released_by_one_of_many(desk: Desk):
    held = desk.claim(kind="hold", expires_at=NINE)
    desk.take(held)

    def run(_: int) -> Outcome:
        release = Release(held.owner, expired_by=NINE)
        return desk.append(releases=(release,), claims=(desk.claim(),))

    outcomes = desk.race(16, run)
    assert outcomes.count(Outcome.APPENDED) == 1
    assert set(outcomes) <= {Outcome.APPENDED, Outcome.MOVED, Outcome.TAKEN}
    assert len(occupied(desk)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_no_random_story_overlaps(desk: Desk, seed: int):
    def run(number: int) -> None:
        random = Random(seed * 1_000 + number)
        mine: list[Claim] = []
        for _ in range(15):
            start = TEN + random.randrange(24) * 900
            end = start + random.randrange(1, 6) * 900
            claim = desk.claim(start=start, end=end, from_=start - random.choice((0, 600)), to=end)
            old = mine.pop() if mine and random.random() < 0.5 else None
            outcome = desk.append(releases=(Release(old.owner),) if old else (), claims=(claim,))
            if outcome is Outcome.APPENDED:
                mine.append(claim)
            elif old:
                mine.append(old)

    desk.race(6, run)
    found = sorted((one.from_, one.to) for one in occupied(desk))
    assert found
    assert all(one[1] <= two[0] for one, two in pairwise(found))


# --- classes ---------------------------------------------------------------------------------------------------------


def test_a_class_has_as_many_seats_as_it_holds(desk: Desk):
    for _ in range(3):
        assert desk.take(desk.claim(capacity=3)) is Outcome.APPENDED
    assert desk.take(desk.claim(capacity=3)) is Outcome.FULL
    (session,) = occupied(desk)
    assert (session.capacity, len(session.seats)) == (3, 3)


def test_a_seat_that_is_given_up_can_be_taken_again(desk: Desk):
    claims = [desk.claim(capacity=2) for _ in range(2)]
    desk.take(claims[0])
    desk.take(claims[1])
    desk.give_up(claims[0])
    assert desk.take(desk.claim(capacity=2)) is Outcome.APPENDED
    assert desk.take(desk.claim(capacity=2)) is Outcome.FULL


def test_a_class_makes_its_teacher_busy_until_its_last_seat_is_given_up(desk: Desk):
    claims = [desk.claim(capacity=2) for _ in range(2)]
    for claim in claims:
        desk.take(claim)
    for claim in claims:
        assert desk.take(desk.claim()) is Outcome.TAKEN
        assert desk.take(desk.claim(service=uuid4(), capacity=2)) is Outcome.TAKEN
        assert desk.take(desk.claim(start=TEN + 60, capacity=2)) is Outcome.TAKEN
        desk.give_up(claim)
    assert occupied(desk) == []
    assert desk.take(desk.claim()) is Outcome.APPENDED
    assert desk.take(desk.claim(capacity=2)) is Outcome.TAKEN


def test_a_held_seat_becomes_a_booked_one_in_a_full_class(desk: Desk):
    held = desk.claim(kind="hold", capacity=2, expires_at=ELEVEN)
    desk.take(held)
    desk.take(desk.claim(capacity=2))
    booked = desk.claim(capacity=2)
    assert desk.append(releases=(Release(held.owner),), claims=(booked,)) is Outcome.APPENDED
    (session,) = occupied(desk)
    assert booked.owner in {seat.owner for seat in session.seats}
    assert held.owner not in {seat.owner for seat in session.seats}


def test_an_expired_seat_is_released_only_once_it_has_expired(desk: Desk):
    held = desk.claim(kind="hold", capacity=2, expires_at=NINE)
    desk.take(held)
    desk.take(desk.claim(capacity=2))
    assert desk.give_up(held, expired_by=NINE - 1) is Outcome.MOVED
    assert desk.give_up(held, expired_by=NINE) is Outcome.APPENDED
    (session,) = occupied(desk)
    assert len(session.seats) == 1


def test_of_many_who_claim_a_seat_as_many_win_as_there_are(desk: Desk):
    outcomes = desk.race(32, lambda _: desk.take(desk.claim(capacity=5)))
    assert outcomes.count(Outcome.APPENDED) == 5
    assert set(outcomes) == {Outcome.APPENDED, Outcome.FULL}


def test_a_class_and_a_visit_race_and_one_of_them_wins(desk: Desk):
    def run(number: int) -> Outcome:
        return desk.take(desk.claim(capacity=5 if number % 2 else 1))

    outcomes = desk.race(16, run)
    (reserved,) = occupied(desk)
    assert outcomes.count(Outcome.APPENDED) == len(reserved.seats)
    assert len(reserved.seats) in (1, 5)


# --- answers ---------------------------------------------------------------------------------------------------------


def test_an_answer_is_stored_with_its_append_and_only_once(desk: Desk):
    world, answer = desk.world, Answer(201, (("ETag", '"1"'),), b'{"id":"x"}')
    row = world.answers.begin(desk.tenant, "scope", "key", b"{}")
    assert isinstance(row, UUID)
    ticket = Ticket(desk.tenant, row, lambda _: answer)
    stream = uuid4()
    refused = desk.append(desk.event(stream, 2), ticket=ticket, answer=answer)
    assert refused is Outcome.CONFLICT
    assert desk.append(desk.event(stream), ticket=ticket, answer=answer) is Outcome.APPENDED
    assert world.answers.begin(desk.tenant, "scope", "key", b"{}") == answer
    again = desk.append(desk.event(stream, 2), ticket=ticket, answer=answer, claims=(desk.claim(),))
    assert again is Outcome.ANSWERED
    assert desk.versions(stream) == [1]
    assert desk.take(desk.claim()) is Outcome.APPENDED
