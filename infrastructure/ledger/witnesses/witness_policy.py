"""A policy: which witnesses there are, and whose cosignatures together are enough.

Read as anyone may write it; used here only if any two quorums have a witness in common, since otherwise two histories
could each find one. Source: https://c2sp.org/tlog-policy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from infrastructure.ledger.signed.cosignatures import COSIGNERS
from infrastructure.ledger.signed.notes import ED25519, BadNote, VerifierKey
from infrastructure.server.start_faults import StartFault

POLICY_BYTES_MAX: Final = 1024 * 1024
NAMES_MAX: Final = 64
NONE: Final = "none"
_FOREIGN: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_BLANKS: Final = re.compile(r"[ \t]+")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}")


class PolicyRefused(StartFault):
    """A policy file is not one that can be followed."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness. `url` is its submission prefix; None: it is asked by file, or by others."""

    name: str
    key: VerifierKey
    url: str | None = None

    @property
    def label(self) -> str:
        """Tells it from every other one, whatever policies call them: its key's name and id."""
        return f"{self.key.name}+{self.key.id.hex()}"


@dataclass(frozen=True, slots=True)
class Group:
    """So many of its members, witnesses or groups, are needed."""

    needed: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WitnessPolicy:
    """Logs, witnesses, groups, and the quorum: the name of a witness or a group, None for no witness at all."""

    quorum: str | None
    witnesses: Mapping[str, PolicyWitness] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    logs: tuple[VerifierKey, ...] = ()

    def keys(self) -> list[VerifierKey]:
        """The keys of all witnesses."""
        return [one.key for one in self.witnesses.values()]

    def is_met_by(self, cosigned: Collection[VerifierKey]) -> bool:
        """True when these witnesses are enough."""
        return self.quorum is None or self._met(self.quorum, cosigned)

    def intersects(self) -> bool:
        """True when any two quorums have a witness in common (for k of n witnesses: when k > n/2)."""
        return self.quorum is not None and self._intersects(self.quorum)

    def _met(self, name: str, cosigned: Collection[VerifierKey]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return self.witnesses[name].key in cosigned
        return sum(self._met(member, cosigned) for member in group.members) >= group.needed

    def _intersects(self, name: str) -> bool:
        group = self.groups.get(name)
        if group is None:
            return True
        # Two choices of members have at least so many in common; one of those must itself intersect.
        common = 2 * group.needed - len(group.members)
        return common > sum(not self._intersects(member) for member in group.members)


def load_policy(path: Path) -> WitnessPolicy:
    """The policy in a file, for our own logs. Raises PolicyRefused."""
    try:
        with path.open("rb") as file:
            data = file.read(POLICY_BYTES_MAX + 1)
    except OSError as error:
        raise PolicyRefused(f"the witness policy {path} cannot be read: {error.strerror}") from None
    try:
        policy = parse_policy(data)
    except BadNote as fault:
        raise PolicyRefused(f"the witness policy {path}: {fault}") from None
    if not policy.intersects():
        raise PolicyRefused(
            f"the witness policy {path}: two quorums could have no witness in common, and two histories each find one:"
            " ask for more than half of the witnesses"
        )
    return policy


def parse_policy(data: bytes) -> WitnessPolicy:
    """Read a policy. Raises BadNote, with the number of the line."""
    if len(data) > POLICY_BYTES_MAX:
        raise BadNote("it is too long")
    reading = _Reading()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            reading.read(line)
        except BadNote as fault:
            raise BadNote(f"line {number}: {fault}") from None
    if not reading.ended:
        raise BadNote("it has no quorum line")
    return WitnessPolicy(
        reading.quorum, reading.witnesses, reading.groups, tuple(reading.logs.values())
    )


class _Reading:
    """A policy as far as it is read."""

    def __init__(self) -> None:
        self.logs: dict[bytes, VerifierKey] = {}
        self.witnesses: dict[str, PolicyWitness] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.ended = False
        self._members: set[str] = set()
        self._keys: set[bytes] = set()

    def read(self, line: bytes) -> None:
        """Read a line. Raises BadNote."""
        if _FOREIGN.search(line):
            raise BadNote("it holds a control character")
        # Octets above ASCII are opaque.
        text = line.decode("utf-8", "surrogateescape").strip(" \t")
        if not text or text.startswith("#"):
            return
        match _BLANKS.split(text):
            case ["log", vkey]:
                self._add_log(vkey)
            case ["log", vkey, url]:
                self._add_log(vkey)
                _checked_url(url)
            case ["witness", name, vkey]:
                self._add_witness(name, vkey, None)
            case ["witness", name, vkey, url]:
                self._add_witness(name, vkey, _checked_url(url))
            case ["group", name, needed, *members] if members:
                self._add_group(name, needed, members)
            case ["quorum", name]:
                self._set_quorum(name)
            case _:
                raise BadNote("it is no log, witness, group or quorum line")

    def _add_log(self, vkey: str) -> None:
        key = VerifierKey.parse(vkey)
        if key.kind != ED25519:
            raise BadNote("the key is not one that signs for a log")
        self._use(key)
        self.logs[key.public] = key

    def _add_witness(self, name: str, vkey: str, url: str | None) -> None:
        self._name(name)
        key = VerifierKey.parse(vkey)
        if key.kind not in COSIGNERS:
            raise BadNote("the key is not one that cosigns")
        self._use(key)
        self.witnesses[name] = PolicyWitness(name, key, url)

    def _add_group(self, name: str, needed: str, members: list[str]) -> None:
        self._name(name)
        for member in members:
            self._known(member)
            if member in self._members:
                raise BadNote("a name is a member twice: every witness counts once")
            self._members.add(member)
        words = {"any": 1, "all": len(members)}
        count = words.get(needed) or (int(needed) if _NUMBER.fullmatch(needed) else 0)
        if not 1 <= count <= len(members):
            raise BadNote("a group needs any, all, or from 1 to all of its members")
        self.groups[name] = Group(count, tuple(members))

    def _set_quorum(self, name: str) -> None:
        if self.ended:
            raise BadNote("there is a quorum line already")
        if name != NONE:
            self._known(name)
            self.quorum = name
        self.ended = True

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise BadNote("it speaks of a name that no line above defines")

    def _name(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise BadNote("the name is taken")
        if len(self.witnesses) + len(self.groups) >= 2 * NAMES_MAX:
            raise BadNote("there are too many witnesses and groups")

    def _use(self, key: VerifierKey) -> None:
        if key.public in self._keys:
            raise BadNote("the key is there already: a key has one role, and counts once")
        if len(self._keys) >= 3 * NAMES_MAX:
            raise BadNote("there are too many keys")
        self._keys.add(key.public)


def _checked_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise BadNote("the URL cannot be read") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadNote("a URL is http or https, and has no query")
    return text.rstrip("/")
