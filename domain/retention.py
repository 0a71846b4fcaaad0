"""Retention: on which bases a class of data is kept, until when, and for which purposes.

1. What is kept has at least one live basis; when the last one has ended, it is erased.
2. Against an erasure only a basis that is an exception of the law keeps anything, and then for its purposes alone.
3. A rule never runs from before the last value was recorded, so nothing is erased that was given later.
4. A business binds its own rules for a class; what it has not bound follows the rules that are shipped.

*Not here*: what pins (`custody`), how the rest is erased (`erasure`), which rules are shipped (`retention_defaults`).
*Source*: GDPR Art. 5(1)(e), 17(3); 11 CCR 7022(c), (f), 7101; row 97 of the policy's matrix.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, TypeAlias, assert_never, get_args

from domain import fields
from domain.custody import ExceptionCode, Kept
from domain.errors import InvalidState
from domain.fields import FINE, Faults, fault
from domain.purposes import PURPOSES, Jurisdiction
from domain.sealing import Plain, RetentionClass

Start = Literal["recorded", "last_visit", "consent_ended", "request_closed"]
STARTS: Final[tuple[Start, ...]] = get_args(Start)
EXCEPTIONS: Final[tuple[ExceptionCode, ...]] = get_args(ExceptionCode)
MONTHS_MAX: Final = 1_200
RULES_MAX: Final = 10
STATUTE_CHARACTERS_MAX: Final = 200
_RULE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One basis on which a class is kept: `months` from `start` on; without an end where `months` is None.

    `exception` is that under which it stands against an erasure; None where an erasure ends the basis.
    """

    code: Annotated[str, Plain("a code by pattern")]
    start: Start
    months: int | None
    exception: ExceptionCode | None
    statute: Annotated[str, Plain("a citation")]
    purposes: tuple[Annotated[str, Plain("codes of the closed list of purposes")], ...]
    jurisdiction: Jurisdiction


@dataclass(frozen=True, slots=True)
class RequestsUnder:
    """A person's rights requests under one law: whether one is not closed, and the day when the last one was."""

    law: Jurisdiction
    open: bool = False
    closed: date | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the periods of one person and class run from, as local days; None where it has not happened.

    `consent_stands` says that what would end has not ended. A rule that runs from requests does from those under its
    own law; one of `other` from all.
    """

    recorded: date | None = None
    last_visit: date | None = None
    consent_ended: date | None = None
    consent_stands: bool = False
    requests: tuple[RequestsUnder, ...] = ()


# --- decisions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RetentionRuleBound:
    """From now on these rules, and no others, hold for the class."""

    TYPE: ClassVar[str] = "retention.rule_bound.v1"

    retention_class: RetentionClass
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RetentionRuleEnded:
    """What was bound for the class has ended: the shipped rules hold again."""

    TYPE: ClassVar[str] = "retention.rule_ended.v1"

    retention_class: RetentionClass


Decision: TypeAlias = RetentionRuleBound | RetentionRuleEnded
DECISIONS: Final = (RetentionRuleBound, RetentionRuleEnded)


# --- state -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bound:
    """The rules that a business has bound, by class. `version` is that of their stream."""

    version: int = 0
    rules: Mapping[RetentionClass, tuple[Rule, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )


def evolve(state: Bound, decision: Decision) -> Bound:
    """What is bound after one more decision."""
    others = {
        name: rules for name, rules in state.rules.items() if name != decision.retention_class
    }
    state = replace(state, version=state.version + 1)
    match decision:
        case RetentionRuleBound():
            return replace(state, rules={**others, decision.retention_class: decision.rules})
        case RetentionRuleEnded():
            return replace(state, rules=others)
        case _ as unreachable:
            assert_never(unreachable)


# --- periods ---------------------------------------------------------------------------------------------------------


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later; the last day of that month where it has none.

    >>> months_after(date(2027, 8, 31), 6)
    datetime.date(2028, 2, 29)
    """
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def expires_on(rule: Rule, facts: Facts) -> date | None:
    """The last day on which the rule keeps anything; None where it has no end, or what it runs from has not ended.

    Where what it runs from never was, it runs from the last value that was recorded.
    """
    if rule.months is None or facts.recorded is None or _goes_on(rule, facts):
        return None
    begun = _begun(rule, facts)
    start = facts.recorded if begun is None else max(begun, facts.recorded)
    return months_after(start, rule.months)


