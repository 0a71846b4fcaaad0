"""What has no basis any more is erased by itself: its periods are over, or an exception's last day has passed.

What a legal hold pins is passed over, and found again once the hold is released. Nothing is decided from the read
model: it says where to look, and what is found there is looked up in what is current. Whoever comes back between that
and the order is not erased: the order is a conflict with anything that names them and came after the log was read.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Protocol
from uuid import UUID

from application.custody.custody_log import read_custody
from application.disclosing.conditions import Heads
from application.erasing.ordering import Wish
from application.holding.keeping import FactsOfKeeping
from application.holding.retention_rules import Rules, rules_in_force
from application.ports import Clock, EventStore
from application.recorded import Caller
from domain.custody import Custody
from domain.errors import NotFound, Stale
from domain.retention import Facts, Rule, has_live_basis, kept_of, months_after
from domain.sealing import RetentionClass

EXPIRER: Final = "system:retention"
LOOKED_AT_MAX: Final = 200
# A month that is shorter than the day it is counted from moves a bound by at most so much.
SLACK: Final = timedelta(days=4)
log = logging.getLogger("daybook.retention")


@dataclass(frozen=True, slots=True)
class Aged:
    """A person of whom something of a class is held; `recorded_at` is when the last value of it was sealed."""

    subject: UUID
    recorded_at: datetime


class KeepingRows(Protocol):
    """The read model `keeping`: what is held of whom, by class and age. It may be behind."""

    def aged(
        self,
        tenant: UUID,
        retention_class: RetentionClass,
        before: datetime,
        after: Aged | None,
        limit: int,
    ) -> Sequence[Aged]:
        """At most `limit` persons whose last value of the class is older than `before`, by age, after the given one."""
        ...

    def over(self, tenant: UUID, today: date, after: UUID | None, limit: int) -> Sequence[UUID]:
        """At most `limit` persons of whom something was kept until a day before `today`, by id, after the given one."""
        ...


class Orders(Protocol):
    """Orders erasures."""

    def order(self, by: Caller, wish: Wish) -> UUID:
        """Order an erasure; its id. Refuses: NotFound, Stale."""
        ...


@dataclass(frozen=True, slots=True)
class Expiry:
    """Erases what no rule keeps. It may run at any time, also twice at once."""

    store: EventStore
    rows: KeepingRows
    facts: FactsOfKeeping
    orders: Orders
    positions: Heads
    clock: Clock
    # Where each list is gone on with in the next round: what cannot go yet does not keep the rest waiting.
    _places: dict[tuple[UUID, str], Aged | UUID] = field(default_factory=dict)

    def sweep(self, tenant: UUID) -> int:
        """Look at no more than 200 persons of each class; how many erasures were ordered.

        Refuses: Behind.
        """
        now = self.clock.now()
        rules = rules_in_force(self.store, tenant)
        persons = dict.fromkeys([*self._over(tenant, now.date()), *self._askers(tenant)])
        for name, some in rules.items():
            if (months := _longest(some)) is not None:
                before = datetime.combine(months_after(now.date(), -months), time.min, UTC) + SLACK
                persons |= dict.fromkeys(self._aged(tenant, name, before))
        return sum(self._expire(tenant, one, rules, now) for one in persons)

    def _aged(self, tenant: UUID, name: RetentionClass, before: datetime) -> list[UUID]:
        place = self._places.pop((tenant, name), None)
        after = place if isinstance(place, Aged) else None
        rows = self.rows.aged(tenant, name, before, after, LOOKED_AT_MAX)
        if len(rows) == LOOKED_AT_MAX:
            self._places[(tenant, name)] = rows[-1]
        return [row.subject for row in rows]

    def _over(self, tenant: UUID, today: date) -> Sequence[UUID]:
        place = self._places.pop((tenant, "kept"), None)
        after = place if isinstance(place, UUID) else None
        rows = self.rows.over(tenant, today, after, LOOKED_AT_MAX)
        if len(rows) == LOOKED_AT_MAX:
            self._places[(tenant, "kept")] = rows[-1]
        return rows

    def _askers(self, tenant: UUID) -> Sequence[UUID]:
        """Of whom something may be kept for as long as a request is open: that names no last day."""
        place = self._places.pop((tenant, "asked"), None)
        after = place if isinstance(place, UUID) else None
        found = self.facts.requests.askers(tenant, after, LOOKED_AT_MAX)
        if len(found) == LOOKED_AT_MAX:
            self._places[(tenant, "asked")] = found[-1]
        return found

    def _expire(self, tenant: UUID, subject: UUID, rules: Rules, now: datetime) -> bool:
        known_to = self.positions.head(tenant)
        custody = read_custody(self.store, tenant, subject)
        free = [name for name in custody.living() if not custody.holds_on(name)]
        facts = self.facts.of(tenant, subject, now) if free else {}
        over = tuple(
            name
            for name in free
            if name in facts and _is_over(name, rules[name], facts[name], custody, now.date())
        )
        if not over:
            return False
        by = Caller(tenant, EXPIRER, frozenset())
        try:
            self.orders.order(by, Wish(subject, "retention", None, over, known_to))
        except (NotFound, Stale) as error:
            log.warning("what has expired is left for the next round: %s", error.code)
            return False
        return True


def _longest(rules: Sequence[Rule]) -> int | None:
    """The longest period of a class; None where one of its rules has no end."""
    periods = [rule.months for rule in rules]
    ended = [months for months in periods if months is not None]
    return max(ended) if len(ended) == len(periods) else None


def _is_over(
    name: RetentionClass, rules: Sequence[Rule], facts: Facts, custody: Custody, today: date
) -> bool:
    """True when nothing keeps the class: after an erasure the exception alone would, else one of the rules."""
    kept = custody.kept.get(name)
    if kept is not None and kept.until is None:
        # What it ran from had not ended when it was kept: it is looked at again.
        return not kept_of({name: rules}, {name: facts}, (name,), today)
    if kept is not None:
        assert kept.until is not None, "see above"
        return kept.until < today
    return not has_live_basis(rules, facts, today)
