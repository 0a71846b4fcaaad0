"""Whom a person may complain to."""

from __future__ import annotations

import pytest

from domain.authorities import recourse_of
from domain.purposes import JURISDICTIONS, Jurisdiction


@pytest.mark.parametrize("jurisdiction", JURISDICTIONS)
def test_every_jurisdiction_has_an_authority(jurisdiction: Jurisdiction):
    assert recourse_of(jurisdiction, "PT").authority


def test_in_europe_it_is_the_countrys_own():
    assert recourse_of("gdpr", "FR").authority.startswith("Commission nationale")
    assert "member state" in recourse_of("gdpr", "US").authority
