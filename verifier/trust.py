"""Whom to believe: keys of logs, keys of witnesses, how many witnesses. Source: c2sp.org/tlog-policy."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from verifier.findings import DoesNotHold, Unreadable
from verifier.notes import (
    COSIGNATURE,
    ED25519,
    ML_DSA_44,
    Head,
    Key,
    Note,
    parse_head,
    parse_key,
    parse_note,
    signed_by,
)

POLICY_LINES_MAX: Final = 4_096


class Checkpoint(NamedTuple):
    """A checkpoint whose signatures were checked; `others` counts lines of keys nobody named here."""

    head: Head
    signers: list[str]
    cosigners: list[str]
    others: int


@dataclass
class Trust:
    """What the auditor brings along."""

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, list[str]]] = field(default_factory=lambda: {"none": (0, [])})
    quorum: str = "none"

    def key(self, text: str, *kinds: int) -> Key:
        """Read a key; Unreadable for one of another kind, or named before, under whatever name."""
        key, known = parse_key(text), [*self.logs, *self.witnesses.values()]
        if key.kind not in kinds or key.public in [each.public for each in known]:
            raise Unreadable(f"the key of {key.name} is named twice, or not of a kind for this use")
        return key

    def add_log(self, text: str) -> None:
        """Believe a log's key; Unreadable for what is none."""
        self.logs.append(self.key(text, ED25519, ML_DSA_44))

    def checkpoint(self, data: bytes, what: str = "the checkpoint") -> Checkpoint:
        """Read a checkpoint, and check that log and witnesses signed it.

        DoesNotHold when no key of its log did, or too few witnesses, which are counted by key.
        """
        note = parse_note(data, what)
        head = parse_head(note.text)
        signers = self.signers(note, head.origin, what, head)
        cosigners = signed_by(note, self.witnesses.values(), what, head)
        if not self._reached(self.quorum, {key.public for key in cosigners}):
            raise DoesNotHold(f"{what} lacks the witnesses that the policy asks for")
        known = [(key.name, key.id) for key in (*signers, *cosigners)]
        others = sum(line[:2] not in known for line in note.lines)
        return Checkpoint(head, [it.name for it in signers], [it.name for it in cosigners], others)

    def signers(self, note: Note, origin: str, what: str, head: Head | None = None) -> list[Key]:
        """List the log's keys that signed a note; DoesNotHold when none did."""
        keys = [it for it in self.logs if it.name == origin and (head or it.kind == ED25519)]
        found = signed_by(note, keys, what, head)
        if not found:
            raise DoesNotHold(f"{what} is not signed by a key that is trusted for {origin}")
        return found

    def _reached(self, name: str, cosigned: set[bytes]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].public in cosigned
        needed, members = self.groups[name]
        return sum(self._reached(member, cosigned) for member in members) >= needed

    def read_policy(self, data: bytes) -> None:
        """Take over what a policy file says; Unreadable, with the line, when it is not one."""
        lines = data.decode(errors="surrogateescape").split("\n")
        members, quorums = {"none"}, 0
        for place, line in enumerate(lines, 1):
            words = [word for word in line.replace("\t", " ").split(" ") if word]
            try:
                if place > POLICY_LINES_MAX or any(
                    it < " " or it == "\x7f" for it in "".join(words)
                ):
                    raise Unreadable("a control character, or too many lines")
                if words and not words[0].startswith("#"):
                    self._read_line(words, members)
                    quorums += words[0] == "quorum"
            except Unreadable as bad:
                raise Unreadable(f"line {place} of the policy: {bad.reason}") from None
        if quorums != 1:
            raise Unreadable("a policy has one quorum line")

    def _read_line(self, words: list[str], members: set[str]) -> None:
        known = {*self.witnesses, *self.groups}
        match words:
            case ["log", key] | ["log", key, _]:
                self.add_log(key)
            case ["witness", name, key] | ["witness", name, key, _] if name not in known:
                self.witnesses[name] = self.key(key, COSIGNATURE, ML_DSA_44)
            case ["group", name, needed, *names] if names and name not in known:
                needed = {"any": "1", "all": str(len(names))}.get(needed, needed)
                if len(set(names)) != len(names) or not set(names) <= known - members:
                    raise Unreadable("a member is not defined above, or is one already")
                if needed not in map(str, range(1, len(names) + 1)):
                    raise Unreadable("a group needs between one and all of its members")
                members |= set(names)
                self.groups[name] = (int(needed), names)
            case ["quorum", name] if name in known:
                self.quorum = name
            case _:
                raise Unreadable("not a line of a policy, or its name is taken or unknown")
