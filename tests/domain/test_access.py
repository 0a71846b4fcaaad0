"""An access to personal data: who it was about, counted, each once."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.access import SubjectSeen, grant

ID, ADA, BEN = (UUID(int=number) for number in range(1, 4))


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
