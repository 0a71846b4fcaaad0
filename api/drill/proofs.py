"""What is proved of an erasure, and with which figures. Whatever could fail for want of a subject has its control."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import httpx2
from psycopg.conninfo import make_conninfo

from api.drill.house import House, Json
from api.drill.shop import WITH_PURPOSE, Shop
from infrastructure.deployment import DATABASE
from infrastructure.drill.canary import Canary
from infrastructure.drill.old_copies import OldKeys, Opened, epoch_keys_left
from infrastructure.drill.search import PLANTED_IN, plant, pull_out, search
from infrastructure.keys.epoch_files import EpochKeyFiles
from infrastructure.keys.key_backup import newest_backup
from infrastructure.server.local_postgres import LocalPostgres

KEYS: Final = f"{DATABASE}_keys"
FINDINGS_SHOWN: Final = 3
BASE64: Final = re.compile(rb'"([A-Za-z0-9+/]{40,}={0,2})"')


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was looked at: whether it held, and the figure that says so."""

    name: str
    held: bool
    figure: str

    def document(self) -> Json:
        """The same for a program."""
        return {"name": self.name, "held": self.held, "figure": self.figure}


def nobody_opens(shop: Shop) -> Proof:
    """The API opens nothing of the person, and finds nobody by what they were known by."""
    house, customer = shop.house, shop.customer
    booking = house.ask(
        "owner",
        "GET",
        f"/v1/bookings/{shop.booking}",
        query={"include": "customer"},
        headers=WITH_PURPOSE,
    )
    person = house.ask("owner", "GET", f"/v1/subjects/{shop.person}", headers=WITH_PURPOSE)
    found = [
        house.made("owner", "POST", "/v1/subjects/search", {kind: customer[kind]})["data"]
        for kind in ("email", "phone")
    ]
    erased_at = person.json().get("erased_at") if person.is_success else None
    held = (
        booking.status_code == httpx2.codes.GONE
        and erased_at is not None
        and "values" not in person.json()
        and found == [[], []]
    )
    hits = sum(map(len, found))
    return Proof(
        "nobody opens it",
        held,
        f"the booking answers {booking.status_code}; erased at {erased_at}; search finds {hits}",
    )


def others_open(shop: Shop) -> Proof:
    """Somebody else is opened as before."""
    path = f"/v1/subjects/{shop.other}"
    answer = shop.house.ask("owner", "GET", path, headers=WITH_PURPOSE)
    values = (answer.json().get("values") if answer.is_success else None) or {}
    held = str(values.get("name")).startswith("Other ")
    return Proof(
        "other people still open", held, f"answers {answer.status_code}, {len(values)} values"
    )


def no_trace(shop: Shop, old: Path, planted: Canary) -> tuple[Proof, Proof]:
    """No spelling of the person's values is anywhere, nor in the copies of before; what is planted is found."""
    house = shop.house
    plant(house.deployment.main, shop.out, planted)
    words = [shop.word, shop.number, planted]
    searched = search(house.data, house.server, [shop.out, old], words)
    pull_out(house.deployment.main, shop.out)
    seen, control = searched.of(shop.word, shop.number), searched.of(planted)
    spellings = sum(len(one.disguises) for one in (shop.word, shop.number))
    where = "; ".join(f"{count} in {place}" for place, count in sorted(seen.items()))
    extent = f"{spellings} spellings, {searched.files} files, {searched.megabytes:.0f} MB"
    return (
        Proof(
            "control: the search finds what is planted in clear",
            control.keys() >= PLANTED_IN,
            f"{sum(control.values())} hits in {len(control)} kinds of places",
        ),
        Proof(
            "no trace is left of it anywhere",
            not seen,
            f"{sum(seen.values())} hits ({extent})" + (f": {where}" if where else ""),
        ),
    )


# --- old copies ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OldCopies:
    """What was kept of before the erasure: the keys, wrapped, of a key backup and of a copied cluster.

    `opened` is what each opened then. `postgres` is where the copied cluster lies, never started in place.
    """

    postgres: Path
    wrapped: dict[str, OldKeys]
    opened: dict[str, Opened]

    @classmethod
    def read(cls, backup: Path, postgres: Path) -> OldCopies:
        """Read the keys out of both; the cluster is started elsewhere for that, once."""
        look = postgres.parent.with_name("look")
        shutil.copytree(postgres, look / "postgres")
        with LocalPostgres(look) as server:
            keys = OldKeys.of_database(make_conninfo(server.dsn(), dbname=KEYS))
        shutil.rmtree(look)
        return cls(postgres, {"key backup": OldKeys.of_backup(backup), "database": keys}, {})


def old_copies_open(shop: Shop, copies: OldCopies) -> Proof:
    """The control: before the erasure both copies open, the person's keys among the rest."""
    left = _left(shop.house)
    for name, keys in copies.wrapped.items():
        copies.opened[name] = keys.opened_by(left)
    told = [
        f"{name} {len(one.keys)} keys, {len(one.of(shop.whose))} of them theirs"
        for name, one in copies.opened.items()
    ]
    held = all(one.of(shop.whose) for one in copies.opened.values())
    return Proof("control: old copies of the keys open before", held, "; ".join(told))


