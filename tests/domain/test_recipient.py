"""Registering, revising and ending a recipient; its delivery, and a franchise's tree."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain import recipient
from domain.delivery_terms import Delivery, DeliverySecret
from domain.errors import InvalidState, Unacceptable
from domain.recipient import (
    ContractEnded,
    Recipient,
    RecipientRegistered,
    RecipientRevised,
    SecretReplaced,
    end_contract,
    evolve,
    register,
    revise,
)
from domain.recipient_branches import with_branch, without_branch
from domain.recipient_terms import (
    BRANCHES_MAX,
    Branch,
    RecipientTerms,
    in_contract,
    in_tree,
    in_tree_at,
    is_third_party,
)
from domain.values import Personal
from tests.scenario import Scenario

ID, HERE, THERE = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2027, 3, 14, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SECRET = DeliverySecret(Personal("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"))
HTTPS = Delivery("https", "https://crm.example.org/inbox")
CRM = RecipientTerms(
    legal_name="Example CRM Ltd",
    address="1 High Street, Dublin",
    country="IE",
    kind="crm",
    role="processor",
    permitted_purposes=("service",),
    contract_ref="C-1",
    contract_from=date(2027, 1, 1),
)
FRANCHISE = replace(CRM, kind="franchise", role="controller", branches=(Branch(HERE, NOON),))
FULL = replace(
    FRANCHISE,
    contract_to=date(2027, 12, 31),
    transfer_mechanism="A46-2-c",
    transfer_mechanism_to=date(2028, 12, 31),
    business_nature="Runs eleven salons",
    own_use=True,
    delivery=replace(HTTPS, public_key="A" * 43 + "="),
)


def standing(terms: RecipientTerms = CRM, secret: DeliverySecret | None = None) -> Recipient:
    return evolve(None, RecipientRegistered(ID, terms, secret))


@pytest.mark.parametrize(("terms", "secret"), [(CRM, None), (FULL, SECRET)])
def test_a_recipient_is_registered_on_its_terms(
    terms: RecipientTerms, secret: DeliverySecret | None
):
    found = (
        Scenario(evolve)
        .starting(lambda: register(ID, terms, secret))
        .then(RecipientRegistered(ID, terms, secret))
    )
    assert found == Recipient(ID, terms, True, version=1, has_secret=secret is not None)


@pytest.mark.parametrize(
    ("terms", "pointer", "code"),
    [
        (replace(CRM, legal_name=" "), "/legal_name", "blank"),
        (replace(CRM, address="a" * 501), "/address", "too_long"),
        (replace(CRM, country="XX"), "/country", "unknown_country"),
        (replace(CRM, contract_ref="the contract"), "/contract_ref", "malformed"),
        (replace(CRM, permitted_purposes=()), "/permitted_purposes", "out_of_range"),
        (
            replace(CRM, permitted_purposes=("service", "service")),
            "/permitted_purposes/1",
            "duplicate",
        ),
        (
            replace(CRM, permitted_purposes=("service", "curiosity")),
            "/permitted_purposes/1",
            "unknown_purpose",
        ),
        (replace(CRM, contract_to=date(2026, 12, 31)), "/contract_to", "out_of_order"),
        (
            replace(CRM, transfer_mechanism_to=date(2027, 12, 31)),
            "/transfer_mechanism_to",
            "not_wanted",
        ),
        (replace(CRM, business_nature=""), "/business_nature", "blank"),
        (replace(CRM, vendor="google"), "/vendor", "not_wanted"),
        (replace(CRM, kind="analytics", vendor="Google Inc"), "/vendor", "malformed"),
        (replace(CRM, branches=FRANCHISE.branches), "/location_ids", "not_wanted"),
        (
            replace(FRANCHISE, branches=FRANCHISE.branches * (BRANCHES_MAX + 1)),
            "/location_ids",
            "out_of_range",
        ),
        (
            replace(FRANCHISE, branches=(Branch(HERE, NOON, NOON),)),
            "/location_ids/0",
            "out_of_order",
        ),
        (
            replace(CRM, delivery=Delivery("response", "https://example.org/")),
            "/delivery/url",
            "not_wanted",
        ),
        (replace(CRM, delivery=Delivery(public_key="AAAA")), "/delivery/public_key", "malformed"),
        (replace(CRM, delivery=Delivery(public_key="é")), "/delivery/public_key", "malformed"),
    ],
)
def test_what_is_wrong_with_its_terms_is_said(terms: RecipientTerms, pointer: str, code: str):
    with pytest.raises(Unacceptable) as refused:
        register(ID, terms)
    assert [(one.pointer, one.code) for one in refused.value.errors] == [(pointer, code)]


@pytest.mark.parametrize(
    ("delivery", "secret", "pointer", "code"),
    [
        (Delivery(), SECRET, "/delivery/secret", "not_wanted"),
        (HTTPS, None, "/delivery/secret", "missing"),
        (HTTPS, DeliverySecret(Personal("whsec_short")), "/delivery/secret", "malformed"),
        (Delivery("https"), SECRET, "/delivery/url", "missing"),
        (Delivery("https", "ftp://example.org/"), SECRET, "/delivery/url", "malformed"),
        (Delivery("https", "https://me@example.org/"), SECRET, "/delivery/url", "malformed"),
        (Delivery("https", "https://e.org/" + "a" * 500), SECRET, "/delivery/url", "malformed"),
        (Delivery("https", "https://e.org/a b"), SECRET, "/delivery/url", "malformed"),
    ],
)
def test_what_is_wrong_with_its_delivery_is_said(
    delivery: Delivery, secret: DeliverySecret | None, pointer: str, code: str
):
    with pytest.raises(Unacceptable) as refused:
        register(ID, replace(CRM, delivery=delivery), secret)
    assert [(one.pointer, one.code) for one in refused.value.errors] == [(pointer, code)]


@pytest.mark.parametrize("url", ["https://e.org", "http://[::1]:8080/in", "https://e.org:1/a?b=c"])
def test_addresses_of_machines_are_taken(url: str):
    assert register(ID, replace(CRM, delivery=Delivery("https", url)), SECRET)


def test_other_terms_stand_once_they_are_revised():
    moved = replace(CRM, address="2 High Street, Dublin")
    found = (
        Scenario(evolve)
        .given(RecipientRegistered(ID, CRM))
        .when(lambda it: revise(it, moved))
        .then(RecipientRevised(moved))
    )
    assert found is not None
    assert (found.terms, found.version) == (moved, 2)
    assert revise(found, moved) == ()


def test_a_secret_is_replaced_and_stays_until_it_is():
    signing = replace(CRM, delivery=HTTPS)
    assert standing(signing, SECRET).has_secret
    other = DeliverySecret(Personal("whsec_OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"))
    found = (
        Scenario(evolve)
        .given(RecipientRegistered(ID, CRM))
        .when(lambda it: revise(it, signing, other))
        .then(RecipientRevised(signing), SecretReplaced(ID, other))
    )
    assert found is not None
    assert found.has_secret
    assert revise(found, signing) == ()
    with pytest.raises(Unacceptable):
        revise(standing(), signing)


def test_a_contract_that_was_ended_stays_so():
    on = date(2027, 6, 30)
    found = (
        Scenario(evolve)
        .given(RecipientRegistered(ID, CRM))
        .when(lambda it: end_contract(it, on))
        .then(ContractEnded(on))
    )
    assert found is not None
    assert (found.active, found.terms.contract_to) == (False, on)
    assert end_contract(found, date(2027, 5, 1)) == ()
    with pytest.raises(InvalidState):
        revise(found, CRM)


def test_an_end_prolongs_no_contract():
    short = replace(CRM, contract_to=date(2027, 2, 1))
    assert end_contract(standing(short), date(2027, 6, 30)) == (ContractEnded(date(2027, 2, 1)),)


def test_a_contract_runs_on_its_first_and_on_its_last_day():
    terms = replace(CRM, contract_to=date(2027, 1, 31))
    days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 31), date(2027, 2, 1)]
    assert [in_contract(terms, day) for day in days] == [False, True, True, False]


def test_only_those_who_work_for_us_are_no_third_party():
    assert not is_third_party(CRM)
    assert is_third_party(replace(CRM, role="authority"))


def test_a_tree_is_what_it_was_at_the_time():
    terms = replace(FRANCHISE, branches=(Branch(HERE, NOON, NOON + DAY),))
    assert in_tree(terms, HERE, NOON, NOON + DAY)
    assert not in_tree(terms, HERE, NOON - DAY, NOON + DAY)
    assert not in_tree(terms, HERE, NOON, NOON + 2 * DAY)
    assert not in_tree(terms, THERE, NOON, NOON + DAY)
    assert [in_tree_at(terms, HERE, NOON + n * DAY) for n in (-1, 0, 1)] == [False, True, False]
    assert in_tree_at(FRANCHISE, HERE, NOON + 1000 * DAY)


def test_a_location_joins_a_tree_and_leaves_it_and_may_come_back():
    joined = with_branch(FRANCHISE, Branch(THERE, NOON + DAY))
    assert with_branch(joined, Branch(THERE, NOON + DAY)) == joined
    left = without_branch(joined, THERE, NOON + 2 * DAY)
    assert left.branches == (*FRANCHISE.branches, Branch(THERE, NOON + DAY, NOON + 2 * DAY))
    assert without_branch(left, THERE, NOON + 2 * DAY) == left
    back = with_branch(left, Branch(THERE, NOON + 3 * DAY))
    assert [one.location for one in back.branches] == [HERE, THERE, THERE]
    assert without_branch(back, THERE, NOON + 4 * DAY).branches[2].to == NOON + 4 * DAY


def test_intervals_of_one_location_never_overlap():
    for branch in (Branch(HERE, NOON + DAY), Branch(HERE, NOON - DAY, NOON + DAY)):
        with pytest.raises(InvalidState):
            with_branch(FRANCHISE, branch)
    assert with_branch(FRANCHISE, Branch(HERE, NOON - DAY, NOON))
    with pytest.raises(Unacceptable):
        with_branch(FRANCHISE, Branch(THERE, NOON, NOON))


def test_a_location_that_does_not_belong_to_it_does_not_leave():
    with pytest.raises(InvalidState):
        without_branch(FRANCHISE, THERE, NOON)
    with pytest.raises(Unacceptable):
        without_branch(FRANCHISE, HERE, NOON)


def test_a_recipient_is_registered_first():
    with pytest.raises(AssertionError):
        recipient.evolve(None, ContractEnded(date(2027, 1, 1)))
