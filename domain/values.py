"""The small values every concept speaks in: ids, ranges of time, personal text.

Instants are aware `datetime`s in UTC. Where arithmetic is hot they are whole seconds since the epoch (`int`).
Ids are 128 random bits behind a type prefix (`bkg_…`); nothing can be read off them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

UTC = UTC

PREFIXES: Final = {
    "tenant": "ten_",
    "location": "loc_",
    "service": "svc_",
    "staff": "stf_",
    "booking": "bkg_",
    "hold": "hld_",
    "session": "ses_",
    "subject": "sub_",
    "event": "evt_",
    "key": "key_",
    "import": "imp_",
    "recipient": "rcp_",
    "disclosure": "dis_",
    "follow_up": "fup_",
    "process": "lgl_",
    "franchise_request": "frq_",
    "policy": "pol_",
    "consent": "con_",
    "erasure": "ers_",
    "certificate": "cer_",
    "package": "pkg_",
    "legal_hold": "lho_",
    "privacy_request": "req_",
    "job": "job_",
}
_ID: Final = re.compile(r"[a-z]{3}_[0-9a-f]{32}")


def public_id(kind: str, value: UUID) -> str:
    """The public form of an id: type prefix, then 32 hexadecimal digits.

    >>> public_id("booking", UUID(int=1))
    'bkg_00000000000000000000000000000001'
    """
    return PREFIXES[kind] + value.hex


def parse_id(kind: str, text: str) -> UUID | None:
    """The id behind its public form; None when `text` is not an id of that kind.

    >>> parse_id("booking", "bkg_00000000000000000000000000000001")
    UUID('00000000-0000-0000-0000-000000000001')
    >>> parse_id("hold", "bkg_00000000000000000000000000000001") is None
    True
    """
    if not _ID.fullmatch(text) or not text.startswith(PREFIXES[kind]):
        return None
    return UUID(text[4:])


def instant_text(at: datetime) -> str:
    """RFC 3339 in UTC with `Z`, without a fraction when it is zero.

    >>> instant_text(datetime(2027, 3, 14, 14, 0, tzinfo=UTC))
    '2027-03-14T14:00:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def epoch_seconds(at: datetime) -> int:
    """Whole seconds since 1970-01-01T00:00Z; fractions are dropped."""
    return int(at.timestamp())


def from_epoch(seconds: int) -> datetime:
    """The instant of `epoch_seconds`."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True, order=True)
class TimeRange:
    """A half-open range of instants `[start, end)`, both UTC; never empty."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError("a range ends after it starts")

    def overlaps(self, other: TimeRange) -> bool:
        """True when the two share an instant; touching ranges share none."""
        return self.start < other.end and other.start < self.end


class Personal(str):
    """Text about a person. It prints as `<sealed>`, so that no log or error can show it by accident.

    >>> Personal("Ada")
    <sealed>
    >>> f"{Personal('Ada')}"
    '<sealed>'
    >>> Personal("Ada").open()
    'Ada'
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "<sealed>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<sealed>"

    def open(self) -> str:
        """The plain text. Call it only where a value is sealed or handed to someone who may see it."""
        return str.__str__(self)
