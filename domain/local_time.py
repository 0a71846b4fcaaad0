"""Local time: a wall time in an IANA zone, and the instant it stands for.

1. A wall time that the clocks skip (a gap) moves forward by the gap.
2. A wall time that the clocks show twice is the earlier one for a start, the later one for an end.
3. A local day that the clocks skip whole does not exist: nothing starts on it.
4. Nothing here depends on the machine's own zone.

Instants are whole seconds since the epoch, days are local dates, and `minute` counts from the day's
00:00 on the wall clock; 1440 is `24:00`, the next day's 00:00.

*Source*: API "Rules of time and slots"; PEP 495, whose `fold` tells the two readings apart.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import FieldError, UnknownTimeZone

MINUTE_SECONDS: Final = 60
DAY_SECONDS: Final = 86_400
DAY_MINUTES: Final = 1_440
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

# The first and last days that can be converted: two away from where `datetime` itself ends.
FIRST_ORDINAL: Final = date.min.toordinal() + 2
LAST_ORDINAL: Final = date.max.toordinal() - 2

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,3}", re.ASCII)
_NAME_MAX_CHARACTERS: Final = 64
# A machine's folder may hold these beside the zones: its own zone, zones that count leap seconds.
_NOT_A_ZONE: Final = frozenset({"Factory", "localtime", "posixrules", "posix", "right"})
_ZONES_KEPT: Final = 1_024
_DAYS_KEPT: Final = 32_768


@lru_cache(maxsize=_ZONES_KEPT)
def zone(name: str) -> ZoneInfo:
    """Find the zone of an IANA name, such as `Australia/Lord_Howe`.

    Refuses: UnknownTimeZone (a path, an abbreviation that is no IANA name, anything else).

    >>> zone("Europe/London")
    zoneinfo.ZoneInfo(key='Europe/London')
    """
    if (
        len(name) > _NAME_MAX_CHARACTERS
        or _NAME.fullmatch(name) is None
        or name.split("/")[0] in _NOT_A_ZONE
    ):
        raise UnknownTimeZone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownTimeZone from None


def checked_zone(name: object, pointer: str) -> str:
    """Give back a zone's name once it is known to be one; `pointer` says where it stood.

    Refuses: UnknownTimeZone with a field error, also for what is not text.
    """
    try:
        return zone(name if isinstance(name, str) else "").key
    except UnknownTimeZone as unknown:
        error = FieldError(pointer, UnknownTimeZone.code, unknown.detail)
        raise UnknownTimeZone(errors=(error,)) from None


def start_instant(zone_name: str, ordinal: int, minute: int) -> int:
    """Say when something starts that starts at this wall time: the earlier of two readings.

    >>> new_york, sunday = "America/New_York", date(2027, 3, 14).toordinal()
    >>> start_instant(new_york, sunday, 150) == start_instant(new_york, sunday, 210)
    True
    """
    offset = steady_offset(zone_name, ordinal)
    if offset is None:
        return _readings(zone_name, ordinal, minute)[0]
    return (ordinal - EPOCH_ORDINAL) * DAY_SECONDS + minute * MINUTE_SECONDS - offset


def end_instant(zone_name: str, ordinal: int, minute: int) -> int:
    """Say when something ends that ends at this wall time: the later of two readings."""
    offset = steady_offset(zone_name, ordinal)
    if offset is None:
        # In a gap the second reading is the one moved back, so the later is right there too.
        return max(_readings(zone_name, ordinal, minute))
    return (ordinal - EPOCH_ORDINAL) * DAY_SECONDS + minute * MINUTE_SECONDS - offset


@lru_cache(maxsize=_DAYS_KEPT)
def midnight(zone_name: str, ordinal: int) -> int:
    """Say when a local day begins: the first instant at which the wall clock has reached its 00:00.

    Where 00:00 is skipped that is the instant of the change; for a day that does not exist it is
    also where the next day begins.
    """
    first, second = _readings(zone_name, ordinal, 0)
    if second >= first:
        return first
    before, reached = second, first
    while reached - before > 1:
        middle = (before + reached) // 2
        if local_datetime(zone_name, middle).toordinal() >= ordinal:
            reached = middle
        else:
            before = middle
    return reached


def exists(zone_name: str, ordinal: int) -> bool:
    """Say whether the clocks ever show this local date.

    >>> exists("Pacific/Apia", date(2011, 12, 30).toordinal())
    False
    """
    if steady_offset(zone_name, ordinal) is not None:
        return True
    return midnight(zone_name, ordinal) < midnight(zone_name, ordinal + 1)


def local_datetime(zone_name: str, at: int) -> datetime:
    """Read the wall clock at an instant; aware, so `isoformat()` shows the offset.

    >>> local_datetime("Australia/Lord_Howe", 1_800_000_000).isoformat()
    '2027-01-15T19:00:00+11:00'
    """
    return datetime.fromtimestamp(at, zone(zone_name))


def local_date(zone_name: str, at: int) -> date:
    """Say which day the wall clock shows; beyond the calendar it is the calendar's nearest day.

    >>> local_date("Pacific/Apia", 1325239200 - 1), local_date("Pacific/Apia", 1325239200)
    (datetime.date(2011, 12, 29), datetime.date(2011, 12, 31))
    """
    earliest = (FIRST_ORDINAL - EPOCH_ORDINAL) * DAY_SECONDS
    latest = (LAST_ORDINAL - EPOCH_ORDINAL) * DAY_SECONDS
    return local_datetime(zone_name, min(max(at, earliest), latest)).date()


@lru_cache(maxsize=_DAYS_KEPT)
def steady_offset(zone_name: str, ordinal: int) -> int | None:
    """Seconds east of UTC at every wall time of the day, 24:00 included; None when they change.

    No zone changes twice within three days, so comparing both ends of the day is enough.
    """
    opening = datetime.fromordinal(ordinal).replace(tzinfo=zone(zone_name))
    closing = datetime.fromordinal(ordinal + 1).replace(tzinfo=zone(zone_name), fold=1)
    offset = _offset_seconds(opening)
    return offset if offset == _offset_seconds(closing) else None


def _readings(zone_name: str, ordinal: int, minute: int) -> tuple[int, int]:
    """Both instants of a wall time: equal when it is plain, first < second when it happens twice,
    and second < first when it is skipped, the first then moved forward by the gap.
    """
    extra_days, minute_of_day = divmod(minute, DAY_MINUTES)
    wall = datetime.fromordinal(ordinal + extra_days) + timedelta(minutes=minute_of_day)
    seconds = (ordinal - EPOCH_ORDINAL) * DAY_SECONDS + minute * MINUTE_SECONDS
    aware = wall.replace(tzinfo=zone(zone_name))
    return seconds - _offset_seconds(aware), seconds - _offset_seconds(aware.replace(fold=1))


def _offset_seconds(aware: datetime) -> int:
    offset = aware.utcoffset()
    assert offset is not None, "a zone always knows its offset"
    return offset.days * DAY_SECONDS + offset.seconds
