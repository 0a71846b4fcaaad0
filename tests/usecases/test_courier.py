"""The courier: what is due, what was lost, what is stopped; and recipients that have to be told of a change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar
from uuid import UUID

import pytest

from application.disclosing.conditions import Sent
from application.disclosing.courier import BEGUN_WITHIN, LOST_AFTER
from application.disclosing.retries import PAUSE_SECONDS_MAX, pause_seconds, retry_at
from application.execute import Scribe
from application.recorded import Recorded
from domain.disclosure import ATTEMPTS_MAX, DisclosureRecorded, Ground
from domain.erasure import ErasureEffected
from domain.errors import DisclosureRefused, NotFound, NotPermitted, Unavailable, Unreadable
from domain.follow_up import FollowUpOrdered
from domain.sealing import Envelope
from domain.values import public_id
from infrastructure.twin.memory_state import MemoryState
from tests.usecases.disclosing import INBOX, OFFICER, Doors
from tests.usecases.salon import TENANT, at


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def ada(doors: Doors) -> UUID:
    here = doors.salon.a_location()
    service = doors.salon.a_service(here)
    doors.salon.a_staff_member([here], [service])
    return doors.salon.book(service, at(10)).state.subject


class Killed(BaseException):
    """The process dies here."""


@dataclass
class Dies:
    """Sends, or not, and dies."""

    doors: Doors
    sends: bool

    def send(self, ticket: Any, seconds: float) -> Sent:
        if self.sends:
            self.doors.sender.send(ticket, seconds)
        raise Killed


def types(doors: Doors, id: UUID) -> list[str]:
    """What is on record, without its concept and version."""
    return [one.split(".")[1] for one in doors.salon.types(id)]


# --- deliveries ------------------------------------------------------------------------------------------------------


def test_what_failed_is_tried_when_it_is_due(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("unreachable")]
    done = doors.hand_over(doors.recipient(delivery=INBOX).id, ada)
    assert done.state.outcome == "failed"
    assert doors.carries(seconds=0.5) == 0
    assert doors.carries(seconds=3) == 1
    assert types(doors, done.id) == ["recorded", "attempted", "failed", "attempted", "delivered"]
    assert doors.carries(hours=1) == 0


def test_attempts_come_to_an_end(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("status", 503, "unknown")] * 20
    done = doors.hand_over(doors.recipient(delivery=INBOX).id, ada)
    for _ in range(20):
        doors.carries(hours=2)
    assert len(doors.sender.sent) == ATTEMPTS_MAX
    shown = doors.replies.show(done.id, OFFICER).story.state
    assert (shown.outcome, shown.attempts, shown.is_over) == ("unknown", ATTEMPTS_MAX, True)


@pytest.mark.parametrize("sends", [True, False])
def test_who_dies_while_sending_leaves_it_as_shared(doors: Doors, ada: UUID, sends: bool):
    crm = doors.recipient(delivery=INBOX)
    whole, doors.out = doors.out, replace(doors.out, sender=Dies(doors, sends))
    with pytest.raises(Killed):
        doors.hand_over(crm.id, ada)
    (recorded,) = doors.recorded(DisclosureRecorded)
    id, doors.out = recorded.disclosure, whole
    assert doors.carries(seconds=LOST_AFTER.total_seconds() - 1) == 0
    assert doors.carries(seconds=2) == 1
    story = doors.replies.show(id, OFFICER).story
    assert story.events[-1].decision.reason == "lost"
    assert story.state.outcome == "unknown"
    assert doors.carries(seconds=3) == 1
    assert types(doors, id) == ["recorded", "attempted", "failed", "attempted", "delivered"]
    assert {one.webhook_id for one in doors.sender.sent} == {public_id("disclosure", id)}


def test_what_was_recorded_and_never_begun_is_begun(doors: Doors, ada: UUID):
    doors.salon.world.mirrored.holds = False
    with pytest.raises(Unavailable):
        doors.hand_over(doors.recipient(delivery=INBOX).id, ada)
    (recorded,) = doors.recorded(DisclosureRecorded)
    assert doors.carries(seconds=BEGUN_WITHIN.total_seconds() + 1) == 0  # still not mirrored
    doors.salon.world.mirrored.holds = True
    assert doors.carries() == 1
    assert types(doors, recorded.disclosure) == ["recorded", "attempted", "delivered"]


class DyingMirror:
    """The process dies right after the record."""

    def wait(self, tenant: UUID, event: UUID, seconds: float) -> bool:
        raise Killed


def test_a_response_that_nobody_waits_for_is_not_given(doors: Doors, ada: UUID):
    whole, doors.out = doors.out, replace(doors.out, mirrored=DyingMirror())
    with pytest.raises(Killed):
        doors.hand_over(doors.recipient().id, ada)
    doors.out = whole
    (recorded,) = doors.recorded(DisclosureRecorded)
    assert doors.carries(seconds=BEGUN_WITHIN.total_seconds()) == 1
    story = doors.replies.show(recorded.disclosure, OFFICER).story
    assert (story.events[-1].decision.reason, story.state.outcome) == ("stopped", "failed")
    assert doors.carries(hours=1) == 0


@dataclass
class DyingOpener:
    """The process dies while it opens the values."""

    def open(self, tenant: UUID, envelopes: Sequence[Envelope]) -> list[dict[str, object] | None]:
        raise Killed


def test_a_response_that_was_begun_counts_as_shared(doors: Doors, ada: UUID):
    whole, doors.out = doors.out, replace(doors.out, opener=DyingOpener())
    with pytest.raises(Killed):
        doors.hand_over(doors.recipient().id, ada)
    doors.out = whole
    (recorded,) = doors.recorded(DisclosureRecorded)
    assert doors.carries(seconds=LOST_AFTER.total_seconds()) == 1
    state = doors.replies.show(recorded.disclosure, OFFICER).story.state
    assert (state.outcome, state.is_over) == ("unknown", True)


class Closed:
    """Nothing can be opened just now."""

    def open(self, tenant: UUID, envelopes: Sequence[Envelope]) -> list[dict[str, object] | None]:
        raise Unreadable("A key is missing")


def test_what_cannot_be_opened_is_not_shared(doors: Doors, ada: UUID):
    whole, doors.out = doors.out, replace(doors.out, opener=Closed())
    for delivery in (INBOX, replace(INBOX, kind="response", url=None)):
        with pytest.raises(Unreadable):
            doors.hand_over(doors.recipient(delivery=delivery).id, ada)
    doors.out = whole
    https, response = doors.recorded(DisclosureRecorded)
    assert types(doors, https.disclosure) == ["recorded", "attempted", "failed"]
    assert doors.replies.show(response.disclosure, OFFICER).story.state.is_over
    assert doors.carries(seconds=3) == 1
    assert types(doors, https.disclosure)[-1] == "delivered"


def test_a_withdrawn_consent_stops_what_waits(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("unreachable")]
    doors.consents_to(ada, "service")
    done = doors.hand_over(doors.recipient(delivery=INBOX).id, ada, ground=Ground("consent"))
    doors.consents_to(ada, "service", valid=False)
    assert doors.carries(minutes=1) == 0
    assert types(doors, done.id) == ["recorded", "attempted", "failed", "refused"]
    assert doors.carries(hours=1) == 0
    assert len(doors.sender.sent) == 1


def test_an_ended_contract_stops_the_next_attempt(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("unreachable")]
    crm = doors.recipient(delivery=INBOX)
    done = doors.hand_over(crm.id, ada)
    assert b'"purpose":"service"' in doors.sender.sent[0].body
    yesterday = (doors.salon.world.clock.now() - timedelta(days=1)).date()
    doors.recipients.end(crm.id, yesterday, OFFICER)
    assert doors.carries(minutes=1) == 0
    assert types(doors, done.id) == ["recorded", "attempted", "failed", "refused"]
    story = doors.replies.show(done.id, OFFICER).story
    assert story.events[-1].decision.reason == "contract_expired"


def test_pauses_grow_up_to_a_bound_and_differ(doors: Doors):
    ids = doors.salon.world.ids
    for attempt in range(1, 20):
        turn = min(PAUSE_SECONDS_MAX, 2.0 * 4.0 ** (attempt - 1))
        assert turn / 2 <= pause_seconds(attempt, ids) <= turn
    assert len({pause_seconds(9, ids) for _ in range(20)}) == 20
    assert retry_at(Sent("timeout"), ATTEMPTS_MAX, at(8), ids) is None


# --- follow-ups ------------------------------------------------------------------------------------------------------


def withdraws(doors: Doors, subject: UUID, purpose: str = "service") -> UUID:
    """Someone's consent is withdrawn, and that is on record; the event."""
    doors.consents_to(subject, purpose, valid=False)
    return _happens(doors, Withdrawn(subject, purpose))


