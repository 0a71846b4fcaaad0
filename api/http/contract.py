"""What an operation takes, answers and refuses, said once beside its handler; routing and description read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from api.http.fields import PathId
from api.http.settings import ApiSettings
from application.recorded import Answer
from domain.errors import DomainError

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Handler = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Takes:
    """What a handler takes beside the call: ids in the path by name and kind, a query, a body."""

    ids: tuple[tuple[str, str], ...] = ()
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    body_optional: bool = False
    calendar: bool = False

    @property
    def needs_body(self) -> bool:
        """True when a request without a body lacks something."""
        return self.calendar or (self.body is not None and not self.body_optional)

    @classmethod
    def of(cls, handler: Handler) -> Takes:
        """Read it off the handler's signature: `call`, ids of the path, `query`, and `body` or `calendar`."""
        takes = cls()
        for name, hint in get_type_hints(handler, include_extras=True).items():
            if name in ("call", "return"):
                continue
            if name == "query":
                takes = replace(takes, query=hint)
            elif name == "calendar":
                takes = replace(takes, calendar=True)
            elif name == "body":
                models = [one for one in get_args(hint) or (hint,) if one is not type(None)]
                takes = replace(takes, body=models[0], body_optional=bool(get_args(hint)))
            else:
                assert get_origin(hint) is Annotated, f"{handler.__name__} takes no {name}"
                (mark,) = (one for one in get_args(hint) if isinstance(one, PathId))
                takes = replace(takes, ids=(*takes.ids, (name, mark.kind)))
        return takes


@dataclass(frozen=True, slots=True)
class Spec:
    """One operation. `answers` is the model of its JSON, or the media type of something else.

    `refuses` are its own refusals; those that all operations share are added where it is described. `changes` says
    that it takes If-Match, `opens` that it may open personal data and takes a purpose, `large` that its body holds many
    entries and has a bound of its own, `pending` that it answers 202 while there is nothing to show yet, `long` that it
    takes so long that it never runs where bookings do, `published` that it needs no key where ledgers are published
    (its path names the tenant), `waits` that it waits for its read model by itself, `looks_back` that it is `long` when
    it is asked of an earlier instant. `also` are media types that its answer may have beside JSON.
    """

    method: Method
    path: str
    handler: Handler
    tag: str
    takes: Takes
    answers: type[BaseModel] | str
    refuses: tuple[type[DomainError], ...]
    status: int
    headers: tuple[str, ...]
    changes: bool
    opens: bool
    large: bool
    pending: bool
    long: bool
    published: bool
    also: tuple[str, ...]
    waits: bool
    looks_back: bool

    @property
    def route(self) -> str:
        """The path as the router takes it: one parameter may hold slashes."""
        return self.path.replace("{path}", "{path:path}")

    def bytes_max(self, settings: ApiSettings) -> int:
        """How long its body may be."""
        if self.takes.calendar:
            return settings.calendar_bytes_max
        return settings.large_body_bytes_max if self.large else settings.body_bytes_max


@dataclass(slots=True)
class Routes:
    """The operations of one part of the contract, in the order in which they are described."""

    tag: str
    specs: list[Spec] = field(default_factory=list)

    def add(
        self,
        method: Method,
        path: str,
        answers: type[BaseModel] | str,
        *refuses: type[DomainError],
        status: int = 200,
        headers: tuple[str, ...] = (),
        changes: bool = False,
        opens: bool = False,
        large: bool = False,
        pending: bool = False,
        long: bool = False,
        published: bool = False,
        also: tuple[str, ...] = (),
        waits: bool = False,
        looks_back: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Register a handler for `method` at `path`; `headers` are those of its success."""

        def register(handler: Handler) -> Handler:
            takes = Takes.of(handler)
            self.specs.append(
                Spec(
                    method,
                    path,
                    handler,
                    self.tag,
                    takes,
                    answers,
                    refuses,
                    status,
                    headers,
                    changes,
                    opens,
                    large,
                    pending,
                    long,
                    published,
                    also,
                    waits,
                    looks_back,
                )
            )
            return handler

        return register
