"""A package: everything that is held about a person was made ready to be handed to them.

1. It is recorded by counts alone: a digest of what is in it would be a digest of personal data.
2. It says which request asked for it, where one did.

*Not here*: what is in it (`application/portability`), the opening itself (`access`).
*Source*: GDPR Art. 15(3), 20; Cal. Civ. Code 1798.100, 1798.130; rows 95 and 96 of the policy's matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeAlias
from uuid import UUID

PackageFormat = Literal["json", "csv"]


@dataclass(frozen=True, slots=True)
class PackageMade:
    """A package of `rows` rows in `tables` tables is about to be handed out."""

    TYPE: ClassVar[str] = "package.made.v1"

    package: UUID
    subject: UUID
    request: UUID | None
    format: PackageFormat
    tables: int
    rows: int


Decision: TypeAlias = PackageMade
DECISIONS: Final = (PackageMade,)
