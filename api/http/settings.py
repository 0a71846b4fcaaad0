"""What an operator may set about the HTTP layer. Parsed elsewhere, once; a plain value here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Limits, rates and names of one API process. Sizes in bytes; rates are per key and process.

    `threads` carry the use cases (match it with the database pool); `waiting_threads` carry reads that wait for a
    position, so that they never keep a booking waiting (they hold no connection meanwhile); `long_threads` make copies
    and hand them out.
    """

    version: str = "0.1.0"
    body_bytes_max: int = 64 * 1024
    large_body_bytes_max: int = 512 * 1024
    calendar_bytes_max: int = 5 * 1024 * 1024
    url_bytes_max: int = 8 * 1024
    header_bytes_max: int = 16 * 1024
    headers_max: int = 64
    json_depth_max: int = 16
    rate_per_second: int = 1_000
    rate_burst: int = 2_000
    threads: int = 8
    waiting_threads: int = 256
    long_threads: int = 4
    metrics_public: bool = False
    publish_ledger: bool = False
    security_contact: str | None = None
