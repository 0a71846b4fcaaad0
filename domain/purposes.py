"""The closed list of purposes for which personal data may be opened.

Source: the privacy policy's purposes; README D6. An unlisted purpose is refused.
"""

from __future__ import annotations

import re
from typing import Final

from domain.errors import PurposeRequired

PURPOSES: Final = frozenset(
    {
        "service",
        "support",
        "scheduling",
        "dispute",
        "billing",
        "troubleshoot",
        "fraud",
        "enforcement",
        "personalise",
        "measure",
        "improve",
        "marketing_first_party",
        "verification",
        "legal_duty",
    }
)
NEEDS_CASE: Final = frozenset(
    {"support", "dispute", "fraud", "enforcement", "verification", "legal_duty"}
)
OPENING_ROLES: Final = frozenset({"owner", "manager", "staff", "privacy_officer"})
_CASE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def require_purpose(purpose: str | None, case: str | None) -> str:
    """The purpose, when it is listed and has the case it demands.

    Refuses: PurposeRequired (none, unlisted, case missing, case not an id).
    >>> require_purpose("service", None)
    'service'
    """
    if purpose not in PURPOSES:
        raise PurposeRequired(
            "Say why with Daybook-Purpose, one of: " + ", ".join(sorted(PURPOSES))
        )
    if purpose in NEEDS_CASE and case is None:
        raise PurposeRequired(f"The purpose {purpose} needs a case: Daybook-Case")
    if case is not None and not _CASE.fullmatch(case):
        raise PurposeRequired("Daybook-Case is an id of at most 64 of A-Z a-z 0-9 . _ -")
    return purpose
