"""Laws of requests: whatever is done to one, in whatever order, its clocks can be read and its story adds up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from application.ports import CatalogEntry
from application.requests.timing import RequestTiming
from domain import privacy_request_answers as answers
from domain import privacy_request_rules as rules
from domain.errors import Refused, Unacceptable
from domain.privacy_request import RequestReceived
from domain.privacy_request_codes import RIGHTS, DeniedPart, Place, RequestTerms
from domain.privacy_request_course import evolve
from domain.privacy_request_state import PrivacyRequest
from domain.purposes import JURISDICTIONS
from infrastructure.calendars.public_holidays import PublicHolidays
from infrastructure.store.catalog_codec import catalog_entry, catalog_row

START = datetime(2026, 11, 20, 22, tzinfo=UTC)
TIMES = RequestTiming(PublicHolidays())
PLACES = (
    Place("America/Los_Angeles", "US"),
    Place("Europe/Berlin", "DE", "BY"),
    Place("Pacific/Apia", "WS"),
    Place("UTC", "ZZ"),
)
STEPS = (
    "acknowledge",
    "look",
    "fail",
    "destroy",
    "pause",
    "resume",
    "extend",
    "fulfil",
    "deny",
    "part",
    "withdraw",
    "forward",
    "appeal",
    "uphold",
    "close",
    "expire",
)


def decided(state: PrivacyRequest, step: str, at: datetime, back: timedelta) -> Any:
    """What a step decides, if it may be taken."""
    right = state.rights[back.seconds % len(state.rights)].right
    told_at = max(at - back, state.terms.received_at)
    whole, part = DeniedPart(None, "not_verifiable"), DeniedPart("audit", "not_a_consumer")
    acts: dict[str, Any] = {
        "acknowledge": partial(rules.acknowledge, state),
        "look": partial(rules.verify_identity, state, "email_loop", (), "verified"),
        "fail": partial(rules.verify_identity, state, "email_loop", (), "failed"),
        "destroy": partial(rules.destroy_evidence, state),
        "pause": partial(rules.pause, state, "identity_doubt", TIMES.timing(state, at)),
        "resume": partial(rules.resume, state),
        "extend": partial(
            rules.extend, state, "complexity", told_at, TIMES.timing(state, at, told_at)
        ),
        "fulfil": partial(answers.fulfil, state, right, answers.Done()),
        "deny": partial(answers.deny, state, right, (whole,)),
        "part": partial(answers.deny, state, right, (part,)),
        "withdraw": partial(rules.withdraw, state),
        "forward": partial(rules.forward, state, UUID(int=4)),
        "appeal": partial(answers.appeal, state),
        "uphold": partial(answers.decide_appeal, state, "upheld"),
        "close": partial(answers.close, state),
        "expire": partial(answers.expire_record, state),
    }
    return acts[step](at)


@given(
    rights=st.lists(st.sampled_from(RIGHTS), min_size=1, max_size=3, unique=True),
    jurisdiction=st.sampled_from(JURISDICTIONS),
    place=st.sampled_from(PLACES),
    steps=st.lists(
        st.tuples(
            st.sampled_from(STEPS),
            st.timedeltas(timedelta(0), timedelta(days=40)),
            st.timedeltas(timedelta(0), timedelta(days=60)),
        ),
        max_size=14,
    ),
)
def test_clocks_can_be_read_after_anything(
    rights: Any, jurisdiction: Any, place: Place, steps: list[tuple[str, timedelta, timedelta]]
):
    terms = RequestTerms(tuple(rights), jurisdiction, "email", "person", None, START, place)
    (received,) = rules.receive(RequestReceived(UUID(int=1), None, terms, None), START)
    state, now, taken = evolve(None, received), START, 1
    for step, later, back in steps:
        now += later
        before = {(one.right, one.verdict.rule): one.verdict for one in TIMES.verdicts(state, now)}
        try:
            made = decided(state, step, now, back)
        except (Refused, Unacceptable):
            continue
        for one in made:
            state, taken = evolve(state, one), taken + 1
        after = {(one.right, one.verdict.rule): one.verdict for one in TIMES.verdicts(state, now)}
        # No step lets a clock vanish, and none that was late is on time afterwards.
        assert set(before) <= set(after)
        for key, was in before.items():
            if was.state == "late" and was.stopped_at is not None:
                assert after[key].state == "late"
    assert state.version == taken
    entry = CatalogEntry("privacy_request", state.id, state.version, START, state)
    row = catalog_row(entry)
    kept = catalog_entry((row["kind"], state.id, row["version"], START, row["state"]))
    assert kept == entry
