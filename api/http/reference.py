"""The reference page, written from the OpenAPI description: one page, our own style sheet, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from api.http.examples import Row, Schema, example, rows
from api.http.markup import Html, escaped, inline, page, prose
from api.http.problems import meanings

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Call:
    """One operation of the description."""

    method: str
    path: str
    said: Json
    components: Json

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """The schemas that it refers to."""
        found: Mapping[str, Schema] = self.components["schemas"]
        return found

    @property
    def answers(self) -> list[tuple[str, Json]]:
        """What it answers, by status."""
        return [
            (status, self.components["responses"].get(one.get("$ref", "").rpartition("/")[2], one))
            for status, one in sorted(self.said["responses"].items())
        ]

    @property
    def anchor(self) -> str:
        """Its id on the page."""
        return str(self.said["operationId"])


def reference(description: Json) -> Html:
    """The page."""
    calls = list(_calls(description))
    tags = [tag for tag in description["tags"] if any(_has(call, tag) for call in calls)]
    version = escaped(description["info"]["version"])
    body = (
        '<a class="skip" href="#content">Skip to the content</a>'
        '<div class="layout"><header class="side">'
        f'<a class="brand" href="/">Daybook</a><p class="quiet">API {version}</p>'
        '<label class="filter" for="filter">Filter<input id="filter" type="search"'
        ' placeholder="booking, 409, slots" autocomplete="off"></label>'
        f'<nav aria-label="Calls">{"".join(_menu(tag, calls) for tag in tags)}'
        '<h2><a href="#problems">Problems</a></h2></nav></header>'
        f'<main id="content"><h1>{escaped(description["info"]["title"])} API</h1>'
        f'<div class="intro">{prose(description["info"]["description"])}</div>'
        f"{''.join(_part(tag, calls) for tag in tags)}{_problems()}{_security()}</main></div>"
    )
    return page("Daybook API reference", Html(body), script=True)


def _calls(description: Json) -> Iterator[_Call]:
    for path, methods in description["paths"].items():
        for method, said in methods.items():
            yield _Call(method.upper(), path, said, description["components"])


def _has(call: _Call, tag: Json) -> bool:
    return tag["name"] in call.said["tags"]


def _menu(tag: Json, calls: Iterable[_Call]) -> str:
    entries = "".join(
        f'<li data-call="{call.anchor}"><a href="#{call.anchor}">{_verb(call)}'
        f"<span>{escaped(call.said['summary'])}</span></a></li>"
        for call in calls
        if _has(call, tag)
    )
    return f"<h2>{escaped(tag['name'])}</h2><ul>{entries}</ul>"


def _part(tag: Json, calls: Iterable[_Call]) -> str:
    shown = "".join(_operation(call) for call in calls if _has(call, tag))
    return (
        f'<section class="part"><h2>{escaped(tag["name"])}</h2>'
        f"<p>{inline(tag['description'])}</p>{shown}</section>"
    )


def _operation(call: _Call) -> str:
    said = call.said
    about = f"{call.method} {call.path} {said['summary']} {' '.join(said['responses'])}"
    return (
        f'<article id="{call.anchor}" data-about="{escaped(about.lower())}">'
        f'<h3><a class="anchor" href="#{call.anchor}">{escaped(said["summary"])}</a></h3>'
        f'<p class="line">{_verb(call)} <code>{escaped(call.path)}</code></p>'
        f"{prose(said.get('description', ''))}"
        f"{_parameters(call)}{_body(call)}{_example(call)}{_answers(call)}</article>"
    )


def _verb(call: _Call) -> str:
    return f'<b class="verb {call.method.lower()}">{call.method}</b>'


def _parameters(call: _Call) -> str:
    found = [
        Row(
            f"{one['name']} ({one['in']})",
            next(iter(rows({"properties": {"it": one["schema"]}}, call.schemas))).kind,
            one.get("required", False),
            one.get("description", ""),
        )
        for one in call.said.get("parameters", ())
    ]
    return _table("Parameters", found)


def _body(call: _Call) -> str:
    content = call.said.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return "" if schema is None else _table("Body", rows(schema, call.schemas))


def _table(caption: str, found: Iterable[Row]) -> str:
    lines = "".join(
        f'<tr><th scope="row"><code>{escaped(row.name)}</code>'
        f"{'<em>required</em>' if row.required else ''}</th>"
        f"<td>{escaped(row.kind)}</td><td>{inline(row.says)}</td></tr>"
        for row in found
    )
    if not lines:
        return ""
    return (
        f'<div class="scroll"><table><caption>{caption}</caption><thead><tr>'
        '<th scope="col">Field</th><th scope="col">Kind</th><th scope="col">Says</th>'
        f"</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _example(call: _Call) -> str:
    lines = [f'curl -X {call.method} "$URL{call.path}"']
    if call.said.get("security") != []:
        lines.append('  -H "Authorization: Bearer $KEY"')
    content = call.said.get("requestBody", {}).get("content", {})
    for kind, media in content.items():
        lines.append(f'  -H "Content-Type: {kind}"')
        if kind == "application/json":
            value = orjson.dumps(example(media["schema"], call.schemas), option=orjson.OPT_INDENT_2)
            lines.append(f"  --data '{value.decode()}'")
        else:
            lines.append("  --data-binary @calendar.ics")
    text = escaped(" \\\n".join(lines))
    return (
        '<figure class="call"><figcaption>Call</figcaption>'
        f'<button type="button" class="copy" hidden>Copy</button><pre tabindex="0"><code>{text}</code></pre>'
        "</figure>"
    )


def _answers(call: _Call) -> str:
    shown = "".join(_answer(call, status, answer) for status, answer in call.answers)
    return f'<div class="answers"><h4>Answers</h4>{shown}</div>'


def _answer(call: _Call, status: str, answer: Json) -> str:
    kind = "good" if status.startswith("2") else "bad"
    headers = "".join(f"<code>{escaped(name)}</code> " for name in answer.get("headers", ()))
    inner = f"<p>Headers: {headers}</p>" if headers else ""
    schema = answer.get("content", {}).get("application/json", {}).get("schema")
    if schema and kind == "good":
        inner += _table("Fields", rows(schema, call.schemas))
    words = inline(answer["description"])
    label = f'<span class="status {kind}">{escaped(status)}</span> <span>{words}</span>'
    if not inner:
        return f'<p class="answer">{label}</p>'
    return f"<details><summary>{label}</summary>{inner}</details>"


def _problems() -> str:
    lines = "".join(
        f'<tr><th scope="row"><a href="/problems/{code}"><code>{code}</code></a></th>'
        f"<td>{meaning.status}</td><td>{escaped(meaning.title)}</td></tr>"
        for code, meaning in meanings().items()
    )
    return (
        '<section class="part" id="problems"><h2>Problems</h2>'
        "<p>Every refusal is <code>application/problem+json</code>; its <code>code</code> is stable.</p>"
        '<div class="scroll"><table><thead><tr><th scope="col">Code</th>'
        '<th scope="col">Status</th><th scope="col">Means</th></tr></thead>'
        f"<tbody>{lines}</tbody></table></div></section>"
    )


def _security() -> str:
    return (
        '<section class="part" id="security"><h2>Report a vulnerability</h2>'
        "<p>Tell whoever operates this instance, and give the <code>instance</code> of an answer where you have one. "
        "Do not send personal data.</p></section>"
    )
