"""The business that the drill opens, and the person who is erased from it: booked, asked, handed over and exported."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from api.administration import found_tenant
from api.drill.house import DrillBroken, House, Json
from domain.values import parse_id
from infrastructure.clock import SystemClock
from infrastructure.drill.canary import Canary

EVERY_DAY: Final = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
VISIT_MINUTES: Final = 30
VISITS_A_DAY: Final = 24 * 60 // VISIT_MINUTES
STAFF: Final = 4
FIELDS: Final = ["name", "email", "phone", "address", "booking_times", "note", "metadata"]
RECIPIENT: Final[Json] = {
    "legal_name": "Example CRM Ltd",
    "address": "1 High Street, Dublin",
    "country": "IE",
    "kind": "crm",
    "role": "processor",
    "permitted_purposes": ["service", "support"],
    "contract_ref": "C-1",
    "contract_from": "2026-01-01",
}
WITH_PURPOSE: Final = {"Daybook-Purpose": "service"}


@dataclass
class Shop:
    """A business in a house. `out` is where its exports and evidence lie, unpacked beside the file."""

    house: House
    out: Path
    word: Canary
    number: Canary
    tenant: str = ""
    log_vkey: str = ""
    service: str = ""
    staff: list[str] = field(default_factory=list)
    person: str = ""
    other: str = ""
    booking: str = ""
    midnight: datetime = field(
        default_factory=lambda: (
            SystemClock().now().replace(hour=0, minute=0, second=0, microsecond=0)
            + timedelta(days=3)
        )
    )

    @property
    def customer(self) -> Json:
        """The person: the words that are looked for afterwards stand in everything that can be said of one."""
        word = self.word.core
        return {
            "name": f"Ada {word}",
            "email": f"{word}@example.test",
            "phone": f"+{self.number.core}",
            "address": f"1 {word} Street",
        }

    @property
    def whose(self) -> tuple[UUID, UUID]:
        """The tenant and the subject of the person who is erased."""
        tenant, subject = parse_id("tenant", self.tenant), parse_id("subject", self.person)
        assert tenant is not None
        assert subject is not None
        return tenant, subject

    def open(self) -> None:
        """Found the business: a place, a service, its staff."""
        founded = found_tenant(self.house.deployment, "Drill")
        self.tenant, self.log_vkey = founded["tenant"], founded["log_vkey"]
        self.house.keys |= founded["keys"]
        make = self.house.made
        place = {"name": "Main", "time_zone": "UTC", "country": "US"}
        location = make("owner", "POST", "/v1/locations", place)["id"]
        visit = {
            "location_ids": [location],
            "name": "Visit",
            "duration_minutes": VISIT_MINUTES,
            "booking_window_days": 365,
        }
        self.service = make("owner", "POST", "/v1/services", visit)["id"]
        hours = [{"days": EVERY_DAY, "from": "00:00", "to": "24:00"}]
        for number in range(STAFF):
            who = {
                "location_ids": [location],
                "display_name": f"Sam {number}",
                "service_ids": [self.service],
            }
            id = make("owner", "POST", "/v1/staff", who)["id"]
            schedule = {"time_zone": "UTC", "weekly": hours, "overrides": []}
            make("owner", "PUT", f"/v1/staff/{id}/schedule", schedule)
            self.staff.append(id)

    def book(self, number: int, customer: Json, **more: object) -> Json:
        """The visit of that number."""
        turn, staff = divmod(number, STAFF)
        start = self.midnight + timedelta(minutes=VISIT_MINUTES * turn)
        wish = {
            "service_id": self.service,
            "staff_id": self.staff[staff],
            "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "customer": customer,
            **more,
        }
        return self.house.made("booking", "POST", "/v1/bookings", wish)

    def book_everybody(self, subjects: int, bookings: int) -> None:
        """Book the person in once, and so many others besides."""
        word = self.word.core
        mine = self.book(
            0, self.customer, note=f"Please ring {word} " * 30, metadata={"dog": word, word: word}
        )
        self.person, self.booking = mine["subject_id"], mine["id"]
        for number in range(1, max(bookings, 1) + 1):
            whose = f"p{number % max(subjects, 1)}"
            wish = {"name": f"Other {whose}", "email": f"{whose}@example.test"}
            self.other = self.book(number, wish)["subject_id"]

    def tell(self) -> None:
        """The person agrees to something, is looked up, and is handed to a recipient."""
        make, word = self.house.made, self.word.core
        text = {"language": "en", "text": "Little.", "material": False, "summary": "First."}
        since = {"version": "drill", "effective_from": "2026-01-01T00:00:00Z"}
        make("owner", "POST", "/v1/policy-versions", {**since, **text})
        said = {
            "purpose": "marketing_first_party",
            "decision": "given",
            "policy_version": "drill",
            "method": "signature",
            "evidence": {"signed": f"by {word}"},
        }
        make("owner", "POST", f"/v1/subjects/{self.person}/consents", said)
        recipient = make("privacy_officer", "POST", "/v1/recipients", RECIPIENT)["id"]
        wish = {
            "recipient_id": recipient,
            "subject_ids": [self.person],
            "fields": FIELDS,
            "purpose": "service",
            "lawful_basis": "contract",
        }
        key = str(uuid5(UUID(int=0), word))
        done = self.house.ask(
            "privacy_officer", "POST", "/v1/disclosures", wish, headers={"Idempotency-Key": key}
        )
        if not done.is_success or word not in done.text:
            raise DrillBroken(f"nothing was handed over: {done.status_code}")

    def take(self, name: str, role: str, path: str) -> Path:
        """Fetch a zip, keep it, and unpack it beside."""
        answer = self.house.ask(role, "GET", path)
        if not answer.is_success:
            raise DrillBroken(f"GET {path} answered {answer.status_code}: {answer.text[:200]}")
        self.out.mkdir(exist_ok=True)
        file = self.out / f"{name}.zip"
        file.write_bytes(answer.content)
        with zipfile.ZipFile(file) as archive:
            archive.extractall(self.out / name)
        return file

    def take_evidence(self, name: str) -> Path:
        """The evidence about the person."""
        return self.take(name, "privacy_officer", f"/v1/subjects/{self.person}/evidence")

    def take_export(self, name: str) -> Path:
        """The whole ledger."""
        return self.take(name, "auditor", "/v1/ledger/export")

    def holds(self, file: Path) -> bool:
        """True when the offline verifier finds that a file holds."""
        done = self.house.verb("verify", str(file), "--vkey", self.log_vkey)
        return done.returncode == 0
