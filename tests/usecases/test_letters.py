"""Letters: what they tell, whom to complain to, and that no value of a person's is in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from application.requests.letters import CODE_WORDS, RIGHT_WORDS
from application.requests.steps import Target
from domain.authorities import recourse_of
from domain.errors import InvalidState
from domain.privacy_request_codes import DENIAL_CODES, RIGHTS, DeniedPart
from domain.purposes import JURISDICTIONS
from infrastructure.reports.letter_pdf import TypstLetters
from tests.usecases.front import Front
from tests.usecases.requesting import Office


@pytest.fixture
def office(front: Front) -> Office:
    return Office(front)


def denied(office: Office, **more: Any) -> Target:
    target = Target(office.asks("erasure", **more).state.id)
    part = DeniedPart(None, "not_verifiable")
    office.requests.deny(target, None, (part,), office.officer)
    return target


def text(office: Office, target: Target, kind: Any = None) -> str:
    return office.desk.letters.letter(target.request, kind, office.officer).text()


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_every_denial_names_its_reason_and_the_authority(office: Office, jurisdiction: Any):
    letter = text(office, denied(office, jurisdiction=jurisdiction))
    assert recourse_of(jurisdiction, "GB").authority in letter
    assert CODE_WORDS["not_verifiable"] in letter
    assert "You may appeal" in letter


def test_every_reason_and_right_has_its_words():
    assert set(CODE_WORDS) == set(DENIAL_CODES)
    assert set(RIGHT_WORDS) == set(RIGHTS)


def test_a_partial_denial_tells_which_part_and_why(office: Office):
    target = office.verified("erasure")
    part = DeniedPart("billing", "gdpr_17_3_b_legal_obligation")
    office.requests.deny(target, None, (part,), office.officer)
    letter = text(office, target)
    assert "data kept as billing: a legal obligation or public task (GDPR Art. 17(3)(b))" in letter


def test_the_letters_of_a_request_on_its_way(office: Office):
    target = office.verified("access")
    acknowledged = text(office, target)
    assert "2027-02-04" in acknowledged
    assert "no more than that takes" in acknowledged
    with pytest.raises(InvalidState):
        text(office, target, "extension")
    office.world.clock.advance(days=1)
    now = office.world.clock.now() - timedelta(hours=1)
    office.requests.extend(target, "complexity", now, office.officer)
    extended = text(office, target)
    assert "2027-04-05" in extended
    assert "You may complain to" in extended
    office.packs(target)
    office.requests.fulfil(target, None, office.officer)
    assert "access to personal data" in text(office, target)
    assert "without undue delay" in text(office, target, "acknowledgement")


def test_whoever_opts_out_is_not_told_to_show_who_they_are(office: Office):
    letter = text(office, Target(office.asks("opt_out").state.id))
    assert "need not show who you are" in letter


def test_no_value_of_theirs_is_in_a_letter(office: Office):
    target = denied(office)
    for kind in ("acknowledgement", "denial"):
        letter = text(office, target, kind)
        assert "Ada" not in letter
        assert "@" not in letter


def test_the_same_letter_makes_the_same_pages(office: Office):
    letter = office.desk.letters.letter(denied(office).request, None, office.officer)
    made = TypstLetters().pdf(letter)
    assert made.startswith(b"%PDF-")
    assert made == TypstLetters().pdf(letter)


def test_a_european_authority_is_named_by_country():
    assert "Comissão" in recourse_of("gdpr", "PT").authority
    assert "member state" in recourse_of("gdpr", "US").authority
