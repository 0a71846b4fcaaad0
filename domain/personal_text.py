"""What text about a person may look like before it is sealed.

Bounds are in characters. Control characters and lone surrogates are refused; a note may have lines and tabs.
Messages name the field and the bound, never the value.

*Not here*: what the text means (`subject`, `booking`).
"""

from __future__ import annotations

import re
from typing import Final

from domain.errors import FieldError
from domain.values import Personal

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROLS_IN_LINES: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
)


def flaws(
    value: Personal | None, pointer: str, longest: int, *, lines: bool = False
) -> tuple[FieldError, ...]:
    """Say what is wrong with `value`; empty when nothing is, or when there is no value.

    >>> flaws(Personal("Ada"), "/customer/name", 200)
    ()
    >>> flaws(Personal(" "), "/customer/name", 200)[0].code
    'blank'
    """
    if value is None:
        return ()
    text = value.open()
    if not text.strip():
        return (FieldError(pointer, "blank", "It must not be blank."),)
    if len(text) > longest:
        return (FieldError(pointer, "too_long", f"It has more than {longest} characters."),)
    if (_CONTROLS_IN_LINES if lines else _CONTROLS).search(text):
        return (FieldError(pointer, "control_character", "It holds a control character."),)
    return ()
