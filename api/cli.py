"""The command line. `daybook --help` lists the verbs; the contract is in the README and `docs/`.

This module stays light: `up` runs for weeks in the process that imports it, so every verb imports what it needs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from api.cli_ledger import ledger
from api.cli_models import carry_out, models, rebuild
from api.cli_replay import replay
from api.cli_replica import replica
from api.cli_witness import witness
from api.data_folders import checked, event_types, located, settings
from infrastructure.server.start_faults import StartFault
from infrastructure.settings import DEFAULT_DATA, SettingRefused, Settings

app = typer.Typer(
    help="Daybook: bookings that are never sold twice, and a record that proves it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
tenants = typer.Typer(help="Found tenants: businesses, or franchise brands.", no_args_is_help=True)
keys = typer.Typer(help="Issue API keys.", no_args_is_help=True)
app.add_typer(tenants, name="tenant")
app.add_typer(keys, name="key")
app.add_typer(ledger, name="ledger")
app.add_typer(witness, name="witness")
app.command("rebuild")(rebuild)
app.command("carry-out", hidden=True)(carry_out)
app.command("replica")(replica)
app.command("replay")(replay)
app.add_typer(models, name="models")

Data = Annotated[Path, typer.Option("--data", help="The data folder.", metavar="DIR")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]

DEMO_CONNECTIONS = 6


class PartName(StrEnum):
    """The parts behind the API."""

    SEQUENCER = "sequencer"
    SIGNER = "signer"
    PUBLISHER = "publisher"
    CARTOGRAPHER = "cartographer"
    WORKER = "worker"
    COSIGNER = "cosigner"


def main() -> None:
    """Run the command line; a fault of starting is one line and its exit code."""
    try:
        app()
    except StartFault as fault:
        fail(str(fault), fault.exit_code)


def fail(line: str, code: int = 2) -> NoReturn:
    """Say one line on standard error and end."""
    print(f"daybook: {line}", file=sys.stderr, flush=True)
    raise SystemExit(code)


@app.command()
def up(
    data: Data = DEFAULT_DATA,
    port: Annotated[int, typer.Option(help="The API's port; 0 takes a free one.")] = 8080,
    demo: Annotated[bool, typer.Option("--demo", help="Load the demo franchise, once.")] = False,
    with_replica: Annotated[
        bool, typer.Option("--replica", help="Run a second server, and read lists from it.")
    ] = False,
    ready_json: Annotated[
        bool, typer.Option("--ready-json", help="When ready, print one line of JSON.")
    ] = False,
) -> None:
    """Bring everything up: PostgreSQL, migrations, API, sequencer, followers. Ctrl-C stops it."""
    from api.process.up import run_up

    found = Settings.read(data)
    if with_replica and found.read_url:
        raise SettingRefused("DAYBOOK_READ_URL names a replica, and --replica runs another")
    raise SystemExit(
        run_up(found, port=port, demo=demo, ready_json=ready_json, with_replica=with_replica)
    )


@app.command()
def migrate(data: Data = DEFAULT_DATA) -> None:
    """Bring databases, roles and key tree up to date (a part of `up`)."""
    applied = located(data).prepare(event_types())
    for name in applied:
        print(f"applied {name}")
    print("up to date")


@app.command()
def serve(
    data: Data = DEFAULT_DATA,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8080,
    fd: Annotated[int | None, typer.Option(help="An inherited socket to listen on.")] = None,
) -> None:
    """Serve the API from this process (a part of `up`)."""
    from api.process.serving import serve_api

    serve_api(checked(data), host=host, port=port, fd=fd)


@app.command()
def work(
    data: Data = DEFAULT_DATA,
    part: Annotated[PartName | None, typer.Option(help="Which one; by default the worker.")] = None,
) -> None:
    """Run one of the parts behind the API in this process (a part of `up`)."""
    if part is PartName.SIGNER:
        from api.process.signing import sign

        raise SystemExit(sign(settings(data)))
    if part is PartName.SEQUENCER:
        from api.process.sequencing import sequence as run
    elif part is PartName.PUBLISHER:
        from api.process.publishing import publish as run
    elif part is PartName.CARTOGRAPHER:
        from api.process.mapping import map_subjects as run
    elif part is PartName.COSIGNER:
        from api.process.cosigning import cosign as run
    else:
        from api.process.workers import work as run
    raise SystemExit(run(checked(data)))


@app.command(hidden=True)
def guard(data: Data = DEFAULT_DATA) -> None:
    """Refuse a database that is not what others know of it; bring back what it lacks (a part of `up`)."""
    from api.process.recovering import guard as hold
    from infrastructure.ledger.witnesses.witness_guard import compare_with_witnesses

    deployment = checked(data)
    hold(deployment)
    for warning in compare_with_witnesses(deployment):
        print(f"daybook: {warning}", file=sys.stderr)


@app.command()
def recover(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Bring back from the mirror what a restored database lacks (`up` does it by itself)."""
    from api.process.recovering import run_recover

    run_recover(checked(data), as_json=as_json)


