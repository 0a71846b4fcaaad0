"""The mirror: every sequenced event, whole, off the database, durable before its leaf is signed. README D8.

The port allows an object store; here it is a folder of segments, `<first sequence>.segment`, appended to and never
changed. A record is

    u32 length of the body | body | first 8 bytes of SHA-256(body)
    body = u64 sequence | tenant, event, stream (16 bytes each) | u64 position | u32 version | i64 known time (us)
           | u16 length, type | u32 length, header | u32 length, payload

A last record that is torn was never signed for, and is cut off when the mirror is opened. Any other record that does
not read is refused: its segment is to be fetched back from a copy.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self
from uuid import UUID

from infrastructure.canonical import sha256
from infrastructure.ledger.signing.signer_memory import sync_folder
from infrastructure.server.start_faults import StartFault

SEGMENT_BYTES: Final = 32 * 1024 * 1024
RECORD_BYTES_MAX: Final = 64 * 1024 * 1024
CHECK_BYTES: Final = 8
LENGTH: Final = struct.Struct(">I")
FIXED: Final = struct.Struct(">Q16s16s16sQIq")
SHORT: Final = struct.Struct(">H")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class MirrorDamaged(StartFault):
    """A record of the mirror does not read, or is not the one that comes next."""


class MirrorInUse(StartFault):
    """Another publisher writes to this mirror."""


@dataclass(frozen=True, slots=True)
class MirroredEvent:
    """An event with its place. `payload` is the stored, sealed payload."""

    sequence: int
    tenant: UUID
    position: int
    event_id: UUID
    stream: UUID
    version: int
    type: str
    recorded_at: datetime
    header: bytes
    payload: bytes

    def record(self) -> bytes:
        """Its bytes in a segment."""
        kind = self.type.encode()
        microseconds = (self.recorded_at - EPOCH) // timedelta(microseconds=1)
        body = b"".join(
            (
                FIXED.pack(
                    self.sequence,
                    self.tenant.bytes,
                    self.event_id.bytes,
                    self.stream.bytes,
                    self.position,
                    self.version,
                    microseconds,
                ),
                SHORT.pack(len(kind)),
                kind,
                LENGTH.pack(len(self.header)),
                self.header,
                LENGTH.pack(len(self.payload)),
                self.payload,
            )
        )
        return LENGTH.pack(len(body)) + body + sha256(body)[:CHECK_BYTES]


class Mirror(Protocol):
    """Where sequenced events are kept off the database."""

    def end(self) -> int:
        """The sequence of the last event that it has; 0 for none."""
        ...

    def last(self) -> MirroredEvent | None:
        """The last event that it has."""
        ...

    def append(self, events: Sequence[MirroredEvent]) -> None:
        """Take in the events that come next, durably. Raises MirrorDamaged (they are not next), OSError."""
        ...

    def read(self, after: int = 0) -> Iterator[MirroredEvent]:
        """The events after a sequence, in order. Raises MirrorDamaged."""
        ...


class FolderMirror:
    """A mirror in a folder. Enter it to write to it, alone; reading needs no ownership."""

    def __init__(self, folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._lock: int | None = None
        self._file: int | None = None
        self._size = 0
        self._last: MirroredEvent | None = None

    def __enter__(self) -> Self:
        """Own it, and cut a torn record off its end. Raises MirrorInUse, MirrorDamaged, OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._let_go()
            raise MirrorInUse(f"another publisher writes to {self._folder}") from None
        try:
            self._find_end()
        except BaseException:
            self._let_go()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def _let_go(self) -> None:
        for handle in (self._file, self._lock):
            if handle is not None:
                os.close(handle)
        self._file = self._lock = None

    def end(self) -> int:
        """See Mirror."""
        return self._last.sequence if self._last else 0

    def last(self) -> MirroredEvent | None:
        """See Mirror."""
        return self._last

    def append(self, events: Sequence[MirroredEvent]) -> None:
        """See Mirror."""
        if not events:
            return
        if [one.sequence for one in events] != list(
            range(self.end() + 1, self.end() + 1 + len(events))
        ):
            raise MirrorDamaged(
                f"the mirror ends at {self.end()}: what was given does not come next"
            )
        if self._file is None or self._size >= self._segment_bytes:
            self._begin_segment(events[0].sequence)
        assert self._file is not None
        data = b"".join(one.record() for one in events)
        try:
            if os.write(self._file, data) != len(data):
                raise OSError(errno.ENOSPC, "the disk took a part of the batch only")
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)
        self._last = events[-1]

    def read(self, after: int = 0) -> Iterator[MirroredEvent]:
        """See Mirror."""
        segments = self._segments()
        firsts = [int(path.stem) for path in segments]
        if firsts and firsts[0] > after + 1:
            raise MirrorDamaged(f"{self._folder} begins with event {firsts[0]}, not {after + 1}")
        begin = max((at for at, first in enumerate(firsts) if first <= after + 1), default=0)
        expected = firsts[begin] if firsts else 1
        for at, path in enumerate(segments[begin:], begin):
            if firsts[at] != expected:
                raise MirrorDamaged(f"{path} does not begin with event {expected}")
            for event, _ in read_segment(path, torn_end=at == len(segments) - 1):
                if event.sequence != expected:
                    raise MirrorDamaged(f"{path} has event {event.sequence} in place of {expected}")
                expected += 1
                if event.sequence > after:
                    yield event

    def _find_end(self) -> None:
        segments = self._segments()
        if not segments:
            return
        self._last, self._size = None, 0
        for event, end in read_segment(segments[-1], torn_end=True):
            self._last, self._size = event, end
        self._cut_off(segments[-1])
        self._file = os.open(segments[-1], os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        if self._last is None and len(segments) > 1:
            for event, _ in read_segment(segments[-2], torn_end=False):
                self._last = event
        if self._last is None and int(segments[-1].stem) != 1:
            raise MirrorDamaged(f"{segments[-1]} is empty, and no segment is before it")

    def _cut_off(self, path: Path) -> None:
        """Cut a torn end off, but keep it beside: should it be more than that, it is evidence."""
        with path.open("r+b") as file:
            file.seek(self._size)
            if torn := file.read():
                path.with_suffix(".torn").write_bytes(torn)
                file.truncate(self._size)
                os.fsync(file.fileno())

    def _begin_segment(self, first: int) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        path = self._folder / f"{first:020}.segment"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        sync_folder(self._folder)
        self._size = 0

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("*.segment"))


