"""The one way to write JSON that is hashed: keys sorted, no white space, UTF-8, no floats.

For ASCII keys, strings, booleans and integers below 2^53 this is RFC 8785. What is stored is what is hashed; a
reader hashes the stored bytes and never writes them again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import orjson


def canonical(value: object) -> bytes:
    """Canonical JSON of plain values (dict with text keys, list, tuple, str, int, bool, None).

    >>> canonical({"b": 1, "a": ["é", None]})
    b'{"a":["\\xc3\\xa9",null],"b":1}'
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER)


def parsed(text: bytes | str) -> Any:
    """What canonical JSON says."""
    return orjson.loads(text)


def sha256(data: bytes) -> bytes:
    """SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104)."""
    return hmac.digest(key, data, "sha256")


def b64(data: bytes) -> str:
    """Base64 with padding (RFC 4648, section 4)."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes behind `b64`. Raises ValueError."""
    return base64.b64decode(text, validate=True)
