"""Verify an export: every entry, tile and payload, and what follows from them."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from itertools import pairwise
from struct import Struct
from typing import IO, Any, Final

from verifier import leaves
from verifier.bundle import Bundle
from verifier.findings import MALFORMED, DoesNotHold, Finding, Unreadable
from verifier.merkle import tree_root
from verifier.notes import Head
from verifier.prefix_map import Shelves, key_of, replay
from verifier.second import in_order
from verifier.trust import Trust

WIDTH: Final = 256
ENTRY, PAYLOAD = Struct(">H"), Struct(">I")
# What checking one entry by itself gives, to be added up in order: type, at, tenant, id || index,
# stream || index || version, RECORDs of its tags, tags whose envelopes are gone, tags to erase, what a map says,
# whether its payload is gone.
Row = tuple[str, str, str, bytes, bytes, list[bytes], list[bytes], list[bytes], Any, bool]
# Of a tile: its root; roots of its first hashes, by the size of the log of which they are the last; its rows; and the
# kind, reason and index of the Finding that ended its check.
Tile = tuple[bytes, dict[int, bytes], list[Row], tuple[bool, str, int | None] | None]
GONE: Final = "content withheld: no order to erase its subject stands later in the export"


def place_of(n: int, size: int) -> str:
    """Write the end of the path of the n-th tile of a row of `size` hashes: `x001/x234/067`, `001.p/17`."""
    text, width = f"{n % 1000:03}", size - n * WIDTH
    while n := n // 1000:
        text = f"x{n % 1000:03}/{text}"
    return text if width >= WIDTH else f"{text}.p/{width}"


def unpack(data: bytes, lengths: Struct) -> list[bytes | None]:
    """Take records behind their lengths apart; None is a payload that is gone."""
    found: list[bytes | None] = []
    place, read, size = 0, lengths.unpack_from, lengths.size
    while place < len(data):
        (length,) = read(data, place)
        place += size
        gone = length == 0xFFFFFFFF
        found.append(None if gone else data[place : place + length])
        place += 0 if gone else length
    if place > len(data):
        raise ValueError("cut short")
    return found


class Export:
    """Checks an export; `known` are heads kept from earlier on, `spill` takes what is much."""

    def __init__(
        self, bundle: Bundle, head: Head, known: Sequence[Head], trust: Trust, spill: IO[bytes]
    ) -> None:
        self.bundle, self.head, self.size, self.trust = bundle, head, head.size, trust
        self.known = sorted(known, key=lambda each: each.size)
        said = bundle.manifest or {"from": 0, "to": self.size}
        first, past = said["from"], said["to"]
        if not 0 <= first <= past <= self.size:
            raise DoesNotHold("the range of the export is not within its checkpoint")
        self.tiles = range(first // WIDTH, -(-past // WIDTH) if first < past else first // WIDTH)
        self.full = len(self.tiles) * WIDTH >= self.size
        self.payloads = bool(bundle.manifest) or any(it[:8] == "payload/" for it in bundle.names)
        self.types: Counter[str] = Counter()
        self.times, self.tenant = ("~", ""), ""
        self.maps: list[tuple[int, dict[str, Any]]] = []
        self.subjects = self.gone = 0
        self._withheld: dict[bytes, int] = {}
        self._rising: list[bytes] = []
        self._ids, self._streams, self._chains = (Shelves(spill) for _ in range(3))

    def run(self) -> None:
        """Check everything; raises the Finding with the first index."""
        found: list[Finding] = []
        for check in (self._tiles, self._upper_tiles, self._order, self._maps):
            try:
                check()
            except Finding as bad:
                found.append(bad)
        if found:
            raise min(found, key=lambda bad: self.size if bad.index is None else bad.index)
        if self.bundle.manifest and self.bundle.unread:
            raise DoesNotHold(f"{min(self.bundle.unread)} does not belong into this export")

    def _tiles(self) -> None:
        if self.known and self.known[-1].size > self.size:
            most = self.known[-1].size
            raise DoesNotHold(f"the export ends before {most} entries that are known")
        roots = {0: tree_root([])}
        count = -(-self.size // WIDTH)
        with closing(in_order(count, self._tile, self.bundle.reopen)) as tiles:
            for n, (root, parts, rows, bad) in enumerate(tiles):
                for index, row in enumerate(rows, n * WIDTH):
                    self._add(index, row)
                if bad is not None:
                    holds_not, reason, at = bad
                    raise (DoesNotHold if holds_not else Unreadable)(reason, at)
                roots |= {size: tree_root([*self._rising, part]) for size, part in parts.items()}
                self._rising += [root] if (n + 1) * WIDTH <= self.size else []
                self.bundle.unread.difference_update(self._names(n))  # perhaps read elsewhere
                for shelves in (self._ids, self._streams, self._chains):
                    shelves.settle()
        if self._withheld:  # known only now: an order to erase may stand in the last entry
            raise DoesNotHold(GONE, min(self._withheld.values()))
        for old in self.known:
            if roots[old.size] != old.root:
                raise DoesNotHold(f"the first {old.size} entries are not those that are known")
        if roots[self.size] != self.head.root:
            raise DoesNotHold("the entries do not hash to the root in the checkpoint")

    def _names(self, n: int) -> list[str]:
        """List the files of a tile: hashes and, in the range of the export, entries and payloads."""
        kinds = ["tile/0", "tile/entries", "payload"][: 2 + self.payloads if n in self.tiles else 1]
        return [f"{kind}/{place_of(n, self.size)}" for kind in kinds]

    def _upper_tiles(self) -> None:
        row, level = self._rising, 1
        while row and len(row) == self.size >> 8 * level:
            said = [it for n in range(-(-len(row) // WIDTH)) for it in self._hashes(level, n)]
            for place, (one, other) in enumerate(zip(said, row, strict=True)):
                if one != other:
                    reason = f"a tile of level {level} does not follow from those below it"
                    raise DoesNotHold(reason, place << 8 * level)
            full = range(0, len(row) - WIDTH + 1, WIDTH)
            row, level = [tree_root(row[at : at + WIDTH]) for at in full], level + 1

    def _hashes(self, level: int, n: int) -> list[bytes]:
        width, index = self.size >> 8 * level, n * WIDTH << 8 * level
        name = f"tile/{level}/{place_of(n, width)}"
        data = self.bundle.read(name, index)
        if len(data) != 32 * min(WIDTH, width - n * WIDTH):
            raise Unreadable(f"{name} does not hold as many hashes as it should", index)
        if level or n not in self.tiles:
            self.bundle.require_intact(name, data, index)
        return [data[at : at + 32] for at in range(0, len(data), 32)]

    def _tile(self, n: int) -> Tile:
        """Check a tile by itself: nothing here depends on another tile, or is kept for one."""
        rows: list[Row] = []
        try:
            hashes = self._hashes(0, n)
            if n in self.tiles:
                self._contents(n, hashes, rows)
        except Finding as bad:
            return b"", {}, rows, (isinstance(bad, DoesNotHold), bad.reason, bad.index)
        first = n * WIDTH
        asked = [it.size for it in (*self.known, self.head) if first < it.size <= first + WIDTH]
        parts = {size: tree_root(hashes[: size - first]) for size in asked}
        return tree_root(hashes), parts, rows, None

    def _contents(self, n: int, hashes: list[bytes], rows: list[Row]) -> None:
        index = first = n * WIDTH
        names = self._names(n)
        files = [self.bundle.read(name, first) for name in names[1:]]
        try:
            entries = unpack(files[0], ENTRY)
            payloads = unpack(files[1], PAYLOAD) if self.payloads else [None] * len(hashes)
            for index, (hash_, entry, payload) in enumerate(zip(hashes, entries, payloads), first):  # noqa: B905
                rows.append(self._entry(index, hash_, entry or b"", payload))
        except MALFORMED:
            raise Unreadable("the entry or its payload is malformed or cut short", index) from None
        counts = {len(hashes), len(entries), len(payloads)}
        if len(counts) > 1:
            reason = "there are not as many entries and payloads as hashes"
            raise DoesNotHold(reason, first + min(counts))
        # Only now: a changed byte should be named by its entry, not by its file.
        for name, data in zip(names, (b"".join(hashes), *files), strict=True):
            self.bundle.require_intact(name, data, first)

    def _entry(self, index: int, hash_: bytes, entry: bytes, payload: bytes | None) -> Row:
        if sha256(b"\x00" + entry).digest() != hash_:
            raise DoesNotHold("the entry does not hash to its leaf in the tile", index)
        leaf, seals = leaves.parse_leaf(entry, index)
        type_, at, id_, stream, tenant, version = leaf.group(*leaves.FIELDS)
        self.trust.require_time(index, at)
        tags, absent, said = set[bytes](), list[bytes](), None
        gone = self.payloads and payload is None
        if gone:
            absent = leaves.absent_envelopes(seals, [b""] * len(seals), index)
            tags = set(absent)
            if not absent or leaf["many"] or type_ in (leaves.MAP_TYPE, leaves.ERASURE_TYPE):
                raise DoesNotHold(GONE, index)
        elif payload is not None:
            first, *lines = payload.split(b"\n")
            plain = leaves.plain_of(leaf, first, index)
            tags = leaves.tags_of(leaf, seals, plain, index)
            absent = leaves.absent_envelopes(seals, lines, index)
            said = leaves.map_of(leaf, plain, index) if type_ == leaves.MAP_TYPE else None
        place = index.to_bytes(8, "big")
        event = bytes.fromhex(id_) + place
        change = bytes.fromhex(stream) + place + int(version).to_bytes(8, "big")
        chains = [key_of(tag) + place + hash_ for tag in tags]
        ordered = list(tags) if type_ == leaves.ERASURE_TYPE else []
        return type_, at, tenant, event, change, chains, absent, ordered, said, gone

    def _add(self, index: int, row: Row) -> None:
        """Check an entry against those before it, and keep what those that follow are checked against."""
        type_, at, tenant, event, change, chains, absent, ordered, said, gone = row
        self.types[type_] += 1
        self.gone += gone
        if not self.times[0] <= at <= self.times[1]:
            self.times = (min(self.times[0], at), max(self.times[1], at))
        if tenant != (self.tenant or tenant):
            raise DoesNotHold("the leaf is of another tenant than those before it", index)
        self.tenant = tenant
        self._ids.shelves[event[0]] += event
        self._streams.shelves[change[0]] += change
        for record in chains:
            self._chains.shelves[record[0]] += record
        if said is not None:
            self._map(index, said)
        for tag in ordered:
            self._withheld.pop(tag, None)
        for tag in absent:
            self._withheld.setdefault(tag, index)

    def _map(self, index: int, said: dict[str, Any]) -> None:
        last, covered = (self.maps[-1][0], self.maps[-1][1]["covers"]) if self.maps else (None, 0)
        if (self.maps or self.full) and (said["previous"] != last or said["covers"] < covered):
            raise DoesNotHold("the map leaf does not follow upon the one before it", index)
        self.maps.append((index, said))

    def _order(self) -> None:
        twice, jumps = [self.size], [self.size]
        for data in self._ids:
            records = sorted(data[at : at + 24] for at in range(0, len(data), 24))
            twice += [_u64(it, 16) for one, it in pairwise(records) if one[:16] == it[:16]]
        for data in self._streams:
            stream, version = b"", 0
            for record in sorted(data[at : at + 32] for at in range(0, len(data), 32)):
                # What came before the range of a part of the log is not known.
                before = version if record[:16] == stream else 0 if self.full else None
                stream, version = record[:16], _u64(record, 24)
                if before is not None and version != before + 1:
                    jumps.append(_u64(record, 16))
        if min(twice) < self.size and min(twice) <= min(jumps):
            raise DoesNotHold("the event stands in the log twice", min(twice))
        if min(jumps) < self.size:
            raise DoesNotHold("the version in its stream does not follow", min(jumps))

    def _maps(self) -> None:
        # A map behind content that is withheld cannot be replayed.
        first = min(self._withheld.values(), default=self.size)
        if self.full and self.payloads:
            self.subjects = replay(self._chains, [it for it in self.maps if it[0] < first])


def _u64(record: bytes, at: int) -> int:
    return int.from_bytes(record[at : at + 8], "big")
