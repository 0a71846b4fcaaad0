"""GDPRbench's four roles, Daybook beside plain tables: `python -m benchmarks.gdprbench [--records N] [--role R]`.

`daybook up` as anyone runs it keeps ledger and read models up; the use cases run in this process, on its server, with
as many threads as there are clients. The plain tables are a database of their own on the same server. Each side is
loaded, checked by one client (every answer, and every write read back), and then timed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo

from api.composition import production
from benchmarks.gdprbench.daybook_side import DaybookSide
from benchmarks.gdprbench.measuring import (
    Measured,
    Scale,
    draw,
    measure,
    personal_bytes,
)
from benchmarks.gdprbench.operations import LEFT_OUT, LISTED_PEOPLE, ROLES, Role
from benchmarks.gdprbench.plain_side import PlainSide
from benchmarks.gdprbench.sides import LOADING_CLIENTS
from benchmarks.running import DURABLE, running
from benchmarks.table import median, show
from infrastructure.deployment import Deployment, pin_zones
from infrastructure.settings import Settings

PLAIN_DATABASE = "gdprbench_plain"
OPERATIONS_MAX = 15_000  # a purpose's basis is switched 500 times at most
SPARE_CONNECTIONS = 2
DIFFERS = f"""
What differs from the paper (Shastri et al., PVLDB 13(7), 2020); none of these figures is comparable with its own:
- A record is one person: KEY is their id, USR their e-mail address. Its purposes are of
  Daybook's closed list; TTL, ACL, SRC and CAT are columns of the plain record, which no operation changes.
- create-record makes the person known by a first booking, and records a consent.
- read-data-by-PUR, OBJ and DEC ask of {LISTED_PEOPLE} listed people which of them may be seen, and open those:
  Daybook keeps no list of people by purpose, and the plain tables are asked the same.
- update-metadata-by-PUR and SHR change what rests on a purpose or a recipient as a whole, once, on both sides.
- read-metadata-by-USR is the list of whom the data was shared with; by KEY it is what the person said to purposes;
  by SHR, which is in no mix of the paper and is checked alone, how many people a recipient was given, page by page.
- get-system-logs is a page of the log; Daybook's comes with a proof that is verified. The plain log proves nothing.
- A deletion is complete on Daybook's side when the erasure is ordered for good: from then on nothing of the person is
  opened or sealed, in any process. The keys are destroyed within seconds, beside the operations. The plain tables
  delete the row and note whom it was shared with: what of it stays in pages, write-ahead log and backups is not looked
  at. Whoever was deleted is asked for no more, except to verify that.
  delete-record-by-PUR deletes those of a few listed people who agreed to the purpose; verify-deletion asks whether
  anything of a person can be had, and Daybook's answer looks for the recorded erasure too.
- Reading data is recorded on both sides; Daybook waits until that is durable, the plain tables do not.
- Daybook's answers come from its use cases, in Python, in threads of one process; the plain tables' from SQL.
- A role is complete when its last answer is there; what Daybook derives later (read models, checkpoints) goes on beside
  the operations, and is waited for only where an answer needs it, and after loading.
- Space is that of tables and indexes once all is loaded, without the write-ahead log, mirrored ledgers and backups."""


def main() -> None:
    """Measure and print."""
    scale, roles = _chosen()
    workloads = draw(scale, roles)
    pin_zones()
    print(f"{scale.records:,} records, {scale.operations:,} operations of each role", flush=True)
    with running() as up:
        deployment = Deployment.locate(Settings.read(up.data))
        # The plain tables first: after Daybook's operations its processes still work on what derives from them.
        with plain_side(deployment, scale.clients) as theirs:
            plain = measure(theirs, scale, workloads, _say)
        with daybook_side(deployment, scale.clients) as ours:
            daybook = measure(ours, scale, workloads, _say)
    report(scale, roles, daybook, plain)
    print(f"\nCalls of Daybook's that were told to try again, and did: {ours.tried_again}")
    print(left_out(roles) + DIFFERS)


def _chosen() -> tuple[Scale, Sequence[Role]]:
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.gdprbench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="A small run that takes a minute: --records 2000 --operations 400",
    )
    options.add_argument(
        "--records", type=int, default=100_000, help="people loaded on each side (default 100000)"
    )
    options.add_argument(
        "--operations", type=int, default=10_000, help="timed for each role (default 10000)"
    )
    options.add_argument(
        "--checked", type=int, default=1_000, help="checked for each role, at most (default 1000)"
    )
    options.add_argument("--clients", type=int, default=8, help="threads (default 8)")
    names = [one.name for one in ROLES]
    options.add_argument("--role", choices=names, action="append", help="this one alone, or these")
    options.add_argument("--seed", type=int, default=1, help="of what is asked (default 1)")
    it = options.parse_args()
    if min(it.records, it.operations, it.checked, it.clients) < 1:
        options.error("every number is at least 1")
    if it.records < LISTED_PEOPLE or it.operations > OPERATIONS_MAX:
        options.error(f"at least {LISTED_PEOPLE} records, and at most {OPERATIONS_MAX} operations")
    checked = min(it.checked, it.operations)
    roles = [one for one in ROLES if one.name in (it.role or names)]
    return Scale(it.records, it.operations, checked, it.clients, it.seed), roles


@contextmanager
def daybook_side(deployment: Deployment, clients: int) -> Iterator[DaybookSide]:
    """Daybook's side of a deployment that runs."""
    platform, engine = production(
        deployment, connections=max(clients, LOADING_CLIENTS) + SPARE_CONNECTIONS
    )
    try:
        yield DaybookSide(platform, engine, deployment)
    finally:
        engine.close()


