"""What is wrong with the fields of one request: found one by one, told all at once.

Every check gives back the faults it found, so that the checks of one request add up to one answer.
A pointer is a JSON pointer (RFC 6901) into the body.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from domain.errors import FieldError, Unacceptable

Faults = tuple[FieldError, ...]

FINE: Final[Faults] = ()
# Control characters (NUL among them), halves of surrogate pairs, line and paragraph separators.
_NOT_IN_A_LINE: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


def line(pointer: str, value: str, longest: int) -> Faults:
    """Check one line of text: 1 to `longest` characters, not all blank, no control characters.

    >>> line("/name", "Ada's", 200)
    ()
    >>> [fault.code for fault in line("/name", " ", 200) + line("/name", chr(0), 200)]
    ['blank', 'control_character']
    """
    if not value.strip():
        return fault(pointer, "blank", "It must not be blank.")
    if len(value) > longest:
        return fault(pointer, "too_long", f"It has more than {longest} characters.")
    if any(unicodedata.category(character) in _NOT_IN_A_LINE for character in value):
        return fault(pointer, "control_character", "It holds a control character.")
    return FINE


def whole(pointer: str, value: int, least: int, most: int) -> Faults:
    """Check a whole number: `least` to `most`, both included.

    >>> [fault.detail for fault in whole("/capacity", 0, 1, 1000)]
    ['It lies outside 1 to 1000.']
    """
    if least <= value <= most:
        return FINE
    return fault(pointer, "out_of_range", f"It lies outside {least} to {most}.")


def shaped(pointer: str, value: str, shape: re.Pattern[str], detail: str) -> Faults:
    """Check that all of `value` has the shape; `detail` says it in words."""
    if shape.fullmatch(value):
        return FINE
    return fault(pointer, "malformed", detail)


def distinct(pointer: str, values: Sequence[UUID] | Sequence[str], least: int, most: int) -> Faults:
    """Check a list: `least` to `most` members, none twice.

    >>> [fault.pointer for fault in distinct("/roles", ("owner", "owner"), 1, 9)]
    ['/roles/1']
    """
    if not least <= len(values) <= most:
        return fault(
            pointer, "out_of_range", f"It has fewer than {least} or more than {most} members."
        )
    return tuple(
        FieldError(f"{pointer}/{index}", "duplicate", "It is named twice.")
        for index, value in enumerate(values)
        if value in values[:index]
    )


def fault(pointer: str, code: str, detail: str) -> Faults:
    """One fault, as checks give it back."""
    return (FieldError(pointer, code, detail),)


def accept(*found: Iterable[FieldError]) -> None:
    """Go on when no check has found anything.

    Refuses: Unacceptable with every fault found, in the order of the checks.
    """
    faults = tuple(one for faults in found for one in faults)
    if faults:
        raise Unacceptable(errors=faults)
