"""The people of the benchmark: made from their number, the same for both sides and in every run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from domain.purposes import LISTED, OBJECTABLE

# Of the closed list those that need no case; every record was collected for one of them.
PURPOSES: Final = tuple(one.code for one in LISTED if not one.demands_case)
OBJECTABLES: Final = tuple(sorted(OBJECTABLE))
AUTOMATED: Final = "analytics:automated_decisions"
RECIPIENTS: Final = 10
SHARED_AT_ONCE: Final = 50
SHARED_FOR: Final = "service"
OBJECTORS: Final = 10  # one in so many objects to something
SURNAMES: Final = ("Adeyemi", "Berg", "Castillo", "Dubois", "Eriksen", "Fischer", "Gupta", "Hansen")
STREETS: Final = ("Harbour Street", "Mill Lane", "Station Road", "Orchard Way", "Quarry Hill")


@dataclass(frozen=True, slots=True)
class Record:
    """One person, with the paper's metadata: PUR, OBJ, DEC and SHR. USR is the e-mail address, KEY the side's own id.

    `objects_to` is a purpose that the person said no to, `automated` whether decisions may be automated, `recipient`
    the number of the one that was given the data.
    """

    number: int
    name: str
    email: str
    phone: str
    address: str
    purpose: str
    objects_to: str | None
    automated: bool
    recipient: int

    @property
    def values(self) -> dict[str, str]:
        """The personal data."""
        return {
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "address": self.address,
        }

    @property
    def said(self) -> dict[str, str]:
        """What the person said to purposes and choices."""
        found = {self.purpose: "given", AUTOMATED: "given" if self.automated else "refused"}
        if self.objects_to is not None:
            found[self.objects_to] = "refused"
        return found


def record(number: int) -> Record:
    """The person with this number.

    >>> record(7).email
    'person-0000007@example.test'
    >>> record(7) == record(7)
    True
    """
    purpose = PURPOSES[number % len(PURPOSES)]
    return Record(
        number=number,
        name=f"Person {SURNAMES[number % len(SURNAMES)]} {number:07}",
        email=email_of(number),
        phone=f"+44{2_000_000_000 + number}",
        address=address_of(number, 0),
        purpose=purpose,
        objects_to=_objection(number, purpose),
        automated=number % 2 == 0,
        recipient=number // SHARED_AT_ONCE % RECIPIENTS,
    )


def email_of(number: int) -> str:
    """The e-mail address of the person with this number."""
    return f"person-{number:07}@example.test"


def address_of(number: int, move: int) -> str:
    """Where the person lives after so many moves."""
    street = STREETS[(number + move) % len(STREETS)]
    return (
        f"{1 + (number * 7 + move) % 250} {street}, Exampleton EX{number % 90 + 10} {move % 10}ZZ"
    )


def recipient_name(number: int) -> str:
    """What a recipient is called."""
    return f"Recipient {number} Ltd"


def recipient_reference(number: int) -> str:
    """The contract of a recipient as it is loaded."""
    return f"C-R{number}"


def _objection(number: int, purpose: str) -> str | None:
    if number % OBJECTORS != 3:
        return None
    others = [one for one in OBJECTABLES if one != purpose]
    return others[number // OBJECTORS % len(others)]
