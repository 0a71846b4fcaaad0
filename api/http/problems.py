"""Every refusal as `application/problem+json` (RFC 9457), from one table.

`type` is `/problems/<code>`, and that page exists. `detail` and `errors` are our own words: no library's text, no
value that a caller sent. What is not a `DomainError` is a bug: 500 with an id; the log has the id, the
exception's type and where it was raised, and no value.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from uuid import UUID

import orjson

from application.recorded import Answer
from domain import errors

log = logging.getLogger("daybook.api")

PROBLEM_JSON: Final = "application/problem+json"

STATUS: Final[Mapping[type[errors.DomainError], int]] = {
    errors.Malformed: 400,
    errors.Unidentified: 401,
    errors.NotPermitted: 403,
    errors.NotFound: 404,
    errors.Refused: 409,
    errors.Erased: 410,
    errors.VersionMismatch: 412,
    errors.TooLarge: 413,
    errors.Unacceptable: 422,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}


class MethodNotAllowed(errors.DomainError):
    """This method is not offered here."""

    code = "method_not_allowed"


class UnsupportedMediaType(errors.DomainError):
    """The body is of a kind that is not read here."""

    code = "unsupported_media_type"


class UnknownField(errors.Unacceptable):
    """The body or query has a field that does not exist."""

    code = "unknown_field"


class Bug(errors.DomainError):
    """Something went wrong on our side."""

    code = "internal"


EDGE_STATUS: Final[Mapping[type[errors.DomainError], int]] = {
    MethodNotAllowed: 405,
    UnsupportedMediaType: 415,
    Bug: 500,
}
_RETRY_SECONDS: Final = {429: 1, 503: 1}
_RESERVED: Final = frozenset({"type", "title", "status", "detail", "code", "instance", "errors"})


def status_of(kind: type[errors.DomainError]) -> int:
    """The HTTP status of an error class: its own line in the table, or its nearest ancestor's.

    >>> status_of(errors.SlotUnavailable), status_of(errors.Behind)
    (409, 503)
    """
    for ancestor in kind.__mro__:
        if (found := EDGE_STATUS.get(ancestor) or STATUS.get(ancestor)) is not None:
            return found
    raise TypeError(f"{kind.__name__} has no status")


def problem(refusal: errors.DomainError, occurrence: UUID) -> Answer:
    """Render `refusal`; `occurrence` is the id under which it may be spoken of."""
    status = status_of(type(refusal))
    body: dict[str, object] = {
        "type": f"/problems/{refusal.code}",
        "title": refusal.title(),
        "status": status,
        "detail": refusal.detail,
        "code": refusal.code,
        "instance": f"urn:uuid:{occurrence}",
    }
    if refusal.errors:
        body["errors"] = [
            {"pointer": error.pointer, "code": error.code, "detail": error.detail}
            for error in refusal.errors
        ]
    more = {name: value for name, value in refusal.context.items() if name not in _RESERVED}
    return Answer(status, _headers(refusal, status), orjson.dumps(body | more))


def _headers(refusal: errors.DomainError, status: int) -> tuple[tuple[str, str], ...]:
    found = [("content-type", PROBLEM_JSON)]
    if status == HTTPStatus.UNAUTHORIZED:
        found.append(("www-authenticate", 'Bearer realm="daybook"'))
    seconds = refusal.retry_after_seconds or _RETRY_SECONDS.get(status)
    if seconds is not None:
        found.append(("retry-after", str(seconds)))
    if status == HTTPStatus.METHOD_NOT_ALLOWED and "allow" in refusal.context:
        found.append(("allow", str(refusal.context["allow"])))
    return tuple(found)


def bug(failure: BaseException, occurrence: UUID) -> Answer:
    """Render a failure of ours, and log where it happened without saying what was in it."""
    log.error(
        "bug %s: %s",
        occurrence,
        " <- ".join(type(error).__name__ for error in _chain(failure)),
        extra={"frames": frames(failure)},
    )
    for line in frames(failure):
        log.error("bug %s:   %s", occurrence, line)
    return problem(Bug("It has been noted under the id in `instance`."), occurrence)


def frames(failure: BaseException) -> list[str]:
    """Where `failure` came from, innermost last: file, line and function, never a value."""
    return [
        f"{frame.filename}:{frame.lineno} in {frame.name}"
        for frame in traceback.extract_tb(failure.__traceback__)
    ]


def _chain(failure: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = failure
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


# --- what each code means --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code of the contract."""

    code: str
    status: int
    title: str
    says: str


def kinds(
    root: type[errors.DomainError] = errors.DomainError,
) -> Iterator[type[errors.DomainError]]:
    """Every error class below `root`, parents before children."""
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


def meanings() -> dict[str, Meaning]:
    """All codes, sorted; where classes share a code the most general one speaks."""
    found: dict[str, Meaning] = {}
    for kind in kinds():
        if kind.code not in found:
            lines = (kind.__doc__ or "").strip().splitlines()
            says = " ".join(line.strip() for line in lines if line.strip())
            found[kind.code] = Meaning(kind.code, status_of(kind), kind.title(), says)
    return dict(sorted(found.items()))
