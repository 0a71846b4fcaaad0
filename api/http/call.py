"""One authenticated call on its way through a handler: who, with what, and how its answer is rendered and kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

import orjson

from api.platform import Platform
from application.following import noting_stale
from application.recorded import Answer, Caller, Ticket
from domain.errors import Malformed, VersionMismatch
from domain.values import public_id

R = TypeVar("R")

JSON_TYPE: Final = ("content-type", "application/json")
FOLLOWED: Final = "agenda"  # it follows every event, so its position speaks for all lists
_TAG: Final = re.compile(r'"([0-9]{1,18})"')
_TAGS: Final = re.compile(
    r'\s*(W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*(,\s*(W/)?"[\x21\x23-\x7e\x80-\xff]*"\s*)*'
)


@dataclass(slots=True)
class Call:
    """A call by `by`. `row` is where the answer to its Idempotency-Key is kept, None without one.

    `occasion` draws the id of what such a call makes.
    """

    platform: Platform
    by: Caller
    headers: Mapping[bytes, bytes]
    row: UUID | None = None
    occasion: Callable[[], UUID] | None = None

    def write(
        self,
        act: Callable[[Caller], R],
        render: Callable[[R], Answer],
        keep: Callable[[R], Answer] | None = None,
    ) -> Answer:
        """Act, and answer with what came of it.

        The answer is stored by the very append that acted; where nothing had to be appended it is kept here.
        `keep` renders what may be stored, when that is less than what is answered.
        """
        if self.row is None:
            return render(act(self.by))
        stored = _Stored(keep or render)
        ticket = Ticket(self.by.tenant, self.row, stored, self.occasion)
        result = act(replace(self.by, ticket=ticket))
        if stored.last is not result:
            self.platform.answers.keep(self.by.tenant, self.row, (keep or render)(result))
        return render(result)

    def if_match(self, version: Callable[[], int]) -> int | None:
        """The version that If-Match asks for, None for any; `version` tells the present one, when several are named.

        Refuses: Malformed, VersionMismatch (none of those named can be right).
        """
        given = self.headers.get(b"if-match")
        if given is None or given.strip() == b"*":
            return None
        text = given.decode("latin-1")
        if not _TAGS.fullmatch(text):
            raise Malformed('If-Match is an ETag, like "3".')
        # A weak tag never matches (RFC 9110 section 13.1.1), nor does one that is no version of ours.
        versions = [
            int(found[1]) for tag in text.split(",") if (found := _TAG.fullmatch(tag.strip()))
        ]
        if len(versions) == 1:
            return versions[0]
        if (present := version() if versions else None) in versions:
            return present
        raise VersionMismatch()

    def reached(self, at_least: UUID | int | None) -> tuple[str, str]:
        """Wait until read models include `at_least`; the header that says how far they are.

        Ask before reading: what is read then includes at least that position.
        """
        positions, tenant = self.platform.positions, self.by.tenant
        with noting_stale():  # these lists are no read model's: none of them can be stale
            if at_least is None:
                position = positions.current(tenant, FOLLOWED)
            else:
                position = positions.wait(tenant, FOLLOWED, at_least)
        return ("daybook-position", str(position))


class _Stored:
    """Renders for a ticket, and remembers which result it last rendered."""

    __slots__ = ("_render", "last")

    def __init__(self, render: Callable[[R], Answer]) -> None:
        self._render: Callable[..., Answer] = render
        self.last: object = None

    def __call__(self, result: object) -> Answer:
        self.last = result
        return self._render(result)


def answered(
    body: Mapping[str, object],
    *,
    status: int = 200,
    event: UUID | None = None,
    version: int | None = None,
    location: str | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    """A JSON answer: `event` becomes Daybook-Event and a link to its receipt, `version` the ETag, `location` Location.

    Instants in `body` may be texts, or `datetime`s in UTC of whole seconds.
    """
    found = [JSON_TYPE]
    if event is not None:
        named = public_id("event", event)
        found.append(("daybook-event", named))
        found.append(("link", f'</v1/events/{named}/receipt>; rel="receipt"'))
    if version is not None:
        found.append(("etag", f'"{version}"'))
    if location is not None:
        found.append(("location", location))
    return Answer(status, (*found, *headers), orjson.dumps(body, option=orjson.OPT_UTC_Z))
