"""Where personal data may go without a safeguard of its own: the countries, as of a date, and who says so.

*Not here*: which mechanism a recipient's contract names (`recipient`), whether one is needed (`disclosure_rules`).
*Source*: GDPR Art. 44-49; the European Commission's list of adequacy decisions; for the United Kingdom the Data
Protection Act 2018, Schedule 21, para. 4 and 5; for Switzerland the Data Protection Ordinance, Annex 1.
"""

from __future__ import annotations

from datetime import date
from typing import Final

AS_OF: Final = date(2026, 7, 1)

EUROPEAN_ECONOMIC_AREA: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
        *("IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
PROTECTED: Final = EUROPEAN_ECONOMIC_AREA | {"CH", "GB"}
"""Whoever books there may not be handed over to just any country."""

ADEQUATE: Final = frozenset(
    ("AD", "AR", "BR", "FO", "GG", "IL", "IM", "JE", "JP", "KR", "NZ", "UY")
)
"""Adequate as a whole, for what a business hands over."""

ADEQUATE_IN_PART: Final = frozenset({"CA", "US"})
"""Adequate for some organisations only: the contract has to say so, with the mechanism A45-3."""


def needs_mechanism(origin: str, destination: str) -> bool:
    """True when data of someone who books in `origin` needs a mechanism to go to `destination` (ISO 3166-1).

    >>> needs_mechanism("PT", "US"), needs_mechanism("PT", "JP"), needs_mechanism("US", "IN")
    (True, False, False)
    """
    return origin in PROTECTED and destination not in PROTECTED | ADEQUATE
