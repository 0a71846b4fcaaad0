"""Who asks, and for what purpose: from headers to a `Caller`; and how often one key may ask."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from uuid import UUID

from application.recorded import Caller
from application.setup.access_keys import parse_token
from domain.access import DenialReason, known_case
from domain.access_review import GLASS_REASONS, GlassReason
from domain.errors import NotPermitted, PurposeRequired, TooMany, Unidentified
from domain.purposes import PURPOSES

_TOKEN: Final = re.compile(rb"dbk_[A-Za-z0-9_-]{16,200}")
_GLASS: Final[dict[str, GlassReason]] = {reason: reason for reason in GLASS_REASONS}
BUCKETS_MAX: Final = 10_000


def bearer_token(headers: dict[bytes, bytes]) -> str:
    """The API key that came with a request.

    Refuses: Unidentified (none, another scheme, not shaped like a key).
    """
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not _TOKEN.fullmatch(token):
        raise Unidentified("Send an API key: Authorization: Bearer dbk_...")
    return token.decode("ascii")


def tenant_of(token: str) -> UUID:
    """The tenant that an API key says it belongs to; what else it says is checked inside that tenant's wall.

    Refuses: Unidentified (not a key).
    """
    parsed = parse_token(token)
    if parsed is None:
        raise Unidentified()
    return parsed.tenant


def with_purpose(by: Caller, headers: dict[bytes, bytes]) -> Caller:
    """`by` with the purpose, the case and the reason to break the glass that it names.

    Whether they suffice is for the use case to say.
    Refuses: PurposeRequired (a purpose that is not listed, a case that is not an id), NotPermitted (no reason to break
    the glass).
    """
    match misspoken(headers):
        case "case_malformed":
            raise PurposeRequired("Daybook-Case is an id of at most 64 of A-Z a-z 0-9 . _ -")
        case "purpose_unlisted":
            raise PurposeRequired("Daybook-Purpose is one of: " + ", ".join(sorted(PURPOSES)))
        case "break_glass_unlisted":
            raise NotPermitted("Daybook-Break-Glass is one of: " + ", ".join(GLASS_REASONS))
    glass = _GLASS.get(_text(headers, b"daybook-break-glass") or "")
    purpose = _text(headers, b"daybook-purpose")
    if purpose is None:
        return replace(by, break_glass=glass) if glass else by  # a case alone says nothing
    case = _text(headers, b"daybook-case")
    return replace(by, purpose=purpose, case=case, break_glass=glass)


def misspoken(headers: dict[bytes, bytes]) -> DenialReason | None:
    """What is wrong with the words that say why, as a code; None when each is one that is known."""
    case = _text(headers, b"daybook-case")
    if case is not None and known_case(case) is None:
        return "case_malformed"
    purpose = _text(headers, b"daybook-purpose")
    if purpose is not None and purpose not in PURPOSES:
        return "purpose_unlisted"
    glass = _text(headers, b"daybook-break-glass")
    if glass is not None and glass not in _GLASS:
        return "break_glass_unlisted"
    return None


def as_far_as_known(by: Caller, headers: dict[bytes, bytes]) -> Caller:
    """`by` with the purpose and the case that it names, where they are a code and an id; nothing else gets in."""
    purpose = _text(headers, b"daybook-purpose")
    case = known_case(_text(headers, b"daybook-case"))
    return replace(by, purpose=purpose if purpose in PURPOSES else None, case=case)


def with_signals(by: Caller, headers: Sequence[tuple[bytes, bytes]]) -> Caller:
    """`by` with what the person's browser said: `Sec-GPC: 1` in any of its headers, and `DNT`.

    Another value of Sec-GPC says nothing (https://www.w3.org/TR/gpc/, section 3.2).
    """
    control = (b"sec-gpc", b"1") in headers
    tracking = next((value for name, value in headers if name == b"dnt"), None)
    if not control and tracking not in (b"0", b"1"):
        return by
    said: Literal["0", "1"] | None = None
    if tracking in (b"0", b"1"):
        said = "1" if tracking == b"1" else "0"
    return replace(by, global_privacy_control=control, do_not_track=said)


def _text(headers: dict[bytes, bytes], name: bytes) -> str | None:
    found = headers.get(name)
    return None if found is None else found.decode("latin-1")


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True)
class RateLimiter:
    """A token bucket per key, in this process only: `per_second` refills, `burst` holds.

    Source: draft-ietf-httpapi-ratelimit-headers (the fields `RateLimit` and `RateLimit-Policy`).
    """

    per_second: int
    burst: int
    now: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: str) -> tuple[tuple[str, str], ...]:
        """Take one call from the bucket of `key`, and tell what is left as response headers.

        Refuses: TooMany.
        """
        with self._lock:
            at = self.now()
            bucket = self._buckets.get(key)
            if bucket is None:
                self._make_room(at)
                bucket = self._buckets[key] = _Bucket(self.burst, at)
            refilled = bucket.tokens + (at - bucket.at) * self.per_second
            bucket.tokens = min(self.burst, refilled)
            bucket.at = at
            allowed = bucket.tokens >= 1
            if allowed:
                bucket.tokens -= 1
            left = int(bucket.tokens)
        if not allowed:
            raise TooMany(retry_after_seconds=1)
        return self.headers(left)

    def headers(self, left: int) -> tuple[tuple[str, str], ...]:
        """What a caller is told about its quota."""
        window = -(-self.burst // self.per_second)
        return (
            ("ratelimit-policy", f'"key";q={self.burst};w={window}'),
            ("ratelimit", f'"key";r={left};t={window}'),
        )

    def _make_room(self, at: float) -> None:
        if len(self._buckets) < BUCKETS_MAX:
            return
        refill = self.burst / self.per_second
        full = [key for key, bucket in self._buckets.items() if at - bucket.at >= refill]
        for key in full or [next(iter(self._buckets))]:
            del self._buckets[key]
