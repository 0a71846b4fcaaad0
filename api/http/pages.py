"""The few pages that people see: what this is, what a problem means, and what the pages are made with."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from api.http.markup import POLICY, Html, escaped, page
from api.http.problems import Meaning
from api.http.reference import reference

__all__ = ["POLICY", "asset", "problem", "reference", "start", "start_json"]

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
_PLACES: Final = (
    ("/docs", "docs", "The reference: every call, its fields and its refusals."),
    ("/openapi.json", "openapi", "The same for programs, as OpenAPI 3.1."),
    ("/readyz", "ready", "Whether this instance can answer calls."),
    ("/healthz", "health", "Whether this process runs."),
)
WHAT: Final = "A scheduling platform that can prove what it did with people's data."


@cache
def asset(name: str) -> tuple[bytes, str] | None:
    """The bytes and media type of a file that pages are made with; None for any other name."""
    media_type = _TYPES.get(name)
    return None if media_type is None else ((_FOLDER / name).read_bytes(), media_type)


def start_json(version: str) -> dict[str, object]:
    """What this is and where to go, for programs."""
    places = {name: path for path, name, _ in _PLACES}
    return {"name": "Daybook", "says": WHAT, "version": version, "api": "/v1", **places}


def start(version: str) -> Html:
    """What this is and where to go, for people."""
    rows = "".join(
        f'<li><a href="{path}"><code>{path}</code></a> {escaped(says)}</li>'
        for path, _, says in _PLACES
    )
    body = (
        f'<main class="card"><h1>Daybook</h1><p class="lead">{escaped(WHAT)}</p>'
        "<p>The API is at <code>/v1</code>. Send a key with every call:</p>"
        f"<pre><code>{escaped(FIRST_CALL)}</code></pre>"
        f'<ul class="places">{rows}</ul><p class="quiet">Version {escaped(version)}</p></main>'
    )
    return page("Daybook", Html(body))


FIRST_CALL: Final = 'curl -H "Authorization: Bearer $KEY" "$URL/v1/locations"'


def problem(meaning: Meaning) -> Html:
    """What a code means."""
    body = (
        f'<main class="card"><p class="quiet">Problem, HTTP {meaning.status}</p>'
        f"<h1>{escaped(meaning.title)}</h1><p><code>{escaped(meaning.code)}</code></p>"
        f"<p>{escaped(meaning.says)}</p>"
        '<p><a href="/docs#problems">All problems</a></p></main>'
    )
    return page(f"{meaning.code} · Daybook", Html(body))