def old_copies_are_dead(shop: Shop, copies: OldCopies) -> tuple[Proof, Proof]:
    """No epoch key that is left opens anything in them; and no bucket key of today opens the person's keys."""
    left = _left(shop.house)
    today = OldKeys.of_database(shop.house.deployment.keys).bucket_keys(left)
    told, dead, beside = [], True, []
    for name, keys in copies.wrapped.items():
        opened = keys.opened_by(left)
        dead = dead and not opened.buckets and not opened.keys
        told.append(f"{name} {opened.buckets + len(opened.keys)} of {opened.tried} attempts")
        beside.append(keys.opened_with(today, shop.whose))
    theirs = sum(len(one.of(shop.whose)) for one in beside)
    others = sum(len(one.keys) for one in beside) - theirs
    tried = sum(one.tried for one in beside)
    return (
        Proof("old copies of the keys open nothing", dead, "opened: " + "; ".join(told)),
        Proof(
            "today's keys open nothing of theirs in old copies",
            not theirs and others > 0,
            f"opened: {theirs} of theirs, {others} of others (the control), in {tried} attempts",
        ),
    )


def _left(house: House) -> list[bytes]:
    return epoch_keys_left(house.settings.keys, house.settings.keys_copy)


def old_bundles_stay_closed(shop: Shop, copies: OldCopies, files: list[Path]) -> Proof:
    """What was handed out before still proves what it proved, and no key that it names is to be had."""
    whole = all(shop.holds(file) for file in files)
    named = {key for file in files for key in keys_named(file.with_suffix(""), shop.whose[1])}
    before = set().union(*(one.of(shop.whose) for one in copies.opened.values()))
    left = _left(shop.house)
    today = OldKeys.of_database(shop.house.deployment.keys).opened_by(left)
    open_now = {key for key in named if key in today.keys}
    for keys in copies.wrapped.values():
        open_now |= named & keys.opened_by(left).keys.keys()
    return Proof(
        "old evidence verifies, and nothing in it opens",
        whole and bool(named) and named <= before and not open_now,
        f"{len(files)} bundles hold; of {len(named)} keys that they name {len(named & before)} opened before,"
        f" {len(open_now)} do now",
    )


def keys_named(folder: Path, subject: UUID) -> set[UUID]:
    """The ids of the keys that envelopes of a subject in an unpacked bundle name."""
    named = re.compile(rb'"key":"([0-9a-f]{32})"[^}]*?"subject":"%b"' % subject.hex.encode())
    return {
        UUID(found[1].decode())
        for path in folder.rglob("*")
        if path.is_file()
        for data in _layers(path.read_bytes())
        for found in named.finditer(data)
    }


def _layers(data: bytes) -> Iterator[bytes]:
    """The bytes, and what is in base64 in them."""
    yield data
    for found in BASE64.finditer(data):
        try:
            yield b64decode(found[1], validate=True)
        except Error:
            continue


# --- a restored deployment -------------------------------------------------------------------------------------------


def restore(first: House, copies: OldCopies, into: House) -> None:
    """Put the old cluster beside what backups never hold, as it is today: mirror, signer, keys."""
    shutil.copytree(copies.postgres, into.data / "postgres")
    settings = first.settings
    # What is signed is mirrored before: so the signer goes first, should somebody still publish.
    beside = (settings.signer, settings.mirror, settings.keys, settings.keys_copy)
    for folder in (*beside, settings.key_backups):
        shutil.copytree(folder, into.data / folder.name)


def a_dead_epoch_is_refused(restored: House) -> Proof:
    """The old key database is refused in one line that says what to do; and that is done."""
    refused, line = restored.is_refused(), restored.fault()
    newest = newest_backup(restored.settings.key_backups, EpochKeyFiles(restored.settings.keys))
    done = restored.verb("restore-keys", str(newest))
    held = refused and f"daybook restore-keys {newest}" in line and done.returncode == 0
    what = done.stdout.splitlines()[0] if done.returncode == 0 else done.stderr.strip()[-200:]
    return Proof("an old key database is refused, and replaced", held, what)


def it_came_back_erased(shop: Shop, said: str) -> Proof:
    """The restored deployment brought the events back, and put the fences up again."""
    fenced = re.search(r"(\d+) classes of people were ordered erased since", said)
    back = re.search(r"had (\d+) events, and has (\d+)", said)
    again = nobody_opens(shop)
    figure = f"{back[1]} events in the copy, {back[2]} now" if back else "nothing came back"
    figure += f"; {fenced[1] if fenced else 0} fences put up again; {again.figure}"
    return Proof("a restored old database keeps them erased", bool(fenced) and again.held, figure)


def ledger_verifies(shop: Shop) -> Proof:
    """The ledger of the restored deployment is whole, and says that it was restored."""
    export, evidence = shop.take_export("export-restored"), shop.take_evidence("evidence-restored")
    held = shop.holds(export) and shop.holds(evidence)
    query = {"type": "ledger.restored"}
    restored = shop.house.made("auditor", "GET", "/v1/events", query=query)["data"]
    figure = f"export and evidence hold; {len(restored)} ledger.restored"
    return Proof("its ledger verifies offline", held and len(restored) == 1, figure)


def everything_agrees(shop: Shop) -> Proof:
    """`fsck` finds nothing."""
    done = shop.house.verb("fsck", "--json")
    said = json.loads(done.stdout) if done.returncode in (0, 1) else {}
    found = [
        f"{it['check']}: {it['reason']}" for one in said.get("checks", ()) for it in one["findings"]
    ]
    figure = "; ".join([f"exit code {done.returncode}", *found[:FINDINGS_SHOWN]])
    return Proof("fsck finds nothing", bool(said.get("ok")), figure)
