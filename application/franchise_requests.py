"""What the brand's office asks for, and what is answered."""

from __future__ import annotations

from typing import Final

from application.register import Register
from domain import franchise_request
from domain.franchise_request import FranchiseRequest

FRANCHISE_REQUESTS: Final = Register(
    "franchise_request", FranchiseRequest, franchise_request.evolve
)
