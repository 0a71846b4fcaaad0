"""Verifying a full export in a fresh process, offline: `python -m benchmarks.verifying [--leaves N] [--subjects N]`.

The export is made in a temporary folder first: leaves of some 520 bytes with one envelope in a payload of some 400, a
map over every 65,536 leaves, signed by a fresh key. Then `python verifier/ BUNDLE --vkey KEY` runs under an empty
environment; its seconds are printed beside the goals, and the sum of the peak memory of its two processes (pages that
they share count twice; each peak is looked up ten times a second, so that the very end of one may be missed).
"""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.table import show
from infrastructure.canonical import b64, canonical, sha256
from infrastructure.ledger.signed.checkpoints import TreeHead
from infrastructure.ledger.signed.notes import sign
from infrastructure.ledger.subjects.subject_map import Chain, key_of, map_root, value_of
from infrastructure.ledger.tree import tiles
from infrastructure.ledger.tree.merkle import leaf_hash, tree_hash
from tests.verifier.bundles import ORIGIN, Entry, Ledger, entry, payload_bundle

VERIFIER = Path(__file__).parents[1] / "verifier"
MAP_EVERY = 65_536
SECONDS_MAX, MEGABYTES_MAX = 20, 300


class Making:
    """Writes an export of any size, a tile at a time."""

    def __init__(self, path: Path, subjects: int) -> None:
        self.ledger = Ledger(Ed25519PrivateKey.generate())
        self.archive = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        self.files: dict[str, str] = {}
        self.rows: list[list[bytes]] = [[]]
        self.part: list[Entry] = []
        self.chains: dict[bytes, Chain] = {}
        self.map_at: int | None = None
        draw = random.Random(6962)
        self.tags = [draw.randbytes(16).hex() for _ in range(subjects)]
        self.versions = dict.fromkeys(self.tags, 0)

    def write(self, name: str, data: bytes) -> None:
        self.archive.writestr(zipfile.ZipInfo(name), data)
        if not name.startswith("manifest"):
            self.files[name] = b64(sha256(data))

    def append(self, one: Entry) -> None:
        hash_ = leaf_hash(one.leaf)
        for tag in one.tags:
            self.chains[tag] = self.chains.get(tag, Chain()).extended(len(self.rows[0]), hash_)
        self.rows[0].append(hash_)
        self.part.append(one)
        if len(self.part) == 256:
            self.flush()

    def flush(self) -> None:
        if self.part:
            name = tiles.entries_path((len(self.rows[0]) - 1) // 256, len(self.part))
            self.write(name, tiles.entry_bundle(one.leaf for one in self.part))
            self.write(name.replace("tile/entries/", "payload/"), payload_bundle(self.part))
            self.part = []

    def commit_map(self) -> None:
        items = sorted((key_of(tag), value_of(chain)) for tag, chain in self.chains.items())
        covers = len(self.rows[0])
        said = {"covers": covers, "keys": len(items), "root": b64(map_root(items))}
        self.append(entry("ledger.map_committed.v1", said | {"previous": self.map_at}))
        self.map_at = covers

    def finish(self) -> str:
        """Write tiles, checkpoint and manifest; the log's key."""
        self.flush()
        size = len(self.rows[0])
        while len(self.rows[-1]) >= 256:
            row = self.rows[-1]
            self.rows.append(
                [tree_hash(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]
            )
        for tile in tiles.tiles_of(size):
            begin = tile.n * 256
            self.write(tile.path(), b"".join(self.rows[tile.level][begin : begin + tile.width]))
        text = TreeHead(ORIGIN, size, tree_hash(self.rows[0])).text()
        self.write("checkpoint", sign(text, ORIGIN, self.ledger.key).whole().encode())
        said = {"v": 1, "kind": "export", "origin": ORIGIN, "made_at": "2027-03-14T15:00:00Z"}
        said |= {"from": 0, "to": size, "files": self.files}  # type: ignore[dict-item]
        for name, data in self.ledger.manifest_files(canonical(said)).items():
            self.write(name, data)
        self.archive.close()
        return self.ledger.vkey


def make(path: Path, leaves: int, subjects: int) -> str:
    making = Making(path, subjects)
    draw = random.Random(65_536)
    while len(making.rows[0]) < leaves - 1:
        count = len(making.rows[0])
        if count % MAP_EVERY == 0 and count:
            making.commit_map()
            continue
        tag = making.tags[count] if count < subjects else draw.choice(making.tags)
        making.versions[tag] += 1
        plain = {"booking": tag[::-1], "start": "2027-03-14T15:00:00Z", "minutes": 30}
        more = {"stream": tag[::-1], "version": making.versions[tag], "purpose": "service"}
        making.append(entry("booking.revised.v1", plain, [tag], **more))  # type: ignore[arg-type]
    making.commit_map()
    return making.finish()


def watched(run: subprocess.Popen[str]) -> tuple[str, list[float]]:
    """Wait for a process; gives what it printed, and peak memory in MB of itself and of each process it started."""
    peaks: dict[int, float] = {}
    while True:
        with contextlib.suppress(OSError):  # it may end at any time
            children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text()
            for process in (run.pid, *map(int, children.split())):
                peaks[process] = max(peaks.get(process, 0), peak_of(process))
        with contextlib.suppress(subprocess.TimeoutExpired):
            return run.communicate(timeout=0.1)[0], list(peaks.values())


def peak_of(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(it.split()[1]) / 1024 for it in lines if it.startswith("VmHWM:")), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--leaves", type=int, default=1_000_000)
    parser.add_argument("--subjects", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="daybook-bench-") as folder:
        path = Path(folder, "export.zip")
        # In a process of its own: its memory is the system's again before anything is measured.
        making = "import sys; from pathlib import Path; from benchmarks.verifying import make;"
        making += "print(make(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))"
        sizes = (str(options.leaves), str(options.subjects))
        made = [sys.executable, "-c", making, str(path), *sizes]
        vkey = subprocess.run(made, check=True, capture_output=True, text=True).stdout.strip()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        making_used = used.ru_utime + used.ru_stime
        command = [sys.executable, str(VERIFIER), str(path), "--vkey", vkey, "--tmp", folder]
        begun = time.monotonic()
        run = subprocess.Popen(["env", "-i", *command], stdout=subprocess.PIPE, text=True)
        told, peaks = watched(run)
        seconds = time.monotonic() - begun
        if run.returncode:
            raise SystemExit(told)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        on_cores = used.ru_utime + used.ru_stime - making_used
        each = " + ".join(f"{it:.0f}" for it in peaks)
        title = f"verify {options.leaves:,} leaves of {options.subjects:,} subjects"
        size = f"{path.stat().st_size / 2**20:,.0f}"
        rows = [
            ("seconds", f"{seconds:.1f}", f"{SECONDS_MAX} for 1,000,000 leaves"),
            ("on a core, of both processes", f"{on_cores:.1f}", ""),
            (f"peak memory, {each} MB", f"{sum(peaks):.0f}", str(MEGABYTES_MAX)),
            ("export, MB", size, ""),
        ]
        show(title, ("", "measured", "at most"), rows)


if __name__ == "__main__":
    main()
