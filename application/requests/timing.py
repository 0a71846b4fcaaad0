"""The clocks of a request: what its events say, put to the rules of time. Nothing else goes in, so verdicts replay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from application.ports import Book
from application.setup.locations import LOCATIONS
from application.working_calendars import WorkingCalendars
from domain.clock import Clock, Verdict, verdict
from domain.clock_rules import calendar_place, rules_for
from domain.clock_terms import Fact, Rule
from domain.location import Location
from domain.privacy_request_codes import Place, Right
from domain.privacy_request_rules import Timing
from domain.privacy_request_state import PrivacyRequest
from domain.request_clocks import clocks_for

NOWHERE: Final = Place("UTC", "ZZ")
LOCATIONS_LOOKED_AT: Final = 200
# Calendars reach this many years beyond what happened last: the longest rule of time is 24 months.
YEARS_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class RightVerdict:
    """How one clock of one right stands."""

    right: Right
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class RequestTiming:
    """Reckons the clocks of requests."""

    calendars: WorkingCalendars

    def verdicts(
        self, state: PrivacyRequest, now: datetime, told_at: datetime | None = None
    ) -> tuple[RightVerdict, ...]:
        """How each clock of each right stands at `now`. `told_at` is when the last recipient was told."""
        return tuple(
            RightVerdict(one.right, verdict(clock, now))
            for one in state.rights
            for clock in self._clocks(state, one.right, now, told_at)
        )

    def timing(
        self, state: PrivacyRequest, now: datetime, told_at: datetime | None = None
    ) -> Timing:
        """What the rules of time allow at `now`: a pause, and an extension of which the person was told at `told_at`.

        One that is entered when the time for telling is over is too late, whatever is said of when it was told.
        """
        running = [
            clock.reckoned(now)
            for one in state.rights
            if not one.is_decided
            for clock in self._clocks(state, one.right, now, None)
            if clock.stopped_at is None
        ]
        pausable = any(one.rule.pausable and not one.is_past(now) for one in running)
        extendable = [one for one in running if _extends(one.rule)]
        if not extendable:
            return Timing(pausable, "none")
        at = max(now, told_at or now)
        late = any(one.extension_is_past(at) for one in extendable)
        return Timing(pausable, "past" if late else "open")

    def _clocks(
        self, state: PrivacyRequest, right: Right, now: datetime, told_at: datetime | None
    ) -> tuple[Clock, ...]:
        terms = state.terms
        country, part = calendar_place(
            terms.jurisdiction, terms.place.country, terms.place.subdivision
        )
        years = terms.received_at.year - 1, now.year + YEARS_AHEAD
        calendar = self.calendars.working_calendar(country, part, *years)
        facts = _facts(state, right, told_at)
        return clocks_for(
            right, terms.jurisdiction, terms.received_at, facts, terms.place.zone, calendar
        )


def _facts(state: PrivacyRequest, right: Right, told_at: datetime | None) -> Sequence[Fact]:
    found = [
        Fact(one.kind, one.at)
        for one in state.moments
        if one.right in (None, right)
        and (one.kind != "extended" or _is_extended(state, right, one.at))
    ]
    if told_at is not None:
        found.append(Fact("recipients_told", told_at))
    return found


def _is_extended(state: PrivacyRequest, right: Right, at: datetime) -> bool:
    """True where an extension concerns a right: its rules know one, and it was open then."""
    decided = (one.at for one in state.moments if one.right == right)
    knows = any(_extends(rule) for rule in rules_for(right, state.terms.jurisdiction))
    return knows and all(at <= one for one in decided)


def _extends(rule: Rule) -> bool:
    return rule.extension is not None and rule.start == "received"


def place_of(book: Book, tenant: UUID) -> Place:
    """Where the business is: its first location that is open, else its first; nowhere where there is none.

    A tenant has no zone of its own yet; that of its first location stands for it.
    """
    entries = book.page(tenant, LOCATIONS.kind, LOCATIONS_LOOKED_AT, None)
    places = [LOCATIONS.state_of(entry) for entry in entries]
    found: Location | None = next((one for one in places if one.active), None)
    found = found or next(iter(places), None)
    if found is None:
        return NOWHERE
    return Place(found.terms.time_zone, found.terms.country, found.terms.subdivision)
