"""An access to personal data: who it was about, counted, each once; and what is withheld."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.access import SubjectSeen, Withheld, grant, known_case, withhold

ID, ADA, BEN, TAG, OTHER = (UUID(int=number) for number in range(1, 6))
UNTIL = datetime(2027, 6, 1, tzinfo=UTC)


def test_an_access_counts_those_it_was_about():
    seen = (SubjectSeen(ADA, "00"), SubjectSeen(BEN, "01"))
    granted = grant(ID, "support", "T-1", ("name", "email"), seen)
    assert (granted.count, granted.subjects) == (2, seen)
    assert (granted.purpose, granted.case) == ("support", "T-1")
    assert granted.fields == ("name", "email")
    assert granted.TYPE == "access.granted.v1"


def test_an_access_is_about_someone_and_about_each_once():
    with pytest.raises(AssertionError):
        grant(ID, "service", None, ("name",), ())
    with pytest.raises(AssertionError):
        grant(ID, "service", None, ("name",), (SubjectSeen(ADA, "00"), SubjectSeen(ADA, "01")))


@pytest.mark.parametrize("case", ["Ada asked", "", "a" * 65, "é", "a\nb", "a/b"])
def test_what_is_no_id_is_no_case(case: str):
    assert known_case(case) is None


def test_a_tag_stands_for_one_person_until_a_date():
    held = withhold(ID, {ADA: TAG, BEN: OTHER}, UNTIL)
    assert held.tags == (Withheld(TAG, ADA), Withheld(OTHER, BEN))
    assert (held.event, held.until) == (ID, UNTIL)
    for wrong in ({ADA: TAG, BEN: TAG}, {ADA: ADA}):
        with pytest.raises(AssertionError):
            withhold(ID, wrong, UNTIL)