def corrects(doors: Doors, subject: UUID, *fields: str) -> UUID:
    """Someone's profile is corrected; the event."""
    return _happens(doors, Corrected(subject, fields))


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """As the concept `consent` records it, as far as it matters here."""

    TYPE: ClassVar[str] = "consent.withdrawn.v1"

    subject: UUID
    purpose: Annotated[str, "a code"]


@dataclass(frozen=True, slots=True)
class Corrected:
    """As the concept `subject` records it, as far as it matters here."""

    TYPE: ClassVar[str] = "subject.corrected.v1"

    subject: UUID
    fields: tuple[str, ...]


def _happens(doors: Doors, decision: object) -> UUID:
    """Put an event on record whose type another concept has."""
    world = doors.salon.world
    scribe = Scribe.begin(OFFICER, world.clock, world.ids)
    event: Recorded[object] = scribe.record(world.ids.uuid(), 1, decision)
    state: MemoryState = world.state
    state.streams[(TENANT, event.stream)] = (event,)
    state.log[TENANT].append(event)
    return event.event_id


def test_a_recipient_is_told_of_a_withdrawal(doors: Doors, ada: UUID):
    doors.consents_to(ada, "service")
    crm = doors.recipient(delivery=INBOX)
    done = doors.hand_over(crm.id, ada, ground=Ground("consent"))
    change = withdraws(doors, ada)
    assert doors.carries() == 1
    (ordered,) = doors.recorded(FollowUpOrdered)
    assert (ordered.about, ordered.subject, ordered.disclosure) == ("withdrawal", ada, done.id)
    assert ordered.fields == ("name", "email")
    assert doors.carries() == 1
    parcel = doors.sender.sent[-1]
    assert parcel.webhook_id == public_id("follow_up", ordered.follow_up)
    said = json.loads(parcel.body)
    assert (said["type"], said["subject_id"]) == ("withdrawal", public_id("subject", ada))
    assert b"Ada" not in parcel.body
    (story,) = doors.told.page(10, None, True, OFFICER).items
    assert (story.state.outcome, story.first.cause) == ("delivered", change)
    assert doors.carries(hours=1) == 0


