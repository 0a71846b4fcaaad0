"""`daybook witness`: witnesses without a network, by file; and the keys of ours.

Answers go to standard output, everything else to standard error. Exit codes: 0 done, 1 refused (a fork, a wrong size),
2 not readable, or not usable here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import UUID

import typer

from infrastructure.settings import DEFAULT_DATA, Settings

if TYPE_CHECKING:
    from infrastructure.database import Database

witness = typer.Typer(help="Cosign, and be cosigned, by file.", no_args_is_help=True)

Data = Annotated[Path, typer.Option("--data", help="The data folder.", metavar="DIR")]
State = Annotated[
    Path,
    typer.Option(
        "--state",
        help="The witness's memory; its key stands beside it (.key), and the logs it knows (.logs).",
        metavar="FILE",
    ),
]
Name = Annotated[str | None, typer.Option(help="What the witness's key is called.")]
Tenant = Annotated[str, typer.Option(help="The tenant's id (ten_...).")]
INPUT_BYTES_MAX = 1024 * 1024


@witness.command("sign")
def sign(
    state: State,
    name: Name = None,
    log: Annotated[
        list[str] | None, typer.Option(help="A log's verifier key, beside those in the .logs file.")
    ] = None,
) -> None:
    """Cosign the request on standard input, if it extends what was cosigned; the answer goes to standard output."""
    from infrastructure.clock import SystemClock
    from infrastructure.ledger.signed.notes import BadNote
    from infrastructure.ledger.signing.signer_memory import SignerMemory
    from infrastructure.ledger.witnesses.witness import CONFLICT, MALFORMED, OK, Witness
    from infrastructure.ledger.witnesses.witness_keys import WitnessKeys
    from infrastructure.ledger.witnesses.witness_request import parse_logs

    keys = WitnessKeys(state.with_suffix(".key"), state, name)
    try:
        known = state.with_suffix(".logs")
        listed = known.read_text(encoding="utf-8") if known.exists() else ""
        logs = parse_logs("\n".join([listed, *(log or ())]))
        keys.prepare()
        with SignerMemory(state) as memory:
            answer = Witness(keys.cosigner(), memory, SystemClock()).add_checkpoint(_given(), logs)
    except BadNote as fault:
        _fail(f"the list of logs: {fault}", 2)
    except (OSError, UnicodeDecodeError) as error:
        _fail(f"{getattr(error, 'strerror', None) or 'a file is not UTF-8'}", 2)
    if answer.status == OK:
        sys.stdout.buffer.write(answer.text.encode())
        return
    if answer.status == CONFLICT:
        _fail(
            f"refused: the last size that was cosigned is {answer.text.strip()}; resume from there",
            1,
        )
    _fail(f"refused: {answer.text}", 2 if answer.status == MALFORMED else 1)


@witness.command("vkey")
def vkey(
    data: Data = DEFAULT_DATA,
    state: Annotated[
        Path | None, typer.Option("--state", help="Of a witness by file.", metavar="FILE")
    ] = None,
    name: Name = None,
) -> None:
    """Print the public keys of a witness, which is made if there is none: Ed25519 first, then ML-DSA-44."""
    from infrastructure.ledger.witnesses.witness_keys import WitnessKeys

    if state is not None:
        keys = WitnessKeys(state.with_suffix(".key"), state, name)
    else:
        settings = Settings.read(data)
        keys = WitnessKeys.in_folder(settings.witness, name or settings.witness_name)
    try:
        keys.prepare()
        for key in keys.cosigner().keys:
            print(key.text())
    except OSError as error:
        _fail(f"the witness's key: {error.strerror}", 2)


@witness.command("request")
def request(
    tenant: Tenant,
    old: Annotated[int, typer.Option(help="The size that the witness last cosigned.", min=0)] = 0,
    data: Data = DEFAULT_DATA,
) -> None:
    """Write what a witness is to be asked about a tenant's newest checkpoint, which is kept from now on."""
    from infrastructure.clock import SystemClock
    from infrastructure.ledger.witnesses.witness_files import make_request

    with _publishing(_settings(data)) as database:
        sys.stdout.buffer.write(make_request(database, SystemClock(), _tenant(tenant), old))


@witness.command("accept")
def accept(tenant: Tenant, data: Data = DEFAULT_DATA) -> None:
    """Check the answer on standard input against the policy, and keep its cosignatures."""
    from infrastructure.clock import SystemClock
    from infrastructure.ledger.witnesses.witness_files import accept_answer
    from infrastructure.ledger.witnesses.witness_policy import load_policy

    settings = _settings(data)
    if settings.witness_policy is None:
        _fail("there is no witness policy: nobody says whose cosignatures count", 2)
    policy, answer = load_policy(settings.witness_policy), _given()
    with _publishing(settings) as database:
        said = accept_answer(database, policy, SystemClock(), _tenant(tenant), answer)
    print(f"daybook: {said}", file=sys.stderr)


@contextmanager
def _publishing(settings: Settings) -> Iterator[Database]:
    """The database as the publisher sees it; a database that is away is one line."""
    from domain.errors import Unavailable
    from infrastructure.database import Database
    from infrastructure.deployment import Deployment

    database = Database(Deployment.locate(settings).dsn_of("publisher"), size=1, walled=False)
    try:
        yield database
    except Unavailable as away:
        _fail(away.detail, 2)
    finally:
        database.close()


def _settings(data: Path) -> Settings:
    return Settings.read(data)


def _tenant(text: str) -> UUID:
    from domain.values import parse_id

    found = parse_id("tenant", text)
    if found is None:
        _fail("the tenant's id is ten_ and 32 hexadecimal digits", 2)
    return found


def _fail(line: str, code: int) -> NoReturn:
    print(f"daybook: {line}", file=sys.stderr, flush=True)
    raise SystemExit(code)


def _given() -> bytes:
    data = sys.stdin.buffer.read(INPUT_BYTES_MAX + 1)
    if len(data) > INPUT_BYTES_MAX:
        _fail("the input is too long", 2)
    return data
