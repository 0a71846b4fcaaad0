"""What people say, as other use cases ask for it; and that nobody is kept from withdrawing by a part that is away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from application.consent_log import consent_stream
from application.consents.choices import Consents, ConsentState, Say, StreamConsentStates
from application.consents.expiry import ConsentExpiry
from application.policy.policies import Policies, PoliciesInForce
from application.recorded import Caller
from domain.consent import ConsentRejected
from domain.errors import ConsentRejected as Rejected
from domain.errors import Erased, NotFound, Unavailable
from domain.policy_version import Publication
from domain.values import Personal
from infrastructure.receipts import LogSignedReceipts
from tests.usecases.salon import TENANT, Salon, at

GIVEN = Say(UUID(int=0), "measure", "given", "explicit_click", "2027-01")


@dataclass
class Office:
    """A salon with a published text and one customer, Ada, and the officer who records what she says."""

    salon: Salon
    ada: UUID

    def __post_init__(self) -> None:
        world = self.salon.world
        self.by = Caller(TENANT, "key_officer", frozenset({"privacy_officer"}))
        in_force = PoliciesInForce(world.book, world.clock)
        ports = (world.store, world.book, world.clock, world.ids, in_force, world.erasures)
        since = world.clock.now() - timedelta(days=30)
        text = Publication("2027-01", since, "en", "Little.", False, "First.")
        Policies(*ports).publish(text, self.by)
        self.consents = Consents(*ports, world.receipts)
        self.states = StreamConsentStates(world.store, world.clock)
        self.expiry = ConsentExpiry(world.store, world.consents, world.clock, world.ids)

    def say(self, **more: Any) -> Mapping[str, object]:
        return self.consents.record(replace(GIVEN, subject=self.ada, **more), self.by).receipt

    def state(self, purpose: str = "measure") -> ConsentState | None:
        return self.states.at(TENANT, self.ada, purpose)


@pytest.fixture
def office(salon: Salon, cut: UUID, sam: UUID) -> Office:
    return Office(salon, salon.book(cut, at(10)).state.subject)


def test_the_last_word_counts_with_the_next_question(office: Office):
    assert office.state() is None
    office.say()
    given = office.state()
    assert given is not None
    assert (given.decision, given.valid) == ("given", True)
    office.say(decision="withdrawn", version=None)
    withdrawn = office.state()
    assert withdrawn is not None
    assert (withdrawn.decision, withdrawn.valid) == ("withdrawn", False)
    assert withdrawn.id != given.id
    assert office.state("improve") is None


def test_a_withdrawal_counts_where_the_clock_was_set_back(office: Office):
    office.say()
    office.salon.world.clock.advance(seconds=-3)
    known = office.state()
    assert known is not None and known.valid, "what is recorded was said"
    office.say(decision="withdrawn", version=None)
    for seconds in (0, 3, 3_600):
        office.salon.world.clock.advance(seconds=seconds)
        state = office.state()
        assert state is not None
        assert (state.decision, state.valid) == ("withdrawn", False)


def test_every_reason_is_recorded_and_changes_nothing(office: Office):
    office.say()
    before = office.state()
    with pytest.raises(Rejected) as refusal:
        office.say(method="continued_use")
    assert refusal.value.context == {"reason": "implied"}
    assert office.state() == before
    last = list(office.salon.events(consent_stream(office.ada)))[-1].decision
    assert isinstance(last, ConsentRejected)


def test_what_expires_counts_as_expired_and_is_recorded_once(office: Office):
    clock = office.salon.world.clock
    office.say(expires_at=clock.now() + timedelta(days=1))
    assert office.expiry.sweep(TENANT) == 0
    clock.advance(days=2)
    expired = office.state()
    assert expired is not None
    assert (expired.decision, expired.valid) == ("expired", False)
    assert [office.expiry.sweep(TENANT) for _ in range(2)] == [1, 0]
    known = office.state()
    assert known is not None
    assert (known.decision, known.since) == ("expired", expired.since)


def test_a_signer_that_is_away_keeps_nobody_from_withdrawing(office: Office):
    class Away:
        def attest(self, origin: str, manifest: bytes) -> str:
            raise Unavailable("away")

    class NoRows:
        def rows(self, statement: str, parameters: object = ()) -> list[tuple[Any, ...]]:
            return []

    signed = office.say()
    office.consents = replace(office.consents, signer=LogSignedReceipts(NoRows(), Away()))
    unsigned = office.say(decision="withdrawn")
    assert "daybook:proof" in signed
    assert "daybook:proof" not in unsigned
    state = office.state()
    assert state is not None
    assert state.decision == "withdrawn"


def test_evidence_is_sealed_before_it_is_kept(office: Office):
    office.say(evidence={"form": Personal("newsletter of Ada")})
    (event,) = office.salon.events(consent_stream(office.ada))
    assert "newsletter" not in repr(event)


def test_nothing_is_said_for_nobody_or_the_erased(office: Office):
    with pytest.raises(NotFound):
        office.consents.record(GIVEN, office.by)
    office.salon.world.vault.erase(TENANT, office.ada)
    with pytest.raises(Erased):
        office.say()
