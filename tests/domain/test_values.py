"""The small values every concept speaks in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.values import TimeRange, epoch_seconds, from_epoch, parse_id

NOON = datetime(2027, 3, 14, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_an_instant_survives_its_seconds() -> None:
    assert from_epoch(epoch_seconds(NOON)) == NOON


def test_seconds_drop_the_fraction() -> None:
    assert epoch_seconds(NOON + timedelta(milliseconds=999)) == epoch_seconds(NOON)


@pytest.mark.parametrize("end", [NOON, NOON - HOUR])
def test_a_range_ends_after_it_starts(end: datetime) -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        TimeRange(NOON, end)


def test_ranges_that_touch_share_nothing() -> None:
    before, after = TimeRange(NOON - HOUR, NOON), TimeRange(NOON, NOON + HOUR)
    assert not before.overlaps(after)
    assert not after.overlaps(before)


def test_ranges_that_share_an_instant_overlap_both_ways() -> None:
    long, inside = TimeRange(NOON, NOON + 3 * HOUR), TimeRange(NOON + HOUR, NOON + 2 * HOUR)
    assert long.overlaps(inside)
    assert inside.overlaps(long)


@pytest.mark.parametrize(
    "text", ["", "bkg_", "bkg_" + "0" * 31, "bkg_" + "0" * 32 + "\n", "hld_" + "0" * 32]
)
def test_what_is_not_an_id_of_that_kind_is_none(text: str) -> None:
    assert parse_id("booking", text) is None
