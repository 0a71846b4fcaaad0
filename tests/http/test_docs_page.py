"""The pages need nothing from elsewhere, and say what the description says."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from api.http.problems import meanings
from tests.http.business import Server

PAGES = ["/", "/docs", "/problems/slot_unavailable"]
HTML = {"accept": "text/html"}
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """What a page is made of, and whether it is well formed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.inline: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            if name in ("href", "src", "action", "srcset", "poster") and value:
                self.links.append(value)
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("path", PAGES)
def test_a_page_names_no_address_elsewhere(server: Server, path: str):
    answer = server.client.get(path, headers=HTML)
    assert answer.status_code == 200
    page = Page(answer.text)
    for link in page.links:
        assert link.startswith(("/", "#")), link
        assert not link.startswith("//")
    assert not re.search(r"https?://", answer.text)
    assert page.inline == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_load_nothing_from_elsewhere(server: Server, path: str):
    policy = server.client.get(path, headers=HTML).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(server: Server, path: str):
    page = Page(server.client.get(path, headers=HTML).text)
    assert len(page.ids) == len(set(page.ids))
    for link in set(page.links):
        place, _, anchor = link.partition("#")
        ids = page.ids
        if place:
            target = server.client.get(place, headers=HTML)
            assert target.status_code == 200, link
            ids = Page(target.text).ids if anchor else []
        if anchor:
            assert anchor in ids, link


@pytest.mark.parametrize("name", ["docs.css", "docs.js", "mark.svg"])
def test_what_a_page_is_made_with_comes_from_us(server: Server, name: str):
    answer = server.client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["cache-control"]
    text = answer.text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|@import|url\(", text)


@pytest.mark.parametrize("name", ["..%2fapp.py", "app.py", "docs.css%00", "..%2f..%2fREADME.md"])
def test_nothing_else_is_given_away(server: Server, name: str):
    assert server.client.get(f"/static/{name}").status_code == 404


def test_the_reference_shows_every_call_and_every_code(server: Server):
    text = server.client.get("/docs").text
    page = Page(text)
    description = server.client.get("/openapi.json").json()
    for methods in description["paths"].values():
        for operation in methods.values():
            assert operation["operationId"] in page.ids
    for code in meanings():
        assert f'href="/problems/{code}"' in text


def test_the_reference_can_be_read_without_seeing_it(server: Server):
    text = server.client.get("/docs").text
    page = Page(text)
    assert text.startswith('<!doctype html><html lang="en">')
    assert page.tags.count("h1") == 1
    for tag in ("main", "nav", "header", "label", "caption", "title"):
        assert tag in page.tags
    assert '<label class="filter" for="filter">' in text
    assert page.tags.count("th") == text.count("scope=")
    assert 'href="#content"' in text


def test_what_a_page_shows_is_escaped(server: Server):
    text = server.client.get("/docs").text
    assert "<event or position>" not in text
    assert "&lt;event or position&gt;" in text
