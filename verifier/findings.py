"""What a check can find, and the strict readers that every check uses."""

import json
import struct
from base64 import b64decode, b64encode
from typing import Any, Final

WRONG_SHAPE: Final = (ValueError, TypeError, LookupError, AttributeError)
# What reading something malformed raises; whoever catches it says where.
MALFORMED: Final = (*WRONG_SHAPE, RecursionError, StopIteration, struct.error)


class Finding(Exception):
    """Ends a check; `index` is the first entry of the log that it concerns, where that is known."""

    def __init__(self, reason: str, index: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.index = reason, index


class DoesNotHold(Finding):
    """A check does not hold: exit code 1."""


class Unreadable(Finding):
    """Not something that can be checked: exit code 2."""


def strict_json(text: bytes) -> Any:
    """Read JSON without floats and without a key twice."""
    return json.loads(text.decode(), object_pairs_hook=_once, parse_float=int, parse_constant=int)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def b64(data: bytes) -> str:
    """Write base64."""
    return b64encode(data).decode()


def unb64(text: str, size: int | None = None) -> bytes:
    """Read base64 that is written in the one way, of `size` bytes."""
    data = b64decode(text, validate=True)
    if b64(data) != text or size not in (None, len(data)):
        raise ValueError("not the base64 that it should be")
    return data


def number(text: str) -> int:
    """Read a decimal number below 2**63 without leading zeroes."""
    if len(text) > 19 or str(int(text)) != text or not 0 <= int(text) < 2**63:
        raise ValueError("not a decimal number below 2**63")
    return int(text)
