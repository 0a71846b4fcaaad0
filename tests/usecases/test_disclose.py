"""Handing personal data over: what is checked, recorded and opened, in which order, and what never leaves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest

from application.disclosing.conditions import Sent
from application.disclosing.tickets import DisclosureTicket, Parcel
from application.disclosing.values import Handed, plain
from application.recorded import Answer, Caller, Recorded, Ticket
from domain.custody import CustodyRestricted, CustodyTaken, Kept
from domain.disclosure import (
    DisclosureAttempted,
    DisclosureRecorded,
    DisclosureRefused,
    DisclosureWithheld,
    Ground,
)
from domain.disclosure_rules import ProcessStanding
from domain.errors import (
    DisclosureRefused as Refusal,
)
from domain.errors import (
    Erased,
    NotFound,
    NotPermitted,
    Stale,
    Unavailable,
    UnknownReference,
)
from domain.recipient_terms import Branch
from domain.sealing import Envelope
from domain.subject import Profile
from domain.values import Personal, instant_text, public_id
from tests.usecases.custody import binds, erase
from tests.usecases.disclosing import INBOX, OFFICER, Doors
from tests.usecases.salon import MONDAY, TENANT, at, customer

ADA = Profile(
    Personal("Ada Example"),
    Personal("ada@example.test"),
    Personal("+1 212 555 0100"),
    Personal("1 Main Street"),
)


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def here(doors: Doors) -> UUID:
    return doors.salon.a_location()


@pytest.fixture
def cut(doors: Doors, here: UUID) -> UUID:
    service = doors.salon.a_service(here)
    doors.salon.a_staff_member([here], [service])
    return service


@pytest.fixture
def ada(doors: Doors, cut: UUID) -> UUID:
    note, metadata = Personal("Ring twice"), {"colour": Personal("red")}
    return doors.salon.book(cut, at(10), ADA, note=note, metadata=metadata).state.subject


def values(handed: Sequence[Handed] | None) -> dict[UUID, Any]:
    """What was handed over, as text."""
    assert handed is not None
    return {one.subject: {name: plain(it) for name, it in one.values.items()} for one in handed}


def test_what_is_handed_over_is_what_was_asked_for(doors: Doors, ada: UUID, here: UUID, cut: UUID):
    crm = doors.recipient()
    every = ("name", "email", "phone", "address", "booking_times", "note", "metadata")
    done = doors.hand_over(crm.id, ada, fields=every)
    assert done.state.outcome == "delivered"
    (booked,) = doors.salon.world.visits.of(TENANT, [ada])
    booking = public_id("booking", booked.booking)
    assert values(done.records) == {
        ada: {
            "name": "Ada Example",
            "email": "ada@example.test",
            "phone": "+1 212 555 0100",
            "address": "1 Main Street",
            "booking_times": [
                {
                    "booking_id": booking,
                    "location_id": public_id("location", here),
                    "service_id": public_id("service", cut),
                    "start": instant_text(at(10)),
                    "end": instant_text(at(11)),
                    "status": "confirmed",
                }
            ],
            "note": [{"booking_id": booking, "note": "Ring twice"}],
            "metadata": [{"booking_id": booking, "metadata": {"colour": "red"}}],
        }
    }
    assert "Ada" not in repr(done)
    assert "Ring" not in repr(done)


def test_all_of_it_is_on_record(doors: Doors, ada: UUID):
    crm = doors.recipient()
    done = doors.hand_over(crm.id, ada, purpose="support", case="T-1")
    assert doors.salon.types(done.id) == [
        "disclosure.recorded.v1",
        "disclosure.attempted.v1",
        "disclosure.delivered.v1",
    ]
    recorded, attempted, _ = doors.salon.events(done.id)
    decision = recorded.decision
    assert isinstance(decision, DisclosureRecorded)
    assert (decision.recipient, decision.recipient_version) == (crm.id, 1)
    assert (decision.scope.fields, decision.count) == (("name", "email"), 1)
    assert (decision.our_role, decision.channel) == ("controller", "response")
    assert [one.subject for one in decision.subjects] == [ada]
    assert [one.consent_at_send for one in decision.subjects] == ["none"]
    assert (recorded.actor, recorded.purpose, recorded.case) == ("key_officer", "support", "T-1")
    assert attempted.cause == recorded.event_id


def test_many_persons_are_one_event(doors: Doors, ada: UUID, cut: UUID):
    ben = doors.salon.book(cut, at(12), customer("Ben", "ben@example.test")).state.subject
    done = doors.hand_over(doors.recipient().id, ada, ben, fields=("name",))
    assert values(done.records) == {ada: {"name": "Ada Example"}, ben: {"name": "Ben"}}
    (recorded,) = doors.recorded(DisclosureRecorded)
    assert recorded.count == 2
    assert len({one.salt for one in recorded.subjects}) == 2


@dataclass(frozen=True, slots=True)
class Corrected:
    """As the concept `subject` records it, as far as it matters here."""

    TYPE: ClassVar[str] = "subject.corrected.v1"

    subject: UUID
    fields: tuple[str, ...]
    correction: Envelope | None = None


def test_what_was_corrected_is_handed_over_as_it_stands(doors: Doors, ada: UUID):
    world, key = doors.salon.world, (TENANT, ada)
    for version, said in ((2, {"name": "Ada Married"}), (3, {"name": "Ada Again"}), (4, {})):
        fields = ("name",) if said else ("phone",)
        event: Recorded[object] = Recorded(
            TENANT, ada, version, world.ids.uuid(), at(9), "key_1", Corrected(ada, fields)
        )
        sealed = world.vault._seal(event, ada, "profile", said)
        event = replace(event, decision=Corrected(ada, fields, sealed))
        world.state.streams[key] = (*world.state.streams[key], event)
    every = ("name", "email", "phone", "address")
    done = doors.hand_over(doors.recipient().id, ada, fields=every)
    assert values(done.records)[ada] == {
        "name": "Ada Again",
        "email": "ada@example.test",
        "address": "1 Main Street",
    }


def test_only_visits_in_the_scope_are_handed_over(doors: Doors, ada: UUID, cut: UUID):
    later = doors.salon.book(cut, at(10, day=1), ADA)
    scope = {"from_": at(0, day=1), "to": at(0, day=2)}
    done = doors.hand_over(doors.recipient().id, ada, fields=("booking_times", "note"), scope=scope)
    given = values(done.records)[ada]
    assert [one["booking_id"] for one in given["booking_times"]] == [
        public_id("booking", later.state.id)
    ]
    assert "note" not in given


def refused(doors: Doors, recipient: UUID, *subjects: UUID, **more: Any) -> str:
    """The reason for which it is refused; it is recorded, and nothing else is."""
    before = doors.salon.total()
    with pytest.raises(Refusal) as refusal:
        doors.hand_over(recipient, *subjects, **more)
    recorded = doors.recorded(DisclosureRefused)[-1]
    reason = refusal.value.context["reason"]
    assert recorded.reason == reason
    assert recorded.attempt is None
    assert doors.salon.total() == before + 1
    assert doors.recorded(DisclosureRecorded) == []
    assert doors.sender.sent == []
    return str(reason)


def test_refusals_are_recorded_with_their_reason(doors: Doors, ada: UUID):
    crm = doors.recipient().id
    assert refused(doors, crm, ada, fields=("name", "shoe_size")) == "unknown_field"
    assert refused(doors, crm, ada, purpose="curiosity") == "unknown_purpose"
    assert refused(doors, crm, ada, purpose="billing") == "purpose_not_permitted"
    assert refused(doors, crm, ada, ground=Ground()) == "no_ground"
    assert refused(doors, crm, ada, purpose="support") == "case_missing"
    assert refused(doors, crm, ada, ground=Ground("consent")) == "no_consent"
    compelled = Ground(legal_trigger="compelled", legal_process=UUID(int=7))
    assert refused(doors, crm, ada, ground=compelled) == "process_not_reviewed"
    doors.restrictions.restricted.add(ada)
    assert refused(doors, crm, ada) == "restricted"


def test_who_opted_out_of_a_vendor_is_not_spoken_of_to_that_one(doors: Doors, ada: UUID):
    vendor = doors.recipient(kind="analytics", vendor="google").id
    doors.restrictions.out.add((ada, "google"))
    assert refused(doors, vendor, ada) == "opted_out"
    for other in ({"kind": "analytics", "vendor": "mixpanel"}, {"kind": "analytics"}, {}):
        assert doors.hand_over(doors.recipient(**other).id, ada).state.outcome == "delivered"


def test_a_refusal_names_no_code_that_is_not_listed(doors: Doors, ada: UUID):
    crm = doors.recipient().id
    refused(doors, crm, ada, purpose="ada_example", fields=("name", "likes_red"))
    refused(doors, crm, ada, purpose="ada_example")
    first, second = doors.recorded(DisclosureRefused)
    assert (first.fields, second.fields) == (("name",), ("name", "email"))
    assert second.purpose is None
    event = doors.salon.world.state.log[TENANT][-1]
    assert event.purpose is None


def test_a_contract_holds_on_its_days_alone(doors: Doors, ada: UUID):
    crm = doors.recipient(contract_to=MONDAY.date())
    doors.hand_over(crm.id, ada)
    doors.salon.world.clock.set(MONDAY + timedelta(days=1))
    with pytest.raises(Refusal) as refusal:
        doors.hand_over(crm.id, ada)
    assert refusal.value.context["reason"] == "contract_expired"


def test_marketing_never_reaches_a_third_party(doors: Doors, ada: UUID):
    doors.consents_to(ada, "marketing_first_party")
    broker = doors.recipient(
        kind="other", role="third_party", permitted_purposes=("marketing_first_party",)
    )
    more = {"purpose": "marketing_first_party", "ground": Ground("consent")}
    assert refused(doors, broker.id, ada, **more) == "purpose_not_permitted"


def test_a_visit_in_europe_needs_a_mechanism_to_leave_it(doors: Doors, ada: UUID):
    abroad = doors.recipient(country="US")
    assert refused(doors, abroad.id, ada) == "no_transfer_mechanism"
    asked = doors.recipient(country="US", transfer_mechanism="A49-1-a")
    assert refused(doors, asked.id, ada) == "no_transfer_mechanism"
    doors.consents_to(ada, "cross_border_transfer")
    assert doors.hand_over(asked.id, ada).state.outcome == "delivered"


def test_consent_is_looked_at_in_the_instant_of_sending(doors: Doors, ada: UUID):
    crm = doors.recipient().id
    consent = doors.consents_to(ada, "service")
    ground = Ground("consent", consent=consent)
    done = doors.hand_over(crm, ada, ground=ground)
    (seen,) = done.state.recorded.subjects
    assert (seen.consent, seen.consent_at_send) == (consent, "given")
    doors.consents_to(ada, "service", valid=False)
    with pytest.raises(Refusal):
        doors.hand_over(crm, ada, ground=Ground("consent"))


def test_a_franchise_gets_what_is_in_its_tree(doors: Doors, ada: UUID, here: UUID):
    sibling = doors.salon.a_location()
    service = doors.salon.a_service(sibling)
    doors.salon.a_staff_member([sibling], [service])
    ben = doors.salon.book(service, at(10), customer("Ben", "ben@example.test")).state.subject
    doors.salon.book(service, at(14), ADA)
    office = doors.recipient(kind="franchise", role="controller", branches=(Branch(here, MONDAY),))
    assert refused(doors, office.id, ben) == "outside_tree"
    scope = {"locations": (sibling,)}
    assert refused(doors, office.id, ada, scope=scope) == "outside_tree"
    done = doors.hand_over(office.id, ada, fields=("booking_times",))
    (given,) = values(done.records)[ada]["booking_times"]
    assert given["location_id"] == public_id("location", here)


def test_who_may_hand_over(doors: Doors, ada: UUID, here: UUID):
    crm = doors.recipient().id
    for roles in ("owner", "auditor", "manager", "staff", "corporate", "engineer", "booking"):
        with pytest.raises(NotPermitted):
            doors.hand_over(crm, ada, by=replace(OFFICER, roles=frozenset({roles})))
    with pytest.raises(NotPermitted):
        doors.hand_over(crm, ada, by=replace(OFFICER, locations=frozenset({here})))
    assert doors.recorded(DisclosureRecorded) == []


def test_what_is_not_there_is_named_by_its_place(doors: Doors, ada: UUID):
    crm = doors.recipient().id
    with pytest.raises(UnknownReference) as unknown:
        doors.hand_over(crm, ada, UUID(int=9))
    assert [one.pointer for one in unknown.value.errors] == ["/subject_ids/1"]
    with pytest.raises(UnknownReference) as unknown:
        doors.hand_over(UUID(int=9), ada)
    assert [one.pointer for one in unknown.value.errors] == ["/recipient_id"]


# --- the order of things ---------------------------------------------------------------------------------------------


@dataclass
class Watched:
    """An opener that looks at the record each time it is asked."""

    doors: Doors
    seen: list[int]

    def open(self, tenant: UUID, envelopes: Sequence[Envelope]) -> list[dict[str, object] | None]:
        self.seen.append(len(self.doors.recorded(DisclosureAttempted)))
        return self.doors.salon.world.opener.open(tenant, envelopes)


def test_the_record_comes_before_the_opening(doors: Doors, ada: UUID):
    watched = Watched(doors, [])
    doors.out = replace(doors.out, opener=watched)
    doors.hand_over(doors.recipient().id, ada)
    assert watched.seen == [1]


def test_nothing_leaves_that_is_not_mirrored(doors: Doors, ada: UUID):
    watched = Watched(doors, [])
    doors.out = replace(doors.out, opener=watched)
    doors.salon.world.mirrored.holds = False
    with pytest.raises(Unavailable):
        doors.hand_over(doors.recipient().id, ada)
    with pytest.raises(Unavailable):
        doors.hand_over(doors.recipient(delivery=INBOX).id, ada)
    assert watched.seen == []
    assert doors.sender.sent == []
    first, second = doors.recorded(DisclosureRecorded)
    assert doors.salon.types(first.disclosure)[1:] == ["disclosure.failed.v1"]
    assert doors.salon.types(second.disclosure) == ["disclosure.recorded.v1"]


def test_two_who_send_the_same_thing_at_once_are_told_apart(doors: Doors, ada: UUID):
    doors.salon.world.mirrored.holds = False
    with pytest.raises(Unavailable):
        doors.hand_over(doors.recipient(delivery=INBOX).id, ada)
    doors.salon.world.mirrored.holds = True
    (recorded,) = doors.recorded(DisclosureRecorded)

    class Racing:
        """Somebody else who is quicker: at the very moment of our sending."""

        def send(self, ticket: DisclosureTicket, seconds: float) -> Sent:
            with pytest.raises(Stale):
                slower.attempt(OFFICER, recorded.disclosure)
            return doors.sender.send(ticket, seconds)

    slower, doors.out = doors.out, replace(doors.out, sender=Racing())
    assert doors.out.attempt(OFFICER, recorded.disclosure).state.outcome == "delivered"
    assert len(doors.sender.sent) == 1


def test_what_an_erased_person_gave_is_gone(doors: Doors, ada: UUID):
    crm = doors.recipient().id
    doors.salon.world.vault.erase(TENANT, ada)
    with pytest.raises(Refusal) as refusal:
        doors.hand_over(crm, ada)
    assert refusal.value.context["reason"] == "erased"
    (recorded,) = doors.recorded(DisclosureRefused)
    assert (recorded.reason, recorded.attempt) == ("erased", 1)
    assert Erased.code == "erased"


def test_whoever_was_erased_before_is_not_disclosed_and_nothing_is_recorded(
    doors: Doors, ada: UUID
):
    crm = doors.recipient().id
    erase(doors.salon.world, ada)
    with pytest.raises(Erased):
        doors.hand_over(crm, ada)
    assert doors.recorded(DisclosureRecorded) == doors.recorded(DisclosureRefused) == []


def test_whoever_is_erased_while_it_waits_is_not_sent(doors: Doors, ada: UUID):
    crm = doors.recipient(delivery=INBOX).id
    doors.sender.answers = [Sent("timeout", None, "unknown")]
    done = doors.hand_over(crm, ada)
    erase(doors.salon.world, ada)
    doors.salon.world.clock.advance(seconds=3_600)
    with pytest.raises(Refusal) as refusal:
        doors.out.attempt(OFFICER, done.id)
    assert refusal.value.context["reason"] == "erased"


@pytest.mark.parametrize(
    "binding",
    [
        CustodyRestricted(UUID(int=1), UUID(int=2)),
        CustodyTaken(
            UUID(int=1),
            UUID(int=2),
            ("booking",),
            (Kept("profile", "gdpr_17_3_e_legal_claims", "BGB 195", ("dispute",), None),),
        ),
    ],
)
def test_what_may_only_be_kept_is_not_disclosed(
    doors: Doors, ada: UUID, binding: CustodyRestricted | CustodyTaken
):
    crm = doors.recipient().id
    binds(doors.salon.world, ada, replace(binding, subject=ada))
    with pytest.raises(Refusal) as refusal:
        doors.hand_over(crm, ada)
    assert refusal.value.context["reason"] == "restricted"


# --- gags ------------------------------------------------------------------------------------------------------------


def test_under_a_gag_nothing_of_it_names_the_person(doors: Doors, ada: UUID):
    until = at(0, day=30)
    before = doors.salon.total()
    done = doors.hand_over(doors.recipient().id, ada, withhold_until=until)
    assert values(done.records)[ada]["name"] == "Ada Example"
    (withheld,) = doors.recorded(DisclosureWithheld)
    assert withheld.until == done.state.recorded.withheld_until == until
    assert [one.stands_for for one in withheld.tags] == [ada]
    for event in doors.salon.world.state.log[TENANT][before:]:
        subjects = [one.subject for one in getattr(event.decision, "subjects", ())]
        assert ada not in (*subjects, getattr(event.decision, "subject", None))


def test_a_process_with_a_gag_keeps_its_refusals_from_the_person_too(doors: Doors, ada: UUID):
    process, until = UUID(int=7), at(0, day=30)
    doors.orders.processes[process] = ProcessStanding(may_disclose=False, gag_until=until)
    compelled = Ground(legal_trigger="compelled", legal_process=process)
    police = doors.recipient(kind="authority", role="authority").id
    with pytest.raises(Refusal):
        doors.hand_over(police, ada, ground=compelled)
    (recorded,) = doors.recorded(DisclosureRefused)
    (withheld,) = doors.recorded(DisclosureWithheld)
    assert recorded.subjects[0].subject == withheld.tags[0].tag != ada
    doors.orders.processes[process] = ProcessStanding(may_disclose=True, gag_until=until)
    done = doors.hand_over(police, ada, ground=compelled, withhold_until=at(0, day=2))
    assert done.state.recorded.withheld_until == until


def test_a_gag_that_is_over_withholds_nothing(doors: Doors, ada: UUID):
    done = doors.hand_over(doors.recipient().id, ada, withhold_until=at(1))
    assert done.state.recorded.withheld_until is None
    assert doors.recorded(DisclosureWithheld) == []


# --- tickets ---------------------------------------------------------------------------------------------------------


def test_a_delivery_is_signed_for_its_recipient(doors: Doors, ada: UUID):
    crm = doors.recipient(delivery=INBOX)
    done = doors.hand_over(crm.id, ada, fields=("name",))
    (parcel,) = doors.sender.sent
    assert (parcel.webhook_id, parcel.url) == (public_id("disclosure", done.id), INBOX.url)
    assert parcel.secret == b"012345678901234567890123"
    body = json.loads(parcel.body)
    assert body["records"] == [
        {"subject_id": public_id("subject", ada), "values": {"name": "Ada Example"}}
    ]
    assert "Ada" not in repr(parcel)
    assert done.records is None


def test_a_forged_ticket_sends_nothing_and_is_on_record(doors: Doors):
    forged = DisclosureTicket(
        Parcel(TENANT, "dis_1", UUID(int=2), "https://evil.example/", b"", b"everything")
    )
    with pytest.raises(Refusal):
        doors.sender.send(forged, 1.0)
    (recorded,) = doors.recorded(DisclosureRefused)
    assert recorded.reason == "forged_ticket"
    assert doors.sender.sent == []


def test_a_ticket_is_good_once_and_for_what_it_was_made(doors: Doors):
    parcel = Parcel(TENANT, "dis_1", UUID(int=2), "https://crm.example.org/", b"", b"{}")
    ticket = doors.office.issue(parcel)
    assert doors.office.redeem(ticket) is parcel
    with pytest.raises(Refusal):
        doors.office.redeem(ticket)
    other = doors.office.issue(parcel)
    other.parcel = replace(parcel, url="https://evil.example/")
    with pytest.raises(Refusal):
        doors.office.redeem(other)
    assert len(doors.recorded(DisclosureRefused)) == 2


# --- what becomes of it ----------------------------------------------------------------------------------------------


def test_a_failure_is_tried_again_later_each_time(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("status", 500, "unknown"), Sent("unreachable")]
    crm = doors.recipient(delivery=INBOX)
    done = doors.hand_over(crm.id, ada)
    now = doors.salon.world.clock.now()
    assert done.state.outcome == "unknown"
    assert done.state.retry_at is not None
    assert timedelta(seconds=1) <= done.state.retry_at - now <= timedelta(seconds=2)
    again = doors.out.attempt(OFFICER, done.id)
    assert again.state.outcome == "unknown"
    assert again.state.retry_at is not None
    assert timedelta(seconds=4) <= again.state.retry_at - now <= timedelta(seconds=8)
    assert doors.out.attempt(OFFICER, done.id).state.outcome == "delivered"
    assert {parcel.webhook_id for parcel in doors.sender.sent} == {public_id("disclosure", done.id)}


@pytest.mark.parametrize("sent", [Sent("redirect", 302, "unknown"), Sent("status", 410, "unknown")])
def test_what_will_not_change_is_not_tried_again(doors: Doors, ada: UUID, sent: Sent):
    doors.sender.answers = [sent]
    done = doors.hand_over(doors.recipient(delivery=INBOX).id, ada)
    assert (done.state.retry_at, done.state.running) == (None, None)


def test_an_address_that_is_refused_is_a_refusal(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("address_refused")]
    with pytest.raises(Refusal) as refusal:
        doors.hand_over(doors.recipient(delivery=INBOX).id, ada)
    assert refusal.value.context["reason"] == "address_refused"
    (recorded,) = doors.recorded(DisclosureRefused)
    assert (recorded.reason, recorded.attempt) == ("address_refused", 1)
    assert doors.out.attempt(OFFICER, recorded.disclosure).state.outcome == "refused"
    assert len(doors.sender.sent) == 1


def test_a_consent_that_was_withdrawn_in_between_stops_it(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("unreachable")]
    doors.consents_to(ada, "service")
    crm = doors.recipient(delivery=INBOX)
    done = doors.hand_over(crm.id, ada, ground=Ground("consent"))
    doors.consents_to(ada, "service", valid=False)
    with pytest.raises(Refusal):
        doors.out.attempt(OFFICER, done.id)
    assert len(doors.sender.sent) == 1
    (recorded,) = doors.recorded(DisclosureRefused)
    assert (recorded.reason, recorded.attempt, recorded.disclosure) == ("no_consent", 2, done.id)
    assert doors.salon.types(done.id)[-1] == "disclosure.refused.v1"


def test_an_opt_out_in_between_stops_it(doors: Doors, ada: UUID):
    doors.sender.answers = [Sent("unreachable")]
    vendor = doors.recipient(kind="analytics", vendor="google", delivery=INBOX)
    done = doors.hand_over(vendor.id, ada)
    doors.restrictions.out.add((ada, "google"))
    with pytest.raises(Refusal):
        doors.out.attempt(OFFICER, done.id)
    assert len(doors.sender.sent) == 1
    (recorded,) = doors.recorded(DisclosureRefused)
    assert (recorded.reason, recorded.attempt) == ("opted_out", 2)


def test_a_disclosure_that_was_refused_at_once_is_shown_to_nobody(doors: Doors, ada: UUID):
    with pytest.raises(Refusal) as refusal:
        doors.hand_over(doors.recipient().id, ada, ground=Ground())
    id = str(refusal.value.context["disclosure_id"])
    with pytest.raises(NotFound):
        doors.replies.show(UUID(id.removeprefix("dis_")), OFFICER)


# --- the same call again ---------------------------------------------------------------------------------------------


def ticketed(doors: Doors) -> Caller:
    """The officer, by one call with an Idempotency-Key that is started again and again."""
    answer = Answer(201, (), b"")
    row = doors.salon.world.answers.begin(TENANT, "POST", str(doors.salon.total()), b"")
    assert isinstance(row, UUID)
    return replace(OFFICER, ticket=Ticket(TENANT, row, lambda _: answer, lambda: UUID(int=0x5D)))


def test_a_call_that_died_after_it_recorded_goes_on_when_it_is_made_again(doors: Doors, ada: UUID):
    crm = doors.recipient(delivery=INBOX).id
    doors.salon.world.mirrored.holds = False
    with pytest.raises(Unavailable):
        doors.hand_over(crm, ada, by=ticketed(doors))
    doors.salon.world.mirrored.holds = True
    done = doors.hand_over(crm, ada, by=ticketed(doors))
    assert (done.id, done.state.outcome) == (UUID(int=0x5D), "delivered")
    again = doors.hand_over(crm, ada, by=ticketed(doors))
    assert (again.id, again.state.attempts) == (done.id, 1)
    assert len(doors.recorded(DisclosureRecorded)) == 1
    assert {one.webhook_id for one in doors.sender.sent} == {public_id("disclosure", done.id)}
    doors.salon.world.clock.advance(hours=24)
    later = doors.hand_over(crm, ada, by=ticketed(doors))
    assert later.id != done.id, "by then the key may be used for another call"


def test_a_refusal_that_nobody_heard_is_given_again_and_recorded_once(doors: Doors, ada: UUID):
    crm = doors.recipient().id
    for _ in range(2):
        with pytest.raises(Refusal) as refusal:
            doors.hand_over(crm, ada, by=ticketed(doors), purpose="billing")
        assert refusal.value.context["reason"] == "purpose_not_permitted"
        assert refusal.value.context["disclosure_id"] == f"dis_{0x5D:032x}"
    assert len(doors.recorded(DisclosureRefused)) == 1
