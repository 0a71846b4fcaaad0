"""What is refused before anyone looks at what was sent: sizes, counts, depths and kinds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson
from starlette.types import Receive, Scope

from api.http.problems import UnsupportedMediaType
from api.http.settings import ApiSettings
from domain.errors import Malformed, TooLarge

JSON: Final = "application/json"
CALENDAR: Final = "text/calendar"


class Disconnected(Exception):
    """The client left before its body was complete."""


def check_envelope(scope: Scope, settings: ApiSettings) -> None:
    """Bound the address and the headers of a request.

    Refuses: Malformed (address too long, too many headers, headers too large).
    """
    if len(scope["raw_path"]) + len(scope["query_string"]) > settings.url_bytes_max:
        raise Malformed(f"The address is longer than {settings.url_bytes_max} bytes.")
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    count = size = 0
    for name, value in headers:
        count += 1
        size += len(name) + len(value)
    if count > settings.headers_max:
        raise Malformed(f"There are more than {settings.headers_max} headers.")
    if size > settings.header_bytes_max:
        raise Malformed(f"The headers are larger than {settings.header_bytes_max} bytes.")


def check_kind(headers: dict[bytes, bytes], media_type: str) -> None:
    """Accept a body of `media_type` in UTF-8, not compressed.

    Refuses: UnsupportedMediaType.
    """
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        raise UnsupportedMediaType("Send the body without a Content-Encoding.")
    given = headers.get(b"content-type", b"").decode("latin-1").lower()
    kind, _, parameters = given.partition(";")
    if kind.strip() != media_type:
        raise UnsupportedMediaType(f"Send the body as {media_type}.")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("Send the body in UTF-8.")


async def read_body(headers: dict[bytes, bytes], receive: Receive, bytes_max: int) -> bytes:
    """The whole body, given up as soon as it is known to be too large.

    Refuses: TooLarge, Malformed (a Content-Length that is no number).
    """
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit():
        raise Malformed("Content-Length is not a number.")
    if int(declared) > bytes_max:
        raise TooLarge(f"The body is larger than {bytes_max} bytes.", bytes_max=bytes_max)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        if part:
            size += len(part)
            if size > bytes_max:
                raise TooLarge(f"The body is larger than {bytes_max} bytes.", bytes_max=bytes_max)
            parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def read_json(body: bytes, depth_max: int) -> object:
    """The document, read strictly (RFC 8259): UTF-8, no NaN, no lone surrogates.

    Refuses: Malformed (not JSON, or nested deeper than `depth_max`).

    >>> read_json(b'{"a": [1, 2]}', 2)
    {'a': [1, 2]}
    """
    try:
        document: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("The body is not JSON.") from None
    if body.count(b"{") + body.count(b"[") > depth_max:
        _check_depth(document, depth_max)
    return document


def _check_depth(document: object, left: int) -> None:
    inner: Iterable[object] = ()
    if isinstance(document, dict):
        inner = document.values()
    elif isinstance(document, list):
        inner = document
    else:
        return
    if left == 0:
        raise Malformed("The body is nested too deeply.")
    for value in inner:
        _check_depth(value, left - 1)
