"""What a person takes along, and what their page shows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import PrivacyRequestRef
from api.http.schemas_access import Access
from api.http.schemas_answers import Counted, DisclosureRow
from api.http.schemas_common import Input, Output
from api.http.schemas_people import ConsentState, Subject
from domain.custody import ExceptionCode
from domain.sealing import RetentionClass


class PackageAsked(Input):
    """In which form, and for which request."""

    format: Annotated[
        Literal["json", "csv"],
        Field(description="`csv`: a zip of CSV files with a dictionary of their columns."),
    ] = "json"
    request_id: Annotated[
        PrivacyRequestRef | None, Field(description="The request that asked for it.")
    ] = None


class PackageTable(Output):
    """What is held of one kind: its columns with their meaning, and its rows."""

    says: str
    columns: dict[str, str]
    rows: list[dict[str, str | int | None]]


class Package(Output):
    """Everything that is held about a person, with where it comes from, and what happened to it."""

    subject_id: str
    package_id: str
    made_at: str
    times: str
    tables: dict[str, PackageTable]


class KeptPart(Output):
    """A class that is kept under an exception, and what it may be used for."""

    retention_class: RetentionClass
    exception: ExceptionCode
    statute: str
    usable_for: list[str]
    until: str | None


class Visit(Output):
    """An appointment, without what was given with it."""

    booking_id: str
    service_id: str
    location_id: str
    start: str
    end: str
    status: str


class PersonPage(Output):
    """What a person's page shows: of each kind the newest, and how many there are."""

    held: Subject
    bookings: list[Visit]
    consents: list[ConsentState]
    shared: Counted
    recipients: list[DisclosureRow]
    looked: list[Access]
    restricted: Annotated[bool, Field(description="Data is stored, and not used (GDPR Art. 18).")]
    kept: list[KeptPart]
    may_ask: list[str]
