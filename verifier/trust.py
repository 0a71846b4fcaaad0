"""Whom to believe: keys of logs and witnesses, and how many of them. Source: c2sp.org/tlog-policy."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from verifier import notes
from verifier.findings import DoesNotHold, Unreadable
from verifier.notes import Head, Key, Note

POLICY_LINES_MAX: Final = 4_096
SKEW_SECONDS: Final = 300  # how far a leaf's time may be from a witness's


@cache
def instant(seconds: int) -> str:
    """Write Unix time as a leaf does, as far as the seconds, within the years 1970 to 9999."""
    return datetime.fromtimestamp(min(max(seconds, 0), 253_402_300_799), UTC).isoformat()[:19]


class Trust:
    """What the auditor brings along."""

    def __init__(self, skew: int = SKEW_SECONDS) -> None:
        self.logs: list[Key] = []
        self.witnesses: dict[str, Key] = {}
        self.groups: dict[str, tuple[int, list[str]]] = {"none": (0, [])}
        self.quorum, self.skew = "none", skew
        self.seen: list[tuple[int, int, str]] = []  # size, when a witness first cosigned it, which

    def key(self, text: str, *kinds: int) -> Key:
        """Read a key; Unreadable for one of another kind, or named before, under whatever name."""
        key, known = notes.parse_key(text), [*self.logs, *self.witnesses.values()]
        if key.kind not in kinds or key.public in [each.public for each in known]:
            raise Unreadable(f"the key of {key.name} is named twice, or not of a kind for this use")
        return key

    def add_log(self, text: str) -> None:
        """Believe a log's key; Unreadable for what is none."""
        self.logs.append(self.key(text, notes.ED25519, notes.ML_DSA_44))

    def checkpoint(self, data: bytes, what: str = "the checkpoint") -> tuple[Head, dict[str, Any]]:
        """Read a checkpoint that log and witnesses signed, and tell who did.

        DoesNotHold when no key of its log did, or too few witnesses, which are counted by key."""
        note = notes.parse_note(data, what)
        head = notes.parse_head(note[0])
        signers = self.signers(note, head.origin, what, head)
        cosigners = notes.signed_by(note, self.witnesses.values(), what, head)
        if not self._reached(self.quorum, {key.public for key in cosigners}):
            raise DoesNotHold(f"{what} lacks the witnesses that the policy asks for")
        lines = [line for line in note[1] if line[:2] in [key[:2] for key in cosigners]]
        times = sorted((int.from_bytes(line[2][:8], "big"), line[0]) for line in lines)
        # A cosignature of the time 0 does not say when.
        self.seen += [(head.size, *first) for first in [it for it in times if it[0]][:1]]
        known = [key[:2] for key in (*signers, *cosigners)]
        return head, {
            "signed_by": [key.name for key in signers],
            "cosigned_by": [key.name for key in cosigners],
            "unknown_signatures": sum(line[:2] not in known for line in note[1]),
        }

    def signers(self, note: Note, origin: str, what: str, head: Head | None = None) -> list[Key]:
        """List the log's keys that signed a note; DoesNotHold when none did."""
        keys = [it for it in self.logs if it.name == origin and (head or it.kind == notes.ED25519)]
        if not (found := notes.signed_by(note, keys, what, head)):
            raise DoesNotHold(f"{what} is not signed by a key that is trusted for {origin}")
        return found

    def require_time(self, index: int, at: str) -> None:
        """DoesNotHold for a leaf that was decided after a witness saw it, or before one saw a log without it."""
        for size, time, name in self.seen:
            late, early = at >= instant(time + self.skew + 1), at < instant(time - self.skew)
            if late if index < size else early:
                what = "it in the log" if index < size else "the log without it"
                told = f"{name} saw {what} at {instant(time)}Z"
                raise DoesNotHold(f"the leaf says that it is of {at}, but {told}", index)

    def _reached(self, name: str, cosigned: set[bytes]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name].public in cosigned
        needed, members = self.groups[name]
        return sum(self._reached(member, cosigned) for member in members) >= needed

    def read_policy(self, data: bytes) -> None:
        """Take over what a policy file says; Unreadable, with the line, when it is not one."""
        members, quorums = {"none"}, 0
        for place, line in enumerate(data.decode(errors="surrogateescape").split("\n"), 1):
            words = [word for word in line.replace("\t", " ").split(" ") if word]
            try:
                strange = any(it < " " or it == "\x7f" for it in "".join(words))
                if strange or place > POLICY_LINES_MAX:
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
                self.witnesses[name] = self.key(key, notes.COSIGNATURE, notes.ML_DSA_44)
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
