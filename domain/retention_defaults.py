"""The rules of retention that are shipped: what holds for a class until a business binds its own.

Everything is kept while the business serves the person; only a business knows for how long it does, so no period is
shipped for that, and nothing ends by itself before one is bound. Against an erasure only those rules stand that a law
names with a period. `VERSION` changes with the table.

*Source*: lines 41 to 48 and 58 of the privacy policy; 11 CCR 7101(a), (d).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from domain.purposes import LISTED
from domain.retention import Bound, Rule
from domain.sealing import RETENTION_CLASSES, RetentionClass

VERSION: Final = "2026-11"


def _served(retention_class: RetentionClass) -> Rule:
    """Keep it while the person is served, for the purposes whose data is of this class."""
    codes = tuple(one.code for one in LISTED if one.retention_class == retention_class)
    return Rule(
        code="served",
        start="last_visit",
        months=None,
        exception=None,
        statute="GDPR Art. 5(1)(e), 6(1)(b)",
        purposes=codes or ("legal_duty",),
        jurisdiction="other",
    )


_REQUESTS: Final = Rule(
    code="records_of_requests",
    start="request_closed",
    months=24,
    exception="ccpa_105_d_8_legal_obligation",
    statute="11 CCR 7101(a), (d)",
    purposes=("legal_duty",),
    jurisdiction="us_ca",
)
DEFAULTS: Final[Mapping[RetentionClass, tuple[Rule, ...]]] = MappingProxyType(
    {
        one: (_served(one), _REQUESTS) if one == "evidence" else (_served(one),)
        for one in RETENTION_CLASSES
    }
)


def in_force(bound: Bound, retention_class: RetentionClass) -> tuple[Rule, ...]:
    """The rules that hold for a class: the bound ones, else the shipped ones.

    Where none are bound for `profile`, its bases end with those of `booking`: whoever comes back after that is met as
    somebody new, and no profile is left whose visits cannot be booked any more. Exceptions are not taken over.
    """
    found = bound.rules.get(retention_class)
    if found is not None:
        return found
    if retention_class == "profile" and (visits := bound.rules.get("booking")):
        return tuple(replace(one, exception=None) for one in visits)
    return DEFAULTS[retention_class]