@app.command("backup-keys")
def backup_keys(
    out: Annotated[
        Path | None,
        typer.Option(help="The file; by default one in the folder of key backups.", metavar="FILE"),
    ] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Back up the key database alone, and open the copy; it dies with its epoch, at the next erasure that completes."""
    from api.backing_up_keys import run_backup_keys

    done = run_backup_keys(checked(data), out)
    print(json.dumps(done) if as_json else f"wrote {done['backup']}, of epoch {done['epoch']}")


@app.command("restore-keys")
def restore_keys(
    backup: Annotated[Path, typer.Argument(help="A key backup.", metavar="FILE")],
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Put a key backup in the place of a key database that was lost, or is of a dead epoch; while nothing runs."""
    from api.restoring_keys import NEXT, run_restore_keys

    done = run_restore_keys(settings(data), backup)
    print(
        json.dumps(done)
        if as_json
        else f"restored {done['backup']}, of epoch {done['epoch']}\n{NEXT}"
    )


@app.command()
def fsck(
    data: Data = DEFAULT_DATA,
    tenant: Annotated[
        str | None, typer.Option(help="One tenant (ten_...); by default all of them.")
    ] = None,
    last_scrub: Annotated[
        bool, typer.Option("--last-scrub", help="Only tell what the scrub found, and when.")
    ] = False,
    read_models: Annotated[
        bool, typer.Option("--read-models", help="Only replay the read models, and compare.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Derive everything again from the stored bytes, and compare; beside a running `up`, too."""
    if read_models:
        from api.process.proving import run_prove

        raise SystemExit(run_prove(checked(data), (), as_json=as_json))
    from api.process.checking import run_fsck
    from api.process.scrub_report import run_last_scrub

    if last_scrub:
        raise SystemExit(run_last_scrub(checked(data), as_json=as_json))
    raise SystemExit(run_fsck(checked(data), tenant, as_json=as_json))


@app.command(hidden=True)
def demo(data: Data = DEFAULT_DATA) -> None:
    """Load the demo franchise, once (a part of `up --demo`)."""
    from api.administration import keep_log_vkey
    from api.composition import production
    from api.demo.load import load

    deployment = checked(data)
    platform, engine = production(deployment, connections=DEMO_CONNECTIONS)
    try:
        loaded = load(platform, deployment.settings.keys)
        keep_log_vkey(platform, deployment.settings, loaded.tenant)
    finally:
        engine.close()


@app.command()
def tour(
    data: Data = DEFAULT_DATA,
    yes: Annotated[bool, typer.Option("--yes", help="Do not wait between the steps.")] = False,
    as_json: AsJson = False,
) -> None:
    """Walk through the main job against the demo that runs in the data folder."""
    from api.tour.walking import take_tour

    raise SystemExit(take_tour(settings(data).data, pausing=not yes, as_json=as_json))


@app.command()
def dsn(
    data: Data = DEFAULT_DATA,
    of_keys: Annotated[bool, typer.Option("--keys", help="Of the key database.")] = False,
) -> None:
    """Print the owner's connection string, for engineers and drills."""
    deployment = located(data)
    print(deployment.keys if of_keys else deployment.main)


@tenants.command("create")
def create_tenant(
    name: Annotated[str, typer.Option(help="What the business is called.")],
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Found a tenant and print its first keys, once."""
    from api.administration import found_tenant

    founded = _refusing(lambda: found_tenant(checked(data), name))
    if as_json:
        print(json.dumps(founded))
        return
    print(f"tenant {founded['tenant']}\nlog    {founded['log_vkey']}\n\nKeys, shown this once:")
    for role, key in founded["keys"].items():
        print(f"  {role:<16} {key}")


@keys.command("create")
def create_key(
    tenant: Annotated[str, typer.Option(help="The tenant's id (ten_...).")],
    role: Annotated[list[str], typer.Option(help="A role; may be given several times.")],
    actor: Annotated[
        str, typer.Option(help="Whose key it is: an id of your own, not a name.")
    ] = "command-line",
    location: Annotated[
        list[str] | None, typer.Option(help="A location (loc_...); none: all of them.")
    ] = None,
    operates: Annotated[
        bool,
        typer.Option(
            "--operates", help="An engineer's: it operates read models, which are all tenants'."
        ),
    ] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Issue a key and print it, once."""
    from api.administration import issue_key

    issued = _refusing(
        lambda: issue_key(
            checked(data), tenant, tuple(role), actor, tuple(location or ()), operates=operates
        )
    )
    print(json.dumps(issued) if as_json else issued["key"])


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", help="The zip to write.", metavar="FILE")],
    tenant: Annotated[
        str | None, typer.Option(help="Whose ledger (ten_...); not needed where there is one.")
    ] = None,
    first: Annotated[int, typer.Option("--from", min=0, help="The first position wanted.")] = 0,
    past: Annotated[
        int | None, typer.Option("--to", min=0, help="The position after the last wanted.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Write a tenant's ledger to a file that anyone can verify with the log's key alone."""
    from api.exporting import Asked, run_export

    raise SystemExit(run_export(checked(data), Asked(out, tenant, first, past, force, as_json)))


@app.command("erase-drill")
def erase_drill(
    subjects: Annotated[int, typer.Option(min=1, max=100_000, help="Other people.")] = 20,
    bookings: Annotated[int, typer.Option(min=1, max=50_000, help="Bookings of theirs.")] = 60,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the folder of the drill.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prove that an erasure holds, old backups included, on a deployment of the drill's own."""
    from api.drill.drilling import Size, run_drill

    raise SystemExit(run_drill(Size(subjects, bookings), as_json=as_json, keep=keep))


@app.command()
def openapi() -> None:
    """Print the API's OpenAPI 3.1 document."""
    from api.openapi import current

    print(current().decode(), end="")


@app.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
def verify(arguments: Annotated[list[str], typer.Argument(metavar="BUNDLE ...")]) -> None:
    """Verify an export, evidence or a receipt: BUNDLE (--vkey KEY or --policy FILE). Offline."""
    from verifier.command import main as verify_offline

    raise SystemExit(verify_offline(arguments))


def _refusing(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `act` gives; a refusal is one line, exit code 2."""
    from domain.errors import DomainError

    try:
        return act()
    except DomainError as refusal:
        details = "; ".join(f"{error.pointer}: {error.detail}" for error in refusal.errors)
        fail(details or refusal.detail)


if __name__ == "__main__":
    main()
