"""Nobody opens personal data without saying why."""

from __future__ import annotations

import pytest

from domain.errors import PurposeRequired
from domain.purposes import NEEDS_CASE, PURPOSES, require_purpose


@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_every_listed_purpose_opens_with_a_case(purpose: str) -> None:
    assert require_purpose(purpose, "CASE-1.a_b") == purpose


@pytest.mark.parametrize("purpose", [None, "", "curiosity", "SERVICE"])
def test_a_purpose_that_is_not_listed_opens_nothing(purpose: str | None) -> None:
    with pytest.raises(PurposeRequired, match="Daybook-Purpose"):
        require_purpose(purpose, "case-1")


@pytest.mark.parametrize("purpose", sorted(NEEDS_CASE))
def test_a_purpose_that_demands_a_case_opens_nothing_without(purpose: str) -> None:
    with pytest.raises(PurposeRequired, match="needs a case"):
        require_purpose(purpose, None)


@pytest.mark.parametrize("case", ["", " ", "a b", "x" * 65, "Ada <ada@example.org>", "é", "a\n"])
def test_a_case_is_an_id_and_never_free_text(case: str) -> None:
    with pytest.raises(PurposeRequired, match="Daybook-Case") as refusal:
        require_purpose("service", case)
    assert "ada" not in str(refusal.value)
