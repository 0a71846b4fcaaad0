"""What must be true in the instant of sending: each rule, and the order in which they speak."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.countries import COUNTRIES
from domain.disclosure import Ground, LegalTrigger, Reason, Scope
from domain.disclosure_rules import (
    FIELDS,
    MARKETING,
    ProcessStanding,
    SendingFacts,
    SubjectFacts,
    VisitSeen,
    is_given,
    refusal,
)
from domain.purposes import NEEDS_CASE, PURPOSES
from domain.recipient_terms import (
    PROCESSING_FOR_US,
    TRANSFER_MECHANISMS,
    Branch,
    Kind,
    RecipientTerms,
    Role,
)

NOW = datetime(2027, 3, 14, 12, tzinfo=UTC)
HERE, SIBLING = UUID(int=1), UUID(int=2)
ADA = UUID(int=0xADA)
CONSENT = UUID(int=0xC0)
PROCESS = UUID(int=0xB0)
VISIT = VisitSeen(HERE, "PT", NOW - timedelta(days=1))

CRM = RecipientTerms(
    legal_name="Example CRM Ltd",
    address="1 High Street, Dublin",
    country="IE",
    kind="crm",
    role="processor",
    permitted_purposes=("service", "support", "marketing_first_party"),
    contract_ref="C-1",
    contract_from=date(2027, 1, 1),
    contract_to=date(2027, 12, 31),
)
FINE = SendingFacts(
    terms=CRM,
    at=NOW,
    on=NOW.date(),
    purpose="service",
    case=None,
    ground=Ground(lawful_basis="contract"),
    scope=Scope(("name", "email")),
    subjects=(SubjectFacts(ADA, visits=(VISIT,)),),
)


def ada(**facts: object) -> tuple[SubjectFacts, ...]:
    return (replace(FINE.subjects[0], **facts),)  # type: ignore[arg-type]


def terms(**said: object) -> RecipientTerms:
    return replace(CRM, **said)  # type: ignore[arg-type]


def facts(**said: object) -> SendingFacts:
    return replace(FINE, **said)  # type: ignore[arg-type]


def test_what_breaks_no_rule_may_leave():
    assert refusal(FINE) is None


REFUSED: list[tuple[Reason, SendingFacts]] = [
    ("unknown_field", facts(scope=Scope(("name", "shoe_size")))),
    ("unknown_field", facts(scope=Scope(()))),
    ("unknown_purpose", facts(purpose="curiosity")),
    ("contract_expired", facts(on=date(2028, 1, 1))),
    ("contract_expired", facts(on=date(2026, 12, 31))),
    ("purpose_not_permitted", facts(purpose="billing")),
    ("no_ground", facts(ground=Ground())),
    ("no_ground", facts(ground=Ground(legal_trigger="legal_requirement"))),
    ("no_ground", facts(ground=Ground(legal_trigger="report"))),
    ("no_ground", facts(ground=Ground(legal_trigger="report", citation="18 U.S.C. 2258A"))),
    ("case_missing", facts(purpose="support")),
    ("case_missing", facts(ground=Ground(legal_trigger="enforcement"))),
    ("case_missing", facts(ground=Ground(legal_trigger="other_law"))),
    ("no_consent", facts(ground=Ground(lawful_basis="consent"))),
    ("no_consent", facts(ground=Ground(legal_trigger="direction"))),
    ("no_consent", facts(terms=terms(kind="subject_directed"))),
    ("no_consent", facts(ground=Ground(lawful_basis="contract", consent=CONSENT))),
    ("restricted", facts(subjects=ada(restricted=True))),
    ("opted_out", facts(subjects=ada(opted_out=True))),
    ("no_transfer_mechanism", facts(terms=terms(country="US"))),
    ("no_transfer_mechanism", facts(terms=terms(country="IN", transfer_mechanism="A45-3"))),
    ("no_transfer_mechanism", facts(terms=terms(country="US", transfer_mechanism="A49-1-a"))),
    ("process_not_reviewed", facts(ground=Ground(legal_trigger="compelled"))),
    ("process_not_reviewed", facts(ground=Ground(legal_trigger="emergency"))),
    (
        "process_not_reviewed",
        facts(
            ground=Ground(legal_trigger="compelled", legal_process=PROCESS),
            process=ProcessStanding(may_disclose=False),
        ),
    ),
]


@pytest.mark.parametrize(("reason", "refused"), REFUSED)
def test_a_rule_says_no(reason: Reason, refused: SendingFacts):
    assert refusal(refused) == reason


ALLOWED = [
    facts(on=CRM.contract_from),
    facts(on=CRM.contract_to),
    facts(terms=terms(contract_to=None), on=date(2199, 1, 1)),
    facts(
        terms=terms(kind="authority", role="authority"),
        ground=Ground(legal_trigger="report", citation="18 U.S.C. 2258A"),
    ),
    facts(ground=Ground(legal_trigger="other_law"), case="T-1"),
    facts(purpose="support", case="T-1"),
    facts(
        ground=Ground(lawful_basis="consent", consent=CONSENT),
        subjects=ada(consent=CONSENT, consent_valid=True),
    ),
    facts(terms=terms(country="JP")),
    facts(terms=terms(country="US", transfer_mechanism="A45-3")),
    facts(terms=terms(country="US", transfer_mechanism="A46-2-c")),
    facts(
        terms=terms(country="US", transfer_mechanism="A49-1-a"),
        subjects=ada(transfer_consent=True),
    ),
    facts(terms=terms(country="US"), subjects=ada(visits=())),
    facts(terms=terms(country="US"), subjects=ada(visits=(replace(VISIT, country="US"),))),
    facts(
        ground=Ground(legal_trigger="compelled", legal_process=PROCESS),
        process=ProcessStanding(may_disclose=True),
    ),
]


@pytest.mark.parametrize("allowed", ALLOWED)
def test_and_what_keeps_it_may_leave(allowed: SendingFacts):
    assert refusal(allowed) is None


def test_a_transfer_mechanism_ends_with_its_last_day():
    ended = terms(country="US", transfer_mechanism="A45-3", transfer_mechanism_to=date(2020, 7, 16))
    assert refusal(facts(terms=ended)) == "no_transfer_mechanism"
    last_day = replace(ended, transfer_mechanism_to=FINE.on)
    assert refusal(facts(terms=last_day)) is None
    assert refusal(facts(terms=replace(last_day, country="IE"))) is None, "none is needed there"


def test_one_person_without_consent_keeps_everyone_in():
    both = (*ada(consent_valid=True), SubjectFacts(UUID(int=9)))
    asked = facts(ground=Ground(lawful_basis="consent"), subjects=both)
    assert refusal(asked) == "no_consent"


def test_the_first_rule_that_is_broken_is_the_reason():
    broken = facts(
        scope=Scope(("shoe_size",)),
        purpose="curiosity",
        on=date(2030, 1, 1),
        ground=Ground(),
        subjects=ada(restricted=True),
        terms=terms(country="IN", permitted_purposes=("billing",)),
    )
    mended: list[dict[str, object]] = [
        {"scope": FINE.scope},
        {"purpose": "support"},
        {"on": FINE.on},
        {"terms": terms(country="IN")},
        {"ground": Ground(lawful_basis="consent")},
        {"case": "T-1"},
        {"subjects": ada(restricted=True, consent_valid=True)},
        {"subjects": ada(consent_valid=True)},
        {"terms": terms(country="IN", transfer_mechanism="A46-2-c")},
    ]
    told = [refusal(broken)]
    for one in mended:
        broken = replace(broken, **one)  # type: ignore[arg-type]
        told.append(refusal(broken))
    assert told == [
        "unknown_field",
        "unknown_purpose",
        "contract_expired",
        "purpose_not_permitted",
        "no_ground",
        "case_missing",
        "no_consent",
        "restricted",
        "no_transfer_mechanism",
        None,
    ]


# --- a franchise's tree ----------------------------------------------------------------------------------------------

SOLD = NOW - timedelta(days=10)
FRANCHISE = terms(
    kind="franchise", role="controller", branches=(Branch(HERE, NOW - timedelta(days=100), SOLD),)
)


def asked_by_franchise(visits: tuple[VisitSeen, ...], **scope: object) -> SendingFacts:
    given = Scope(("name",), **scope)  # type: ignore[arg-type]
    return facts(terms=FRANCHISE, scope=given, subjects=ada(visits=visits))


def test_a_franchise_gets_its_own_customers_of_its_own_time():
    before = replace(VISIT, start=SOLD - timedelta(hours=1))
    after = replace(VISIT, start=SOLD)
    assert refusal(asked_by_franchise((before,))) is None
    assert refusal(asked_by_franchise((after,))) == "outside_tree"
    assert refusal(asked_by_franchise((before, after))) is None
    assert is_given(FRANCHISE, Scope(("name",)), before)
    assert not is_given(FRANCHISE, Scope(("name",)), after)


def test_a_siblings_location_is_outside_of_the_tree():
    sibling = VisitSeen(SIBLING, "PT", SOLD - timedelta(days=1))
    mine = replace(VISIT, start=SOLD - timedelta(hours=1))
    assert refusal(asked_by_franchise((sibling,))) == "outside_tree"
    window = {"from_": SOLD - timedelta(days=5), "to": SOLD}
    both = (HERE, SIBLING)
    assert refusal(asked_by_franchise((mine,), locations=both, **window)) == "outside_tree"
    assert refusal(asked_by_franchise((mine,), locations=(HERE,), **window)) is None


def test_a_time_that_reaches_past_its_interval_is_outside_of_the_tree():
    mine = replace(VISIT, start=SOLD - timedelta(hours=1))
    window = {"from_": SOLD - timedelta(days=5), "to": SOLD + timedelta(seconds=1)}
    assert refusal(asked_by_franchise((mine,), locations=(HERE,), **window)) == "outside_tree"


def test_visits_are_given_from_the_first_instant_to_before_the_last():
    scope = Scope(("booking_times",), from_=VISIT.start, to=VISIT.start + timedelta(hours=1))
    assert is_given(CRM, scope, VISIT)
    assert not is_given(CRM, replace(scope, from_=VISIT.start + timedelta(seconds=1)), VISIT)
    assert not is_given(CRM, replace(scope, to=VISIT.start), VISIT)
    assert not is_given(CRM, replace(scope, locations=(SIBLING,)), VISIT)


# --- laws ------------------------------------------------------------------------------------------------------------

INSTANTS = st.integers(-400, 400).map(lambda days: NOW + timedelta(days=days))
CODES = st.sampled_from([*sorted(PURPOSES), "curiosity"])
GROUNDS = st.builds(
    Ground,
    lawful_basis=st.sampled_from([None, "consent", "contract", "legitimate_interests"]),
    legal_trigger=st.sampled_from([None, "compelled", "report", "direction", "other_law"]),
    consent=st.sampled_from([None, CONSENT]),
    legal_process=st.sampled_from([None, PROCESS]),
    citation=st.sampled_from([None, "18 U.S.C. 2258A"]),
)
TERMS = st.builds(
    replace,
    st.just(CRM),
    country=st.sampled_from(sorted(COUNTRIES)),
    kind=st.sampled_from(list(Kind.__args__)),  # type: ignore[attr-defined]
    role=st.sampled_from(list(Role.__args__)),  # type: ignore[attr-defined]
    permitted_purposes=st.lists(CODES, min_size=1, unique=True).map(tuple),
    transfer_mechanism=st.sampled_from([None, *TRANSFER_MECHANISMS]),
    branches=st.sampled_from([(), FRANCHISE.branches]),
)
PEOPLE = st.builds(
    SubjectFacts,
    subject=st.uuids(),
    consent=st.sampled_from([None, CONSENT]),
    consent_valid=st.booleans(),
    transfer_consent=st.booleans(),
    restricted=st.booleans(),
    opted_out=st.booleans(),
    visits=st.lists(
        st.builds(
            VisitSeen, st.sampled_from([HERE, SIBLING]), st.sampled_from(["PT", "US"]), INSTANTS
        ),
        max_size=2,
    ).map(tuple),
)
ANYTHING = st.builds(
    SendingFacts,
    terms=TERMS,
    at=INSTANTS,
    on=INSTANTS.map(lambda at: at.date()),
    purpose=CODES,
    case=st.sampled_from([None, "T-1"]),
    ground=GROUNDS,
    scope=st.builds(
        Scope,
        st.lists(st.sampled_from([*sorted(FIELDS), "shoe_size"]), unique=True).map(tuple),
    ),
    subjects=st.lists(PEOPLE, min_size=1, max_size=3).map(tuple),
    process=st.sampled_from([None, ProcessStanding(True), ProcessStanding(False)]),
)


@given(ANYTHING)
def test_what_leaves_breaks_no_promise(asked: SendingFacts):
    if refusal(asked) is not None:
        return
    assert not (asked.purpose in MARKETING and asked.terms.role not in PROCESSING_FOR_US)
    assert asked.purpose in PURPOSES
    assert asked.case is not None or asked.purpose not in NEEDS_CASE
    assert FIELDS.issuperset(asked.scope.fields)
    assert not any(one.restricted or one.opted_out for one in asked.subjects)
    if asked.ground.lawful_basis == "consent":
        assert all(one.consent_valid for one in asked.subjects)


@given(ANYTHING, st.sampled_from(sorted(MARKETING)))
def test_marketing_never_reaches_a_third_party(asked: SendingFacts, purpose: str):
    """Whatever else is true of it: permitted by its terms, consented to, compelled."""
    permitted = (*asked.terms.permitted_purposes, purpose)
    of_its_own = replace(asked.terms, role="third_party", permitted_purposes=permitted)
    wished = replace(
        asked,
        terms=of_its_own,
        purpose=purpose,
        scope=FINE.scope,
        on=CRM.contract_from,
    )
    assert refusal(wished) == "purpose_not_permitted"


NARROWED = ProcessStanding(
    may_disclose=True,
    fields=frozenset({"name", "booking_times"}),
    from_=NOW - timedelta(days=30),
    to=NOW,
)


def under(process: ProcessStanding, trigger: LegalTrigger = "compelled", **scope: object):
    """The facts of a disclosure of names under a process, in the time that it was narrowed to."""
    within = {"from_": NARROWED.from_, "to": NARROWED.to, **scope}
    return facts(
        ground=Ground(legal_trigger=trigger, legal_process=PROCESS),
        process=process,
        scope=Scope(("name",), **within),  # type: ignore[arg-type]
    )


def test_no_more_leaves_than_a_process_was_narrowed_to():
    assert refusal(under(NARROWED)) is None
    day = timedelta(days=1)
    for beyond in (
        replace(under(NARROWED), scope=Scope(("name", "email"), NARROWED.from_, NARROWED.to)),
        under(NARROWED, from_=None),
        under(NARROWED, to=None),
        under(NARROWED, from_=NOW - 31 * day),
        under(NARROWED, to=NOW + day),
    ):
        assert refusal(beyond) == "beyond_process"


def test_an_emergency_rests_on_a_process_that_two_persons_approved():
    alone = ProcessStanding(may_disclose=True)
    assert refusal(under(alone, "emergency")) == "process_not_reviewed"
    assert refusal(under(replace(alone, emergency=True), "emergency")) is None


def test_a_report_of_what_may_be_illegal_goes_to_an_authority_and_to_no_other():
    report = Ground(legal_trigger="report", citation="18 U.S.C. 2258A")
    assert refusal(facts(ground=report)) == "no_ground"
    assert refusal(facts(ground=report, terms=terms(kind="authority"))) is None


@pytest.mark.parametrize("trigger", ["enforcement", "other_law"])
def test_enforcement_and_other_law_have_a_case(trigger: LegalTrigger):
    asked = facts(ground=Ground(legal_trigger=trigger))
    assert refusal(asked) == "case_missing"
    assert refusal(replace(asked, case="T-1")) is None


def test_a_legal_requirement_is_cited():
    asked = Ground(legal_trigger="legal_requirement")
    assert refusal(facts(ground=asked)) == "no_ground"
    assert refusal(facts(ground=replace(asked, citation="26 U.S.C. 6050W"))) is None
