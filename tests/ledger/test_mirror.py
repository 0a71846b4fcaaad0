"""The mirror holds every event whole and in order, and says so when it does not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from infrastructure.ledger.publishing.mirror import (
    FolderMirror,
    MirrorDamaged,
    MirroredEvent,
    MirrorInUse,
)

AT = datetime(2027, 1, 4, 8, 0, 0, 123456, tzinfo=UTC)


def event(sequence: int) -> MirroredEvent:
    id = UUID(int=sequence)
    return MirroredEvent(
        sequence,
        UUID(int=7),
        sequence - 1,
        id,
        id,
        1,
        "test.written.v1",
        AT + timedelta(microseconds=sequence),
        f"daybook/leaf/v1\n{{{sequence}}}".encode(),
        bytes(range(sequence % 256)) * 3,
    )


def events(first: int, upto: int) -> list[MirroredEvent]:
    return [event(sequence) for sequence in range(first, upto + 1)]


def filled(folder: Path, *batches: Sequence[MirroredEvent], segment_bytes: int = 400) -> Path:
    with FolderMirror(folder, segment_bytes=segment_bytes) as mirror:
        for batch in batches:
            mirror.append(batch)
    return folder


def test_what_was_taken_in_is_read_back_from_anywhere(tmp_path: Path) -> None:
    folder = filled(tmp_path, events(1, 3), events(4, 4), events(5, 12), events(13, 14))
    assert len(list(folder.glob("*.segment"))) > 2
    with FolderMirror(folder) as mirror:
        assert mirror.end() == 14 and mirror.last() == event(14)
        for after in range(15):
            assert list(mirror.read(after)) == events(after + 1, 14)
        mirror.append(events(15, 15))
        assert list(mirror.read(12)) == events(13, 15)


def test_an_empty_one_has_nothing(tmp_path: Path) -> None:
    with FolderMirror(tmp_path / "new") as mirror:
        assert (mirror.end(), mirror.last(), list(mirror.read())) == (0, None, [])


@pytest.mark.parametrize("batch", [events(6, 7), events(5, 5), [event(6), event(8)]], ids=len)
def test_what_does_not_come_next_is_refused(tmp_path: Path, batch: list[MirroredEvent]) -> None:
    filled(tmp_path, events(1, 5))
    with FolderMirror(tmp_path) as mirror:
        if batch[0].sequence == 6:
            batch = [batch[0], event(8)]
        with pytest.raises(MirrorDamaged, match="come next"):
            mirror.append(batch)
        assert mirror.end() == 5


def test_only_one_writes(tmp_path: Path) -> None:
    with FolderMirror(tmp_path), pytest.raises(MirrorInUse), FolderMirror(tmp_path):
        pass


def test_a_torn_end_is_cut_off_and_kept_beside(tmp_path: Path) -> None:
    filled(tmp_path, events(1, 5), segment_bytes=1 << 20)
    (segment,) = tmp_path.glob("*.segment")
    whole = segment.read_bytes()
    ends = len(whole) - len(event(5).record())
    for length in range(ends, len(whole)):
        segment.write_bytes(whole[:length])
        with FolderMirror(tmp_path) as mirror:
            assert mirror.end() == 4
            mirror.append([event(5)])
            assert list(mirror.read()) == events(1, 5)
        if length > ends:
            assert segment.with_suffix(".torn").read_bytes() == whole[ends:length]
        assert segment.read_bytes() == whole


def test_a_segment_that_was_begun_and_not_written_is_gone_on_with(tmp_path: Path) -> None:
    filled(tmp_path, events(1, 9))
    (tmp_path / f"{10:020}.segment").touch()
    with FolderMirror(tmp_path) as mirror:
        assert mirror.end() == 9
        mirror.append([event(10)])
    with FolderMirror(tmp_path) as mirror:
        assert list(mirror.read()) == events(1, 10)


def test_no_byte_in_the_middle_can_be_changed(tmp_path: Path) -> None:
    filled(tmp_path, events(1, 4), events(5, 8))
    first = sorted(tmp_path.glob("*.segment"))[0]
    whole = first.read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        first.write_bytes(changed)
        with pytest.raises(MirrorDamaged):
            list(FolderMirror(tmp_path).read())


def test_a_segment_that_is_missing_or_another_is_refused(tmp_path: Path) -> None:
    filled(tmp_path, events(1, 4), events(5, 8), events(9, 12))
    segments = sorted(tmp_path.glob("*.segment"))
    moved = segments[1].rename(tmp_path / "kept")
    with pytest.raises(MirrorDamaged, match="does not begin with event"):
        list(FolderMirror(tmp_path).read())
    moved.rename(segments[1])
    segments[0].unlink()
    with pytest.raises(MirrorDamaged):
        list(FolderMirror(tmp_path).read(0))


def test_a_full_disk_takes_nothing_and_later_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FolderMirror(tmp_path) as mirror:
        mirror.append(events(1, 2))

        def full(handle: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            mirror.append(events(3, 4))
        monkeypatch.undo()
        assert mirror.end() == 2
        mirror.append(events(3, 4))
        assert list(mirror.read()) == events(1, 4)


def test_a_segment_that_cannot_be_begun_is_begun_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FolderMirror(tmp_path, segment_bytes=1) as mirror:
        mirror.append(events(1, 2))
        really, refusals = os.open, [1, 2]

        def opening(path: Path, *flags: int) -> int:
            if refusals:
                raise OSError(f"no space for a file, {refusals.pop()}")
            return really(path, *flags)

        monkeypatch.setattr(os, "open", opening)
        for _ in range(2):
            with pytest.raises(OSError, match="no space for a file"):
                mirror.append(events(3, 4))
        mirror.append(events(3, 4))
        assert list(mirror.read()) == events(1, 4)
