"""What the right answer to each operation is. One book for each side, told everything in the order it was done."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from benchmarks.gdprbench.operations import Operation
from benchmarks.gdprbench.records import AUTOMATED, SHARED_FOR, Record, recipient_reference, record
from domain.purposes import REGISTER, Jurisdiction

DONE = "done"
GONE = "gone"
NO = ("refused", "withdrawn")


class Expected:
    """Everything that was said and done, in the order in which it was."""

    def __init__(self, loaded: Iterable[Record]) -> None:
        self._values: dict[int, dict[str, str]] = {}
        self._said: dict[int, dict[str, str]] = {}
        self._shared: dict[int, list[tuple[int, str]]] = {}
        self._bases: dict[tuple[str, str], str] = {}
        self._references: dict[int, str] = {}
        self._deleted: set[int] = set()
        for one in loaded:
            self._values[one.number] = one.values
            self._said[one.number] = dict(one.said)
            self._shared[one.number] = [(one.recipient, SHARED_FOR)]

    def answer(self, it: Operation) -> object:
        """The right answer to an operation; what it writes is known from then on."""
        match it.kind:
            case "create-record":
                made = record(it.record)
                self._values[it.record] = made.values
                self._said[it.record] = {made.purpose: "given"}
            case "update-data-by-KEY":
                self._values[it.record] = self._values[it.record] | {"address": it.address}
            case "update-metadata-by-KEY":
                self._said[it.record][AUTOMATED] = it.decision
            case "update-metadata-by-USR":
                self._said[it.record][it.purpose] = it.decision
            case "update-metadata-by-PUR":
                self._bases[it.purpose, it.jurisdiction] = it.basis
            case "update-metadata-by-SHR":
                self._references[it.recipient] = it.reference
            case "delete-record-by-KEY" | "delete-record-by-USR":
                self._deleted.add(it.record)
            case "delete-record-by-PUR":
                self._deleted |= {
                    one for one in it.people if self._said[one].get(it.purpose) == "given"
                }
            case _:
                return self._read(it)
        return DONE

    def _read(self, it: Operation) -> object:
        match it.kind:
            case "read-data-by-KEY" | "read-data-by-USR":
                return self._values[it.record]
            case "read-data-by-PUR":
                return self._listed(it, it.purpose, ("given",))
            case "read-data-by-DEC":
                return self._listed(it, AUTOMATED, ("given",))
            case "read-data-by-OBJ":
                seen = [one for one in it.people if self._said[one].get(it.purpose) not in NO]
                return sorted(self._values[one]["email"] for one in seen)
            case "read-metadata-by-KEY":
                return self._said[it.record]
            case "read-metadata-by-USR":
                return self._shared[it.record]
            case "read-metadata-by-SHR":
                return self._given(it.recipient)
            case "get-system-logs":
                return True
            case "verify-deletion":
                return it.record in self._deleted
            case "basis-of":
                where = cast(Jurisdiction, it.jurisdiction)
                default = REGISTER[it.purpose].default_basis(where)
                return self._bases.get((it.purpose, it.jurisdiction), default)
            case "terms-of":
                return self._references.get(it.recipient, recipient_reference(it.recipient))
            case _:
                raise AssertionError(f"{it.kind} is left out, or writes")

    def _given(self, recipient: int) -> int:
        return sum(to == recipient for shares in self._shared.values() for to, _ in shares)

    def _listed(self, it: Operation, purpose: str, words: tuple[str, ...]) -> list[str]:
        seen = [one for one in it.people if self._said[one].get(purpose) in words]
        return sorted(self._values[one]["email"] for one in seen)
