"""One thing that is wrong with one field of what was given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field: `pointer` is a JSON pointer (RFC 6901) into the body."""

    pointer: str
    code: str
    detail: str
