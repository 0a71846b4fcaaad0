"""Field types of bodies and queries: how each is read, and how it is described.

Reading is strict: no number for a text, no text for a number. Messages are ours and never repeat a value.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import orjson
from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from application.read_models import MODEL_NAMES, ModelName
from domain.errors import FieldError, Unacceptable
from domain.report import REPORT_NAMES, ReportName
from domain.sealing import RETENTION_CLASSES, RetentionClass
from domain.values import PREFIXES, instant_text, parse_id

_INSTANT: Final = re.compile(
    r"(?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?)"
    r"(?:[Zz]|[+-](?:0[0-9]|1[0-9]|2[0-3]):[0-5][0-9])"
)
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,17}")
INSTANT_YEARS: Final = range(1970, 2201)


def read_id(kind: str, text: str) -> UUID | None:
    """The id behind `text`; None when it is none of that kind."""
    return parse_id(kind, text) if len(text) == 36 else None


def example_id(kind: str) -> str:
    """An id that documentation may show."""
    return PREFIXES[kind] + "5f0c6b2e9d3a4c1b8e7f60112233aabb"


def id_pattern(kind: str) -> str:
    """The pattern of ids of a kind, for descriptions."""
    return f"^{PREFIXES[kind]}[0-9a-f]{{32}}$"


def _id_schema(kind: str) -> dict[str, object]:
    return {"type": "string", "pattern": id_pattern(kind), "examples": [example_id(kind)]}


def _reference(kind: str) -> Callable[[object], UUID]:
    def read(value: object) -> UUID:
        if not isinstance(value, str):
            raise PydanticCustomError("wrong_type", "This is a text.")
        found = read_id(kind, value)
        if found is None:
            raise PydanticCustomError("unknown_reference", "There is no such thing here.")
        return found

    return read


def _all_or_some(value: object) -> object:
    if value == "all":
        return None
    if not isinstance(value, list):
        raise PydanticCustomError("wrong_type", 'This is "all", or an array of ids.')
    return value


@dataclass(frozen=True, slots=True)
class PathId:
    """Marks a path parameter as the id of a `kind`; another text there is 404."""

    kind: str


TILE: Final = "tile"
REPORT: Final = "report"
READ_MODEL: Final = "read_model"
RETENTION_CLASS: Final = "retention_class"
_TILE: Final = re.compile(
    r"tile/(?:entries|0|[1-9][0-9]?)/(?:x[0-9]{3}/){0,6}[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"
)


def read_path(kind: str, text: str) -> UUID | str | None:
    """The value of a path parameter; None when there can be nothing under `text`."""
    if kind == TILE:
        return f"tile/{text}" if _TILE.fullmatch(f"tile/{text}") else None
    if kind == REPORT:
        return text if text in REPORT_NAMES else None
    if kind == READ_MODEL:
        return text if text in MODEL_NAMES else None
    if kind == RETENTION_CLASS:
        return text if text in RETENTION_CLASSES else None
    return read_id(kind, text)


def path_schema(kind: str) -> tuple[str, str]:
    """The pattern of a path parameter and an example, for descriptions."""
    if kind == TILE:
        return "^[0-9a-z]+/[0-9x/]+(\\.p/[0-9]+)?$", "0/x001/x234/067"
    if kind == REPORT:
        return f"^({'|'.join(REPORT_NAMES)})$", REPORT_NAMES[0]
    if kind == READ_MODEL:
        return f"^({'|'.join(MODEL_NAMES)})$", MODEL_NAMES[0]
    if kind == RETENTION_CLASS:
        return f"^({'|'.join(RETENTION_CLASSES)})$", RETENTION_CLASSES[0]
    return id_pattern(kind), example_id(kind)


LocationId: TypeAlias = Annotated[UUID, PathId("location")]
ServiceId: TypeAlias = Annotated[UUID, PathId("service")]
StaffId: TypeAlias = Annotated[UUID, PathId("staff")]
KeyId: TypeAlias = Annotated[UUID, PathId("key")]
HoldId: TypeAlias = Annotated[UUID, PathId("hold")]
BookingId: TypeAlias = Annotated[UUID, PathId("booking")]
TenantId: TypeAlias = Annotated[UUID, PathId("tenant")]
SubjectId: TypeAlias = Annotated[UUID, PathId("subject")]
ErasureId: TypeAlias = Annotated[UUID, PathId("erasure")]
PolicyId: TypeAlias = Annotated[UUID, PathId("policy")]
LegalHoldId: TypeAlias = Annotated[UUID, PathId("legal_hold")]
ConsentId: TypeAlias = Annotated[UUID, PathId("consent")]
EventId: TypeAlias = Annotated[UUID, PathId("event")]
ProcessId: TypeAlias = Annotated[UUID, PathId("process")]
FranchiseRequestId: TypeAlias = Annotated[UUID, PathId("franchise_request")]
RecipientId: TypeAlias = Annotated[UUID, PathId("recipient")]
DisclosureId: TypeAlias = Annotated[UUID, PathId("disclosure")]
FollowUpId: TypeAlias = Annotated[UUID, PathId("follow_up")]
PrivacyRequestId: TypeAlias = Annotated[UUID, PathId("privacy_request")]
TilePath: TypeAlias = Annotated[str, PathId(TILE)]
RetentionClassPath: TypeAlias = Annotated[RetentionClass, PathId(RETENTION_CLASS)]
ReadModelPath: TypeAlias = Annotated[ModelName, PathId(READ_MODEL)]
ReportPath: TypeAlias = Annotated[ReportName, PathId(REPORT)]

LocationRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("location")), WithJsonSchema(_id_schema("location"))
]
ServiceRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("service")), WithJsonSchema(_id_schema("service"))
]
StaffRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("staff")), WithJsonSchema(_id_schema("staff"))
]
SubjectRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("subject")), WithJsonSchema(_id_schema("subject"))
]
HoldRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("hold")), WithJsonSchema(_id_schema("hold"))
]
RecipientRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("recipient")), WithJsonSchema(_id_schema("recipient"))
]
ConsentRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("consent")), WithJsonSchema(_id_schema("consent"))
]
ProcessRef: TypeAlias = Annotated[
    UUID, BeforeValidator(_reference("process")), WithJsonSchema(_id_schema("process"))
]
PrivacyRequestRef: TypeAlias = Annotated[
    UUID,
    BeforeValidator(_reference("privacy_request")),
    WithJsonSchema(_id_schema("privacy_request")),
]
FranchiseRequestRef: TypeAlias = Annotated[
    UUID,
    BeforeValidator(_reference("franchise_request")),
    WithJsonSchema(_id_schema("franchise_request")),
]

AllOrSome: TypeAlias = Annotated[
    list[LocationRef] | None,
    BeforeValidator(_all_or_some),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": "all", "type": "string"},
                {"type": "array", "items": _id_schema("location"), "minItems": 1},
            ],
            "examples": ["all"],
        }
    ),
]


def read_instant(value: object) -> datetime:
    """An RFC 3339 instant, in UTC. An offset other than `Z` is converted; a time without one is refused.

    >>> read_instant("2027-03-14T10:00:00-04:00")
    datetime.datetime(2027, 3, 14, 14, 0, tzinfo=datetime.timezone.utc)
    """
    if not isinstance(value, str):
        raise PydanticCustomError("wrong_type", "This is a text.")
    if not _INSTANT.fullmatch(value):
        raise PydanticCustomError("not_an_instant", "Write an instant like 2027-03-14T14:00:00Z.")
    try:
        at = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("not_an_instant", "There is no such instant.") from None
    if at.year not in INSTANT_YEARS:
        raise PydanticCustomError("out_of_range", "Instants lie in the years 1970 to 2200.")
    return at


def _whole_number(value: object) -> int:
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise PydanticCustomError("wrong_type", "This is a whole number.")
    return int(value)


Instant: TypeAlias = Annotated[
    datetime,
    BeforeValidator(read_instant),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2027-03-14T14:00:00Z"]},
        mode="validation",
    ),
]
End: TypeAlias = Annotated[
    datetime,
    BeforeValidator(read_instant),
    WithJsonSchema(
        {"type": "string", "format": "date-time", "examples": ["2027-03-15T14:00:00Z"]},
        mode="validation",
    ),
]
Zone: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=64, examples=["America/New_York"], description="IANA name")
]
QueryNumber: TypeAlias = Annotated[int, BeforeValidator(_whole_number)]


# --- positions and cursors -------------------------------------------------------------------------------------------


def _at_least(value: object) -> UUID | int:
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return int(value)
        if (event := read_id("event", value)) is not None:
            return event
    raise PydanticCustomError(
        "unknown_reference", "It is the id of an event (Daybook-Event) or a position."
    )


AtLeast: TypeAlias = Annotated[
    UUID | int,
    BeforeValidator(_at_least),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(evt_[0-9a-f]{32}|0|[1-9][0-9]{0,17})$",
            "examples": [example_id("event"), "41"],
        }
    ),
]

Cursor: TypeAlias = Annotated[str, Field(min_length=1, max_length=200)]


def write_cursor(route: str, at: datetime, id: UUID) -> str:
    """Where the next page begins: after the thing at (`at`, `id`).

    >>> at = datetime(2027, 3, 14, tzinfo=UTC)
    >>> read_cursor("staff", write_cursor("staff", at, UUID(int=7))) == (at, UUID(int=7))
    True
    """
    packed = orjson.dumps([route, instant_text(at), id.hex])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode("ascii")


def read_cursor(route: str, text: str | None) -> tuple[datetime, UUID] | None:
    """What `write_cursor` wrote for the same route.

    Refuses: Unacceptable (anything else).
    """
    if text is None:
        return None
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        named, at, hexadecimal = orjson.loads(packed)
        if named == route and write_cursor(route, read_instant(at), UUID(hexadecimal)) == text:
            return read_instant(at), UUID(hexadecimal)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        pass  # PydanticCustomError is a ValueError: whatever is wrong with it, it is not ours
    wrong = FieldError("/cursor", "bad_cursor", "It is not a next_cursor of this list.")
    raise Unacceptable("The cursor does not belong to this list.", errors=(wrong,))