def has_live_basis(rules: Sequence[Rule], facts: Facts, at: date) -> bool:
    """True when one of the rules of a class keeps it on the day `at`."""
    return any(_is_live(rule, facts, at) for rule in rules)


def kept_of(
    rules: Mapping[RetentionClass, Sequence[Rule]],
    facts: Mapping[RetentionClass, Facts],
    classes: Sequence[RetentionClass],
    at: date,
) -> tuple[Kept, ...]:
    """What an erasure on the day `at` leaves of `classes`: each at most once, under its longest exception.

    A rule keeps nothing of a person for whom what it runs from never was.
    """
    kept: list[Kept] = []
    for name in classes:
        known = facts.get(name, Facts())
        live = [
            rule
            for rule in rules.get(name, ())
            if rule.exception is not None and _concerns(rule, known) and _is_live(rule, known, at)
        ]
        if live:
            kept.append(_kept(name, max(live, key=lambda rule: _end(rule, known)), known))
    return tuple(kept)


def _kept(name: RetentionClass, rule: Rule, facts: Facts) -> Kept:
    assert rule.exception is not None, "only exceptions stand against an erasure"
    return Kept(name, rule.exception, rule.statute, rule.purposes, expires_on(rule, facts))


def _begun(rule: Rule, facts: Facts) -> date | None:
    match rule.start:
        case "recorded":
            return facts.recorded
        case "last_visit":
            return facts.last_visit
        case "consent_ended":
            return facts.consent_ended
        case "request_closed":
            closed = (one.closed for one in _requests(rule, facts))
            return max((one for one in closed if one is not None), default=None)
        case _ as unreachable:
            assert_never(unreachable)


def _goes_on(rule: Rule, facts: Facts) -> bool:
    if rule.start == "consent_ended":
        return facts.consent_stands
    return rule.start == "request_closed" and any(one.open for one in _requests(rule, facts))


def _requests(rule: Rule, facts: Facts) -> Sequence[RequestsUnder]:
    return [one for one in facts.requests if rule.jurisdiction in ("other", one.law)]


def _concerns(rule: Rule, facts: Facts) -> bool:
    there = facts.recorded is not None
    return there and (_goes_on(rule, facts) or _begun(rule, facts) is not None)


def _is_live(rule: Rule, facts: Facts, at: date) -> bool:
    return _end(rule, facts) >= at


def _end(rule: Rule, facts: Facts) -> date:
    return expires_on(rule, facts) or date.max


# --- deciding --------------------------------------------------------------------------------------------------------


def bind(
    state: Bound, retention_class: RetentionClass, rules: tuple[Rule, ...]
) -> tuple[RetentionRuleBound, ...]:
    """Bind rules for a class, instead of those that held; the same again decide nothing.

    Refuses: Unacceptable (none or too many; a code that is none or comes twice; months, statute, purposes).
    """
    codes = [rule.code for rule in rules]
    found = fields.distinct("/rules", codes, 1, RULES_MAX)
    for index, rule in enumerate(rules):
        found += _rule_faults(f"/rules/{index}", rule)
    fields.accept(found)
    if state.rules.get(retention_class) == rules:
        return ()
    return (RetentionRuleBound(retention_class, rules),)


def end(state: Bound, retention_class: RetentionClass) -> tuple[RetentionRuleEnded, ...]:
    """Let the shipped rules hold again.

    Refuses: InvalidState (nothing is bound).
    """
    if retention_class not in state.rules:
        raise InvalidState("Nothing is bound for this class")
    return (RetentionRuleEnded(retention_class),)


def _rule_faults(pointer: str, rule: Rule) -> Faults:
    found = fields.shaped(f"{pointer}/code", rule.code, _RULE, "It is no code.")
    found += fields.line(f"{pointer}/statute", rule.statute, STATUTE_CHARACTERS_MAX)
    found += fields.distinct(f"{pointer}/purposes", rule.purposes, 1, len(PURPOSES))
    if unlisted := sorted(set(rule.purposes) - PURPOSES):
        words = f"It is no purpose of the closed list: {unlisted[0]}"[:200]
        found += fault(f"{pointer}/purposes", "unlisted", words)
    months = rule.months
    return found + (
        FINE if months is None else fields.whole(f"{pointer}/months", months, 0, MONTHS_MAX)
    )
