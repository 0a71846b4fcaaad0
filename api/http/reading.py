"""From the bytes of a request to the arguments of a handler: path ids, query, body. Faults are told in our words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from api.http.problems import UnknownField
from domain.errors import (
    FieldError,
    Malformed,
    Unacceptable,
    UnknownReference,
)

M = TypeVar("M", bound=BaseModel)

ERRORS_MAX: Final = 20
QUERY_FIELDS_MAX: Final = 32
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_OURS: Final = frozenset(
    {
        "wrong_type",
        "unknown_reference",
        "not_an_instant",
        "out_of_range",
    }
)
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("missing", "This field is required."),
    "extra_forbidden": ("unknown_field", "There is no such field."),
    "string_type": ("wrong_type", "This is a text."),
    "int_type": ("wrong_type", "This is a whole number."),
    "bool_type": ("wrong_type", "This is true or false."),
    "list_type": ("wrong_type", "This is an array."),
    "dict_type": ("wrong_type", "This is an object."),
    "model_type": ("wrong_type", "This is an object."),
    "string_too_short": ("too_short", "This text is too short."),
    "string_too_long": ("too_long", "This text is too long."),
    "too_short": ("too_few", "This array has too few members."),
    "too_long": ("too_many", "This has too many members."),
    "literal_error": ("unknown_code", "This is none of the codes that are known here."),
    "string_pattern_mismatch": ("malformed", "This text does not have the form it should have."),
    "greater_than_equal": ("out_of_range", "This number is too small."),
    "less_than_equal": ("out_of_range", "This number is too large."),
}


def read_query(text: bytes) -> dict[str, str]:
    """The fields of a query string, each at most once.

    Refuses: Malformed (not UTF-8, too many fields), Unacceptable (a field twice).
    """
    if not text:
        return {}
    try:
        pairs = parse_qsl(
            text.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=QUERY_FIELDS_MAX,
        )
    except ValueError:
        raise Malformed("The query cannot be read.") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = FieldError("", "duplicate", "A field is given twice.")
        raise Unacceptable("A field of the query is given twice.", errors=(twice,))
    return found


def read_model(model: type[M], document: object) -> M:
    """`document` as `model`.

    Refuses: UnknownReference or UnknownField (when nothing else is wrong), else Unacceptable; all with pointers.
    """
    try:
        return model.model_validate(document)
    except ValidationError as invalid:
        found = invalid.errors(include_url=False, include_context=False, include_input=False)
        raise refusal_of(found) from None


def refusal_of(found: Sequence[ErrorDetails]) -> Unacceptable:
    """What a caller is told of faults that were found: at most 20 of them."""
    errors = tuple(_field_error(detail) for detail in found[:ERRORS_MAX])
    codes = {error.code for error in errors}
    if codes == {UnknownReference.code}:
        return UnknownReference(errors=errors)
    if codes == {UnknownField.code}:
        return UnknownField(errors=errors)
    return Unacceptable(errors=errors)


def _field_error(detail: ErrorDetails) -> FieldError:
    kind = detail["type"]
    if kind in _OURS:
        code, words = kind, detail["msg"]
    else:
        code, words = _WORDS.get(kind, ("invalid", "This value cannot be used."))
    return FieldError(_pointer(detail["loc"]), code, words)


def _pointer(location: tuple[int | str, ...]) -> str:
    """A JSON pointer (RFC 6901) that ends before the first name that could say something of a person."""
    parts: list[str] = []
    for part in location:
        if isinstance(part, str) and not _NAME.fullmatch(part):
            break
        parts.append(f"/{part}")
    return "".join(parts)
