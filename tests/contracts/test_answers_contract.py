"""The port `Answers`: a repeated call gets the answer of the first."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from application.recorded import Answer
from domain.errors import IdempotencyInFlight, IdempotencyMismatch
from tests.contracts.world import Desk

ANSWER = Answer(409, (("Retry-After", "1"),), b'{"code":"slot_unavailable"}')
DAY_SECONDS = 86_400


def begin(desk: Desk, body: bytes = b"{}", scope: str = "POST", key: str = "k") -> UUID | Answer:
    with desk.world.inside(desk.tenant):
        return desk.world.answers.begin(desk.tenant, scope, key, body)


def started(desk: Desk) -> UUID:
    row = begin(desk)
    assert isinstance(row, UUID)
    return row


def test_the_same_call_gets_the_same_answer(desk: Desk):
    desk.world.answers.keep(desk.tenant, started(desk), ANSWER)
    assert begin(desk) == ANSWER
    assert begin(desk) == ANSWER


def test_another_body_is_another_call_with_a_used_key(desk: Desk):
    row = started(desk)
    with pytest.raises(IdempotencyMismatch):
        begin(desk, b"other")
    desk.world.answers.keep(desk.tenant, row, ANSWER)
    with pytest.raises(IdempotencyMismatch):
        begin(desk, b"other")


def test_a_call_that_runs_is_not_started_twice(desk: Desk):
    started(desk)
    with pytest.raises(IdempotencyInFlight) as refusal:
        begin(desk)
    assert refusal.value.retry_after_seconds is not None


def test_keys_belong_to_a_scope_and_a_tenant(desk: Desk):
    started(desk)
    assert isinstance(begin(desk, scope="other"), UUID)
    assert isinstance(begin(desk, key="other"), UUID)
    assert isinstance(begin(Desk(desk.world)), UUID)


def test_scope_and_key_do_not_run_into_each_other(desk: Desk):
    assert isinstance(begin(desk, scope="a", key="bc"), UUID)
    assert isinstance(begin(desk, scope="ab", key="c"), UUID)


def test_a_call_that_failed_on_our_side_may_be_tried_again(desk: Desk):
    desk.world.answers.forget(desk.tenant, started(desk))
    assert isinstance(begin(desk), UUID)


def test_an_answer_that_was_given_is_not_forgotten_or_replaced(desk: Desk):
    row = started(desk)
    desk.world.answers.keep(desk.tenant, row, ANSWER)
    desk.world.answers.forget(desk.tenant, row)
    desk.world.answers.keep(desk.tenant, row, Answer(201, (), b""))
    assert begin(desk) == ANSWER


def test_keeping_or_forgetting_what_is_not_there_does_nothing(desk: Desk):
    desk.world.answers.keep(desk.tenant, uuid4(), ANSWER)
    desk.world.answers.forget(desk.tenant, uuid4())
    assert isinstance(begin(desk), UUID)


def test_an_answer_is_kept_for_a_day(desk: Desk):
    desk.world.answers.keep(desk.tenant, started(desk), ANSWER)
    desk.world.advance(DAY_SECONDS - 1)
    assert begin(desk) == ANSWER
    desk.world.advance(1)
    assert isinstance(begin(desk), UUID)


def test_a_call_that_died_may_be_started_again_after_a_minute(desk: Desk):
    first = started(desk)
    desk.world.advance(59)
    with pytest.raises(IdempotencyInFlight):
        begin(desk)
    desk.world.advance(1)
    second = started(desk)
    assert second != first
    # The dead call's late answer goes nowhere.
    desk.world.answers.keep(desk.tenant, first, ANSWER)
    with pytest.raises(IdempotencyInFlight):
        begin(desk)


def test_the_occasion_of_a_call_is_its_own_and_stays(desk: Desk):
    def drawn(scope: str = "POST", key: str = "k", body: bytes = b"{}", of: Desk = desk) -> UUID:
        with of.world.inside(of.tenant):
            found: UUID = of.world.answers.occasion(of.tenant, scope, key, body)
            return found

    first = drawn()
    started(desk)
    desk.world.advance(DAY_SECONDS - 1)
    assert drawn() == first, "whoever died while it ran, whatever day it is"
    others = {drawn(scope="other"), drawn(key="l"), drawn(body=b"{ }"), drawn(of=Desk(desk.world))}
    assert len(others | {first}) == 5


def test_of_many_who_start_one_call_exactly_one_does(desk: Desk):
    def run(_: int) -> bool:
        try:
            return isinstance(begin(desk), UUID)
        except IdempotencyInFlight:
            return False

    assert desk.race(16, run).count(True) == 1
