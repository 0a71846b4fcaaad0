"""Small pieces of HTML. Every text goes through `escaped`; what is passed as `Html` has been."""

from __future__ import annotations

import re
from html import escape
from typing import Final, NewType

Html = NewType("Html", str)

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_CODE: Final = re.compile(r"`([^`]+)`")
_BOLD: Final = re.compile(r"\*\*([^*]+)\*\*")


def escaped(text: object) -> Html:
    """`text` as it is to be read, quotes included.

    >>> escaped('<a href="x">')
    '&lt;a href=&quot;x&quot;&gt;'
    """
    return Html(escape(str(text), quote=True))


def prose(text: str) -> Html:
    """Paragraphs of text with `code` and **bold** in it.

    >>> prose("Send `a`.")
    '<p>Send <code>a</code>.</p>'
    """
    paragraphs = [part for part in re.split(r"\n\s*\n", text.strip()) if part]
    return Html("".join(f"<p>{inline(' '.join(part.split()))}</p>" for part in paragraphs))


def inline(text: str) -> Html:
    """One line of text with `code` and **bold** in it."""
    marked = _CODE.sub(r"<code>\1</code>", escaped(text))
    return Html(_BOLD.sub(r"<strong>\1</strong>", marked))


def page(title: str, body: Html, *, script: bool = False) -> Html:
    """A whole page around `body`."""
    tag = '<script src="/static/docs.js" defer></script>' if script else ""
    return Html(
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escaped(title)}</title>"
        '<link rel="icon" href="/static/mark.svg" type="image/svg+xml">'
        f'<link rel="stylesheet" href="/static/docs.css">{tag}</head><body>{body}</body></html>'
    )
