"""`daybook replica`: a second server, for reading."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.data_folders import settings
from infrastructure.settings import DEFAULT_DATA


def replica(
    data: Annotated[
        Path, typer.Option("--data", help="The data folder.", metavar="DIR")
    ] = DEFAULT_DATA,
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Where the copy is; by default DIR/replica.", metavar="FOLDER"),
    ] = None,
    port: Annotated[int, typer.Option(help="Its port; 0 keeps the last one, or a free one.")] = 0,
    drop: Annotated[
        bool, typer.Option("--drop", help="Only remove it, and what the primary keeps for it.")
    ] = False,
    part: Annotated[bool, typer.Option("--part", hidden=True)] = False,
) -> None:
    """Run a replica of the database, made at the first start, from which lists are read; Ctrl-C stops it.

    It says where it listens: give that to `up` or `serve` as DAYBOOK_READ_URL. `up --replica` does both by itself.
    """
    from api.process.replicating import run_drop, run_replica

    if drop:
        raise SystemExit(run_drop(settings(data), to))
    raise SystemExit(run_replica(settings(data), to, port=port, is_part=part))
