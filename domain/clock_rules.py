"""Every statutory rule of time, by its id, in one edition.

1. A rule is data with a source; what is due follows from it, a calendar and facts alone.
2. A rule never changes silently: whoever changes one raises `RULES_VERSION`.

*Not here*: what comes of a rule for a case (`clock`), which clocks a request has (`request_clocks`).
*Source*: each rule names its own; README D10.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain import clock_rules_america, clock_rules_europe
from domain.adequacy import EUROPEAN_ECONOMIC_AREA
from domain.clock_terms import Jurisdiction, RequestType, Rule

RULES_VERSION: Final = "2026-11-26"

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {rule.id: rule for rule in clock_rules_europe.RULES + clock_rules_america.RULES}
)
FEDERAL_HOLIDAYS: Final = ("US", None)
UNITED_KINGDOM: Final = "GB"
# Whoever is in no member state has no holidays that Regulation 1182/71 knows: weekends alone, which is never later.
WEEKENDS_ALONE: Final = ("EU", None)


def rules_for(request_type: RequestType, jurisdiction: Jurisdiction) -> tuple[Rule, ...]:
    """The rules that a request of that type may run under there; none where no statute sets a time."""
    return tuple(
        rule
        for rule in RULES.values()
        if request_type in rule.request_types and jurisdiction in rule.jurisdictions
    )


def calendar_place(
    jurisdiction: Jurisdiction, country: str, subdivision: str | None
) -> tuple[str, str | None]:
    """Whose working days count for a business in `country`: its own under the GDPR, the federal ones in the US.

    >>> calendar_place("us_ca", "US", "CA"), calendar_place("gdpr", "DE", "BY"), calendar_place("gdpr", "JP", None)
    (('US', None), ('DE', 'BY'), ('EU', None))
    """
    if jurisdiction.startswith("us_"):
        return FEDERAL_HOLIDAYS
    if jurisdiction == "uk_gdpr":
        return UNITED_KINGDOM, subdivision if country == UNITED_KINGDOM else None
    return (country, subdivision) if country in EUROPEAN_ECONOMIC_AREA else WEEKENDS_ALONE