def read_segment(path: Path, *, torn_end: bool) -> Iterator[tuple[MirroredEvent, int]]:
    """The records of a segment, each with where it ends in the file.

    A record that does not read is passed over when it is the last and `torn_end` allows it. Raises MirrorDamaged.
    """
    with path.open("rb") as file:
        end = 0
        while head := file.read(LENGTH.size):
            length = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else RECORD_BYTES_MAX
            rest = file.read(min(length, RECORD_BYTES_MAX) + CHECK_BYTES)
            body, check = rest[:length], rest[length:]
            if len(check) < CHECK_BYTES:
                if torn_end:
                    return
                raise MirrorDamaged(f"{path} ends in the middle of a record, at byte {end}")
            if sha256(body)[:CHECK_BYTES] != check:
                if torn_end and not file.read(1):
                    return
                raise MirrorDamaged(f"{path} does not read at byte {end}")
            end += LENGTH.size + len(rest)
            yield parse_body(body), end


def parse_body(body: bytes) -> MirroredEvent:
    """What a record holds."""
    sequence, tenant, event, stream, position, version, known = FIXED.unpack_from(body)
    at = FIXED.size
    kind, at = _sized(body, at, SHORT)
    header, at = _sized(body, at, LENGTH)
    payload, at = _sized(body, at, LENGTH)
    return MirroredEvent(
        sequence,
        UUID(bytes=tenant),
        position,
        UUID(bytes=event),
        UUID(bytes=stream),
        version,
        kind.decode(),
        EPOCH + timedelta(microseconds=known),
        header,
        payload,
    )


def _sized(body: bytes, at: int, length: struct.Struct) -> tuple[bytes, int]:
    begin = at + length.size
    end = begin + length.unpack_from(body, at)[0]
    return body[begin:end], end
