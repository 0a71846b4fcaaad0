"""The clocks of one privacy request: which rules run, and what the request's facts make of them.

1. Every rule for its type and place runs from its own start; one whose start has not come is not there.
2. Being asked who they are pauses only where the rule says so, and never a clock that is late.
3. An extension that extends nothing is refused, not ignored.

*Not here*: the request itself, and who may do what to it; a single clock (`clock`).
*Source*: GDPR Art. 12; 11 CCR 7021; README D10.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from domain import clock
from domain.clock import Clock
from domain.clock_rules import RULES, rules_for
from domain.clock_terms import Fact, FactKind, Jurisdiction, RequestType, Rule
from domain.errors import InvalidState
from domain.working_days import WorkingCalendar

_CLOSING: Final[frozenset[FactKind]] = frozenset(
    {"answered", "refused", "withdrawn", "appeal_answered"}
)
_STARTS: Final[dict[str, FactKind]] = {
    "appealed": "appealed",
    "child_confirmed": "child_confirmed",
    "answered": "answered",
}


def clocks_for(
    request_type: RequestType,
    jurisdiction: Jurisdiction,
    received_at: datetime,
    facts: Iterable[Fact],
    zone: str,
    calendar: WorkingCalendar,
) -> tuple[Clock, ...]:
    """The clocks of a request, in the order of the rules; none where no statute sets a time.

    `facts` may come in any order; `calendar` is that of `clock_rules.calendar_place`, and covers `years_reached`.

    Refuses: UnknownTimeZone, ExtensionTooLate (the person was told after the last day for it), InvalidState (extended
    twice; nothing runs that may be extended).
    """
    in_order = sorted(facts, key=lambda fact: fact.at)
    clocks = tuple(
        _folded(clock.started(rule, start, zone, calendar), in_order)
        for rule in rules_for(request_type, jurisdiction)
        if (start := _start(rule, received_at, in_order)) is not None
    )
    _demand_all_used(clocks, in_order)
    return clocks


def years_reached(received_at: datetime, now: datetime) -> tuple[int, int]:
    """The first and the last year that a calendar must cover for the clocks of a request, its facts up to `now`.

    >>> from datetime import UTC
    >>> years_reached(datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 5, tzinfo=UTC))
    (2025, 2028)
    """
    return received_at.year - 1, max(received_at, now).year + 1


def notice_clock(
    obtained_at: datetime, uses: Iterable[datetime], zone: str, calendar: WorkingCalendar
) -> Clock:
    """The clock of the notice to a person whose data was obtained elsewhere.

    `uses` are contacts with the person and disclosures of the data, in any order: the first one ends it.

    Refuses: UnknownTimeZone, InvalidState (a use before the data was obtained).
    """
    notice = clock.started(RULES["collected_elsewhere_notice"], obtained_at, zone, calendar)
    for at in sorted(uses):
        notice = clock.first_used(notice, at)
    return notice


def _start(rule: Rule, received_at: datetime, facts: Sequence[Fact]) -> datetime | None:
    if rule.start == "received":
        return received_at
    if rule.start == "closed":
        # An appeal closes it anew, and the record is kept from then.
        return max((fact.at for fact in facts if fact.kind in _CLOSING), default=None)
    return _first(facts, frozenset({_STARTS[rule.start]}))


def _folded(running: Clock, facts: Sequence[Fact]) -> Clock:
    stops_at = _stop(running.rule, facts, running.starts_at)
    for fact in facts:
        if fact.at < running.starts_at or (stops_at is not None and fact.at > stops_at):
            continue
        running = _after(running, fact)
    return running if stops_at is None else clock.stopped(running, stops_at)


def _stop(rule: Rule, facts: Sequence[Fact], since: datetime) -> datetime | None:
    later = [fact for fact in facts if fact.at >= since]
    if rule.decided_by is not None:
        decided_at = _first(later, frozenset({rule.decided_by}))
        if decided_at is not None:
            return decided_at
    return _first(later, rule.met_by)


def _after(running: Clock, fact: Fact) -> Clock:
    rule = running.rule
    match fact.kind:
        case "paused" if _may_pause(running, fact.at):
            return clock.paused(running, fact.at)
        case "resumed" if running.paused_at is not None:
            return clock.resumed(running, fact.at)
        case "extended" if rule.extension is not None:
            return clock.extended(running, fact.at)
        case _:
            return running


def _may_pause(running: Clock, at: datetime) -> bool:
    return running.rule.pausable and running.paused_at is None and not running.is_past(at)


def _demand_all_used(clocks: Iterable[Clock], facts: Iterable[Fact]) -> None:
    extensions = {each.extended_at for each in clocks}
    for fact in facts:
        if fact.kind == "extended" and fact.at not in extensions:
            raise InvalidState("Nothing runs that may be extended")


def _first(facts: Iterable[Fact], kinds: frozenset[FactKind]) -> datetime | None:
    return min((fact.at for fact in facts if fact.kind in kinds), default=None)
