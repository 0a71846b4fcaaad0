"""Counting denials: two at once are two, what is settled is not asked for again, and forgotten only when settled."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from application.access.denials import Counted
from tests.contracts.world import NOW, Desk

HOUR = timedelta(hours=1)


def kind(minute: int = 0) -> Counted:
    """A kind of denial, of so many minutes after eight."""
    at = NOW + timedelta(minutes=minute)
    return Counted(uuid4(), at, "key_1", uuid4(), "T-1", "role", "service", ("name",), 1, at)


def test_each_is_counted_also_at_once(desk: Desk):
    one, counts = kind(), desk.world.denial_counts
    found = desk.race(8, lambda _: counts.add(desk.tenant, one))
    assert sorted(found) == list(range(1, 9))
    assert counts.add(desk.tenant, kind()) == 1


def test_what_is_kept_is_of_the_last(desk: Desk):
    one, counts = kind(), desk.world.denial_counts
    counts.add(desk.tenant, one)
    later = replace(one, purpose=None, fields=(), last_at=NOW + timedelta(seconds=9))
    counts.add(desk.tenant, later)
    counts.add(desk.tenant, replace(later, last_at=NOW))
    assert counts.unsettled(desk.tenant, NOW, 9) == [replace(later, count=3)]


def test_a_kind_without_person_case_or_purpose_is_one_too(desk: Desk):
    one, counts = replace(kind(), subject=None, case=None, purpose=None), desk.world.denial_counts
    counts.add(desk.tenant, one)
    assert counts.unsettled(desk.tenant, NOW, 9) == [one]


def test_unsettled_ones_come_by_minute_up_to_a_bound(desk: Desk):
    counts = desk.world.denial_counts
    kinds = [kind(minute) for minute in (3, 1, 2)]
    for one in kinds:
        counts.add(desk.tenant, one)
    third, first, second = kinds
    upto = NOW + timedelta(minutes=2)
    assert counts.unsettled(desk.tenant, upto, 9) == [first, second]
    assert counts.unsettled(desk.tenant, upto, 1) == [first]
    counts.settle(desk.tenant, first.id, 1)
    assert counts.unsettled(desk.tenant, NOW + HOUR, 9) == [second, third]


def test_one_more_unsettles_it_and_less_than_before_settles_nothing(desk: Desk):
    one, counts = kind(), desk.world.denial_counts
    counts.add(desk.tenant, one)
    counts.settle(desk.tenant, one.id, 7)
    assert counts.unsettled(desk.tenant, NOW, 9) == []
    counts.add(desk.tenant, one)
    counts.settle(desk.tenant, one.id, 1)
    assert counts.unsettled(desk.tenant, NOW, 9) == [replace(one, count=2)]
    counts.settle(desk.tenant, uuid4(), 1)


def test_only_what_is_settled_is_forgotten(desk: Desk):
    done, open_, young = kind(), kind(), kind(5)
    counts = desk.world.denial_counts
    for one in (done, open_, young):
        counts.add(desk.tenant, one)
    for one in (done, young):
        counts.settle(desk.tenant, one.id, 1)
    counts.forget(desk.tenant, NOW)
    assert counts.unsettled(desk.tenant, NOW + HOUR, 9) == [open_]
    assert counts.add(desk.tenant, young) == 2, "it is still there"
    assert counts.add(desk.tenant, done) == 1, "it begins anew"