def test_a_change_is_followed_up_once_however_often_it_is_looked_at(doors: Doors, ada: UUID):
    doors.hand_over(doors.recipient().id, ada)
    change = corrects(doors, ada, "name")
    stream = doors.salon.world.state.log[TENANT][-1].stream
    assert doors.follow_ups.order(TENANT, change, stream) == 1
    assert doors.follow_ups.order(TENANT, change, stream) == 0
    assert doors.follow_ups.order(TENANT, UUID(int=9), stream) == 0
    assert len(doors.recorded(FollowUpOrdered)) == 1


def test_only_those_who_have_what_changed_are_told(doors: Doors, ada: UUID):
    doors.consents_to(ada, "service")
    names = doors.recipient()
    doors.hand_over(names.id, ada, fields=("name",))
    times = doors.recipient()
    doors.hand_over(times.id, ada, fields=("booking_times",), ground=Ground("contract"))
    withheld = doors.recipient()
    doors.hand_over(withheld.id, ada, withhold_until=at(0, day=30))
    with pytest.raises(DisclosureRefused):
        doors.hand_over(names.id, ada, ground=Ground())
    corrects(doors, ada, "name", "phone")
    assert doors.carries() == 1
    told = doors.recorded(FollowUpOrdered)
    assert [(one.recipient, one.fields) for one in told] == [(names.id, ("name",))]
    withdraws(doors, ada, "support")
    doors.carries()
    assert len(doors.recorded(FollowUpOrdered)) == 1
    withdraws(doors, ada)
    doors.carries()
    assert {one.recipient for one in doors.recorded(FollowUpOrdered)[1:]} == {names.id, times.id}


def test_a_vendor_is_told_that_someone_opted_out_of_it_on_whatever_ground_it_has_data(
    doors: Doors, ada: UUID
):
    google = doors.recipient(kind="analytics", vendor="google")
    for vendor in (google, doors.recipient(kind="analytics", vendor="mixpanel"), doors.recipient()):
        doors.hand_over(vendor.id, ada, fields=("email",), ground=Ground("contract"))
    withdraws(doors, ada, "analytics:google")
    assert doors.carries() == 1
    told = [(one.recipient, one.about, one.fields) for one in doors.recorded(FollowUpOrdered)]
    assert told == [(google.id, "withdrawal", ("email",))]