@contextmanager
def plain_side(deployment: Deployment, clients: int) -> Iterator[PlainSide]:
    """Plain tables in a fresh database on the deployment's server."""
    with psycopg.connect(deployment.main, autocommit=True) as owner:
        owner.execute(f"CREATE DATABASE {PLAIN_DATABASE}")
    dsn = make_conninfo(deployment.main, dbname=PLAIN_DATABASE)
    side = PlainSide(dsn, max(clients, LOADING_CLIENTS) + SPARE_CONNECTIONS)
    try:
        yield side
    finally:
        side.close()


def report(scale: Scale, roles: Sequence[Role], daybook: Measured, plain: Measured) -> None:
    """Print the three measures of the paper."""
    rows: list[tuple[object, ...]] = []
    for name in (one.name for one in roles):
        ours, theirs = daybook.seconds[name], plain.seconds[name]
        right = [f"{one.checked[name].percent:.2f} %" for one in (daybook, plain)]
        rows.append((name, f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.1f}", *right))
    loaded = daybook.loaded_seconds, plain.loaded_seconds
    rows.append(("(loading)", *(f"{one:.2f}" for one in loaded), f"{loaded[0] / loaded[1]:.1f}"))
    rows[-1] += ("", "")
    asked = sum(one.asked for one in daybook.checked.values())
    show(
        f"Completion time ({scale.records:,} records, {scale.operations:,} operations, {scale.clients} clients, seed"
        f" {scale.seed}; {DURABLE}); correctness of {asked:,} answers, one client",
        ("", "Daybook s", "plain s", "ratio", "Daybook right", "plain right"),
        rows,
    )
    for side, found in (("Daybook", daybook), ("Plain", plain)):
        wrong = {name: dict(one.wrong) for name, one in found.checked.items() if one.wrong}
        if wrong:
            print(f"  {side}, wrong: {json.dumps(wrong)}")
    by_operation(daybook, plain)
    space(scale, daybook, plain)


def by_operation(daybook: Measured, plain: Measured) -> None:
    """Print what each kind of operation takes, the reads that look at a write included."""
    rows = []
    for kind in sorted(daybook.costs):
        ours, theirs = daybook.costs[kind], plain.costs[kind]
        wall = median(ours.wall), median(theirs.wall)
        processor = median(ours.processor), median(theirs.processor)
        shown = [f"{one * 1_000:.2f}" for one in wall]
        used = [f"{one * 1_000:.2f}" for one in processor]
        rows.append((kind, len(ours.wall), *shown, f"{wall[0] / wall[1]:.1f}", *used))
    show(
        "Milliseconds an operation, medians, one client; processor time of the client's process alone",
        ("", "calls", "Daybook", "plain", "ratio", "Daybook processor", "plain processor"),
        rows,
    )


def space(scale: Scale, daybook: Measured, plain: Measured) -> None:
    """Print how large each side is, beside the personal data itself."""
    data = personal_bytes(scale.records)
    for side, found in (("Daybook", daybook), ("plain tables", plain)):
        whole = sum(size for _, size in found.sizes)
        parts = [*found.sizes, ("all", whole)]
        show(
            f"Space, {side}: {whole / data:.1f} times the personal data ({data / scale.records:.0f} bytes a record)",
            ("", "MB", "bytes a record", "factor"),
            [
                (what, f"{size / 1e6:.2f}", f"{size / scale.records:.0f}", f"{size / data:.2f}")
                for what, size in parts
            ],
        )


def left_out(roles: Sequence[Role]) -> str:
    """Say in words what is not done."""
    lines = [
        "\nLeft out on both sides, and each mix brought back to a whole without it: "
        + ", ".join(sorted(LEFT_OUT))
        + "."
    ]
    for role in roles:
        percent = sum(role.left_out().values())
        if percent:
            lines.append(f"- {role.name}: {percent:.0f} % of the paper's mix is not measured.")
    return "\n".join(lines)


def _say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    main()
