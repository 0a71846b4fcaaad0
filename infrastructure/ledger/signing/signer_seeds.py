"""The seeds in the signer's folder. What state a seed is in, its file's name says:

    seed-2.pending    made, durable, signs nothing yet: every log is being told of it
    seed-2.key        active: it signs every checkpoint
    seed-2.since      when it became active (one instant, ISO 8601); the first seed has none
    seed-1.retiring   signs nothing any more: every log is being told
    rotation          the number of the seed that a rotation adds, from before its file is made until all is done

A change of state is one rename. Whatever was killed between two of them is found by its names, and taken up again.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from infrastructure.ledger.signing.signer_memory import sync_folder, write_whole
from infrastructure.server.start_faults import StartFault

SEED_BYTES: Final = 32
NAME: Final = re.compile(r"seed-([1-9][0-9]{0,8})\.(key|pending|retiring)")

SeedState = Literal["key", "pending", "retiring"]


class SeedRefused(StartFault):
    """A seed is not what the signer can work with."""


class RotationInUse(StartFault):
    """Another rotation, retirement or freeze is at work on this folder."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A seed, and how far it is on its way."""

    number: int
    state: SeedState
    since: datetime | None
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SeedFolder:
    """Reads the seeds, and moves them on. Who moves them holds `alone`."""

    path: Path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who moves seeds. Raises RotationInUse."""
        handle = os.open(self.path / "rotation.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise RotationInUse(f"somebody else changes the keys in {self.path} just now") from None
        finally:
            os.close(handle)

    def names(self) -> tuple[str, ...]:
        """The files of all seeds: it tells whether anything changed."""
        return tuple(sorted(name for name in os.listdir(self.path) if NAME.fullmatch(name)))

    def seeds(self, *states: SeedState) -> list[Seed]:
        """The seeds in one of `states`, the oldest first. Raises SeedRefused."""
        found: list[Seed] = []
        for name in self.names():
            number, _, state = name.removeprefix("seed-").partition(".")
            if state in states:
                secret = (self.path / name).read_bytes()
                if len(secret) != SEED_BYTES:
                    raise SeedRefused(f"{self.path / name} is not a whole seed")
                found.append(Seed(int(number), state, self._since(int(number)), secret))
        return sorted(found, key=lambda seed: seed.number)

    def active(self) -> list[Seed]:
        """The seeds that sign, the oldest first; at least one. Raises SeedRefused."""
        found = self.seeds("key")
        if not found:
            raise SeedRefused(f"there is no whole seed in {self.path}")
        return found

    def rotating(self) -> int | None:
        """The number of the seed that a rotation is adding; None where none is under way."""
        try:
            return int((self.path / "rotation").read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise SeedRefused(f"{self.path / 'rotation'} is not a seed's number") from None

    def begin(self, number: int) -> None:
        """Note that a rotation adds this seed."""
        write_whole(self.path / "rotation", f"{number}\n".encode())

    def make(self, number: int) -> None:
        """Make a seed that signs nothing yet; does nothing if it is there, in whatever state."""
        if not any(name.startswith(f"seed-{number}.") for name in self.names()):
            write_whole(self.path / f"seed-{number}.pending", os.urandom(SEED_BYTES))

    def activate(self, number: int, now: datetime) -> None:
        """Have a pending seed sign from now on; does nothing if it does already."""
        pending = self.path / f"seed-{number}.pending"
        if pending.exists():
            write_whole(self.path / f"seed-{number}.since", now.isoformat().encode())
            self._rename(pending, "key")

    def finish(self) -> None:
        """Note that the rotation is done."""
        (self.path / "rotation").unlink(missing_ok=True)
        sync_folder(self.path)

    def stop(self, number: int) -> None:
        """Have an active seed sign nothing from now on."""
        self._rename(self.path / f"seed-{number}.key", "retiring")

    def destroy(self, number: int) -> None:
        """Destroy a seed that signs nothing any more."""
        (self.path / f"seed-{number}.since").unlink(missing_ok=True)
        (self.path / f"seed-{number}.retiring").unlink()
        sync_folder(self.path)

    def _rename(self, file: Path, state: SeedState) -> None:
        file.rename(file.with_suffix(f".{state}"))
        sync_folder(self.path)

    def _since(self, number: int) -> datetime | None:
        try:
            return datetime.fromisoformat((self.path / f"seed-{number}.since").read_text())
        except FileNotFoundError:
            return None
        except ValueError:
            raise SeedRefused(f"{self.path / f'seed-{number}.since'} is not an instant") from None