def test_who_has_what_was_erased_is_told_which_fields(doors: Doors, ada: UUID):
    names = doors.recipient(delivery=INBOX)
    doors.hand_over(names.id, ada, fields=("name", "booking_times"))
    notes = doors.recipient()
    doors.hand_over(notes.id, ada, fields=("note",))
    withheld = doors.recipient()
    doors.hand_over(withheld.id, ada, withhold_until=at(0, day=30))
    _happens(doors, ErasureEffected(ada, ("profile",), (), 1))
    doors.carries()
    told = doors.recorded(FollowUpOrdered)
    assert [(one.about, one.recipient, one.fields) for one in told] == [
        ("erasure", names.id, ("name",))
    ]
    doors.carries()
    assert json.loads(doors.sender.sent[-1].body)["type"] == "erasure"
    _happens(doors, ErasureEffected(ada, ("booking",), (), 1))
    doors.carries()
    later = {(one.recipient, one.fields) for one in doors.recorded(FollowUpOrdered)[1:]}
    assert later == {(names.id, ("booking_times",)), (notes.id, ("note",))}


def test_a_recipient_without_a_machine_is_listed_until_it_answers(doors: Doors, ada: UUID):
    doors.hand_over(doors.recipient().id, ada)
    corrects(doors, ada, "email")
    doors.carries()
    (story,) = doors.told.page(10, None, True, OFFICER).items
    assert (story.state.outcome, story.state.ordered.channel) == ("due", "response")
    assert doors.carries(hours=1) == 0
    id = story.state.ordered.follow_up
    answered = doors.told.acknowledge(id, "done", None, OFFICER).state
    assert (answered.state.outcome, answered.state.is_over) == ("acknowledged", True)
    assert doors.told.page(10, None, True, OFFICER).items == ()
    assert len(doors.told.page(10, None, None, OFFICER).items) == 1


def test_follow_ups_are_listed_in_parts(doors: Doors, ada: UUID):
    for _ in range(3):
        doors.hand_over(doors.recipient().id, ada)
    corrects(doors, ada, "email")
    doors.carries()
    first = doors.told.page(2, None, None, OFFICER)
    assert (len(first.items), first.next is None) == (2, False)
    rest = doors.told.page(2, first.next, None, OFFICER)
    assert (len(rest.items), rest.next) == (1, None)


def test_a_follow_up_is_tried_again_and_can_be_lost(doors: Doors, ada: UUID):
    crm = doors.recipient(delivery=INBOX)
    doors.hand_over(crm.id, ada)
    corrects(doors, ada, "email")
    doors.sender.answers = [Sent("status", 500, "unknown")]
    doors.carries()
    assert doors.carries() == 1
    (story,) = doors.told.page(10, None, None, OFFICER).items
    id = story.state.ordered.follow_up
    assert (story.state.outcome, story.state.retry_at is None) == ("failed", False)
    whole = doors.courier
    dying = replace(doors.follow_ups, sender=Dies(doors, sends=False))
    doors.courier = replace(whole, follow_ups=dying)
    with pytest.raises(Killed):
        doors.carries(seconds=3)
    doors.courier = whole
    assert doors.carries(seconds=10) == 0
    assert doors.carries(seconds=LOST_AFTER.total_seconds()) == 1
    assert doors.carries(minutes=1) == 1
    assert types(doors, id) == [
        "ordered",
        *("attempted", "failed"),
        *("attempted", "failed"),
        *("attempted", "delivered"),
    ]


def test_who_may_see_and_answer_follow_ups(doors: Doors, ada: UUID):
    clerk = replace(OFFICER, roles=frozenset({"staff"}))
    with pytest.raises(NotPermitted):
        doors.told.page(10, None, None, clerk)
    with pytest.raises(NotPermitted):
        doors.told.acknowledge(UUID(int=1), "done", None, clerk)
    with pytest.raises(NotFound):
        doors.told.acknowledge(UUID(int=1), "done", None, OFFICER)


def test_a_change_that_is_being_looked_at_may_come_from_before(doors: Doors, ada: UUID):
    """A recipient whose machine was taken away in the meantime is not sent anything."""
    crm = doors.recipient(delivery=INBOX)
    doors.hand_over(crm.id, ada)
    corrects(doors, ada, "email")
    doors.carries()
    entry = doors.salon.world.state.catalog[(TENANT, crm.id)]
    terms = replace(crm.terms, delivery=replace(INBOX, kind="response", url=None))
    doors.salon.world.state.catalog[(TENANT, crm.id)] = replace(
        entry, state=replace(crm, terms=terms)
    )
    assert doors.carries() == 1
    (story,) = doors.told.page(10, None, None, OFFICER).items
    assert story.events[-1].decision.reason == "stopped"
    assert len(doors.sender.sent) == 1
