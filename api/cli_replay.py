"""`daybook replay`: the events of a log one by one."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from api.data_folders import checked
from infrastructure.settings import DEFAULT_DATA

YEAR_MIN: Final = 1970
DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
INSTANT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})"
)


def instant(text: str) -> datetime:
    """An RFC 3339 instant, or a date: its midnight, UTC.

    >>> instant("2027-03-14"), instant("2027-03-14T15:00:00+01:00").astimezone(UTC).hour
    (datetime.datetime(2027, 3, 14, 0, 0, tzinfo=datetime.timezone.utc), 14)
    """
    try:
        whole = f"{text}T00:00:00Z" if DATE.fullmatch(text) else text.upper()
        if INSTANT.fullmatch(whole):
            found = datetime.fromisoformat(whole).astimezone(UTC)
            if found.year >= YEAR_MIN:
                return found
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter(f"{text} is no date and no instant, like 2027-03-14T14:00:00Z")


def replay(
    tenant: Annotated[
        str | None, typer.Option(help="Whose log (ten_...); not needed where there is one.")
    ] = None,
    from_: Annotated[
        datetime | None,
        typer.Option("--from", parser=instant, metavar="INSTANT", help="Recorded then or later."),
    ] = None,
    to: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="INSTANT", help="Recorded before then."),
    ] = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type", help="A type, or its beginning: booking.*; may be given several times."
        ),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="About this person (sub_...): all and only that.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="INSTANT", help="Decided by then (event time)."),
    ] = None,
    known_at: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="INSTANT", help="Recorded by then."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="No more than so many.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Why, a code; it goes on record.")] = None,
    case: Annotated[str | None, typer.Option(help="The case it is for, an id.")] = None,
    data: Annotated[
        Path, typer.Option("--data", help="The data folder.", metavar="DIR")
    ] = DEFAULT_DATA,
    as_json: Annotated[
        bool, typer.Option("--json", help="Lines of JSON on a terminal, too.")
    ] = False,
) -> None:
    """Print the events of a log in order: a table on a terminal, lines of JSON elsewhere. What is sealed stays sealed.

    That it was asked for is on record before the first event is printed, of a person in their log of accesses, too.
    Instants are RFC 3339, or dates: their midnight, UTC.
    """
    from api.process.replaying import Verb, run_replay
    from application.ledger.replaying import ReplayAsked

    asked = ReplayAsked(from_, to, known_at, as_of, tuple(type_ or ()), events_max=limit)
    verb = Verb(tenant, subject, asked, purpose, case, as_json)
    raise SystemExit(run_replay(checked(data), verb))
