"""`Idempotency-Key`: the same call again gets the same answer, whatever happened in between.

Kept: successes, and refusals that would be refused again. Not kept: 5xx, and refusals that ask to try again
(401, 429, a call still in flight, a lost race). A kept answer holds no secret, no opened value, and no
name that the caller made up.
Source: README D11; draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

from api.http.problems import problem, status_of
from application.kept_answers import Answers
from application.recorded import Answer
from domain.errors import (
    DomainError,
    FieldError,
    IdempotencyInFlight,
    Malformed,
    Stale,
    TooMany,
    Unidentified,
)

HEADER: Final = b"idempotency-key"
KEY_LENGTH_MAX: Final = 255
MADE_UP: Final = ("/metadata", "/evidence")  # objects whose keys are the caller's own
_BARE: Final = re.compile(rb"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_QUOTED: Final = re.compile(rb'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_TRY_AGAIN: Final = (Unidentified, TooMany, IdempotencyInFlight, Stale)


def idempotency_key(headers: dict[bytes, bytes]) -> str | None:
    """The key of a call, bare or as a structured-field string (RFC 9651); None without one.

    Refuses: Malformed.

    >>> idempotency_key({HEADER: b'"a-1"'}) == idempotency_key({HEADER: b"a-1"}) == "a-1"
    True
    """
    given = headers.get(HEADER)
    if given is None:
        return None
    given = given.strip()
    if quoted := _QUOTED.fullmatch(given):
        return re.sub(rb"\\(.)", rb"\1", quoted[1]).decode("ascii")
    if _BARE.fullmatch(given):
        return given.decode("ascii")
    raise Malformed(f"Idempotency-Key is 1 to {KEY_LENGTH_MAX} visible ASCII characters.")


def is_kept(refusal: DomainError) -> bool:
    """True when the same call would be refused again, so that its refusal is the answer to keep."""
    return status_of(type(refusal)) < 500 and not isinstance(refusal, _TRY_AGAIN)


def without_made_up_names(refusal: DomainError) -> DomainError:
    """The refusal as it may be kept: a name that the caller made up could be anybody's, so its place is named instead.

    Such are fields that do not exist, and the keys of metadata and evidence; what is wrong is still said.
    """
    told = tuple(replace(error, pointer=_known_place(error)) for error in refusal.errors)
    if told == refusal.errors:
        return refusal
    return type(refusal)(refusal.detail, errors=told)


def _known_place(error: FieldError) -> str:
    if error.code == "unknown_field":
        return error.pointer.rpartition("/")[0]
    return next((place for place in MADE_UP if error.pointer.startswith(place)), error.pointer)


def settle(
    answers: Answers,
    tenant: UUID,
    row: UUID,
    work: Callable[[], Answer],
    occurrence: Callable[[], UUID],
) -> Answer:
    """Do the work of a call that was begun; its refusal becomes the answer to keep, a failure is forgotten."""
    try:
        return work()
    except DomainError as refusal:
        if not is_kept(refusal):
            answers.forget(tenant, row)
            raise
        instance = occurrence()
        answers.keep(tenant, row, problem(without_made_up_names(refusal), instance))
        return problem(refusal, instance)
    except BaseException:
        answers.forget(tenant, row)
        raise
