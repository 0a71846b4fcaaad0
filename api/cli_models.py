"""`daybook rebuild` and `daybook models`: read models made anew, and operated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.data_folders import checked
from infrastructure.settings import DEFAULT_DATA

PROCESSES = 2


def rebuild(
    name: Annotated[str, typer.Argument(help="The read model, for example agenda.")],
    data: Annotated[
        Path, typer.Option("--data", help="The data folder.", metavar="DIR")
    ] = DEFAULT_DATA,
    processes: Annotated[
        int, typer.Option(min=1, max=64, help="How many fill it, each a part of the tenants.")
    ] = PROCESSES,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Switch even if the rows are not those that are read.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Only drop what an earlier rebuild replaced.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Only forget a rebuild that was begun.")
    ] = False,
    part: Annotated[str | None, typer.Option(hidden=True)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")] = False,
) -> None:
    """Make a read model anew beside the one that is read, compare the two, and switch; readers are served throughout.

    Ctrl-C pauses it: the same command goes on where it was. Exit codes: 0 switched; 1 not, because the rows differ.
    """
    from api.process.rebuilding import run_abandon, run_drop, run_part, run_rebuild, shard_of

    shard = None if part is None else shard_of(part)
    deployment = checked(data)
    if shard is not None:
        raise SystemExit(run_part(deployment, name, shard))
    if drop:
        raise SystemExit(run_drop(deployment, name))
    if abandon:
        raise SystemExit(run_abandon(deployment, name))
    raise SystemExit(
        run_rebuild(deployment, name, processes=processes, anyway=anyway, as_json=as_json)
    )


models = typer.Typer(
    help="Read models: where they stand; pause, resume, leave a stream out.",
    invoke_without_command=True,
)
Data = Annotated[Path, typer.Option("--data", help="The data folder.", metavar="DIR")]
Name = Annotated[str, typer.Argument(help="The read model, for example agenda.")]


@models.callback()
def list_models(
    context: typer.Context,
    data: Data = DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")] = False,
) -> None:
    """List the read models: where each stands, how far behind it is, and why one does not follow."""
    if context.invoked_subcommand is None:
        from api.process.operating import run_list

        raise SystemExit(run_list(checked(data), as_json=as_json))


Reason = Annotated[str | None, typer.Option(help="Why; on record for ever: nothing personal.")]
By = Annotated[str | None, typer.Option(help="Who; by default your account here.")]


@models.command()
def pause(name: Name, by: By = None, reason: Reason = None, data: Data = DEFAULT_DATA) -> None:
    """Have a read model follow no more, for all tenants, until it is resumed."""
    from api.process.operating import run_pause

    raise SystemExit(run_pause(checked(data), name, by, reason))


@models.command()
def resume(name: Name, by: By = None, reason: Reason = None, data: Data = DEFAULT_DATA) -> None:
    """Have a read model go on: after a pause, or with mended code, which you say makes the same rows as before."""
    from api.process.operating import run_resume

    raise SystemExit(run_resume(checked(data), name, by, reason))


@models.command()
def quarantine(
    name: Name,
    stream: Annotated[str, typer.Option(help="The stream's id (bkg_... or a UUID).")],
    reason: Annotated[str, typer.Option(help="Why; on record for ever: nothing personal.")],
    by: By = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Have a read model leave one stream out from now on, on record; a rebuild takes it in again."""
    from api.process.operating import run_quarantine

    raise SystemExit(run_quarantine(checked(data), name, stream, reason, by))


@models.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, at most.")] = 50,
    data: Data = DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")] = False,
) -> None:
    """List what was done to read models, the newest first: what, by whom, when and why."""
    from api.process.operating import run_history

    raise SystemExit(run_history(checked(data), limit, as_json=as_json))


def carry_out(job: Annotated[str, typer.Argument()], data: Data = DEFAULT_DATA) -> None:
    """Carry a read model's job out (a part of the worker)."""
    from uuid import UUID

    from api.process.rebuild_jobs import run_job

    raise SystemExit(run_job(checked(data), UUID(job)))
