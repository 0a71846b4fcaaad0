"""Keys change and nobody is left behind: told in the log, both sign, the old one goes; killed anywhere, it goes on.

1. Whoever has the old key only can check every checkpoint until it is retired.
2. Whoever has the new key only can check every checkpoint from its activation on, of idle logs too.
3. Every log says of each key when it came and up to where it signed, once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from api.ledger_keys import retire, rotate, shown
from api.ledger_office import LedgerRefused
from infrastructure.clock import SystemClock
from infrastructure.deployment import Deployment
from infrastructure.ledger.signing.log_keys import log_vkey
from infrastructure.ledger.signing.signer_seeds import RotationInUse, SeedFolder
from infrastructure.twin.memory import SettableClock
from tests.ledger.ledger_house import House, house

ADDED, RETIRED = "ledger.key_added.v1", "ledger.key_retired.v1"
SEEDS = "infrastructure.ledger.signing.signer_seeds:SeedFolder"
HISTORY = "application.ledger.log_history:LogHistory"


@pytest.fixture
def at(own_deployment: Deployment) -> Iterator[House]:
    with house(own_deployment) as made:
        yield made


def later(days: float) -> SettableClock:
    return SettableClock(SystemClock().now() + timedelta(days=days))


def seeds(at: House) -> tuple[str, ...]:
    return SeedFolder(at.deployment.settings.signer).names()


def keys(at: House, tenant: UUID) -> list[str]:
    origin = at.publisher.origins.of([tenant])[tenant]
    return at.signer.client.verifier_keys(origin)


def test_a_rotation_from_its_beginning_to_its_end(at: House) -> None:
    busy, idle = at.found(), at.found()
    (old,), (old_idle,) = keys(at, busy), keys(at, idle)
    with at.office() as office:
        done = rotate(office)
    assert done == {"seed": 2, "logs_told": 2, "waiting_for_publisher": 0}
    assert keys(at, busy)[0] == old
    new, new_idle = keys(at, busy)[1], keys(at, idle)[1]
    # At once, before anything new is signed: rule 2.
    assert at.verifies(idle, old_idle) and at.verifies(idle, new_idle)
    at.append(busy)
    at.publish()
    assert at.verifies(busy, old) and at.verifies(busy, new)
    assert [one["vkey"] for one in at.said(busy, ADDED)] == [new]
    with at.office(later(89)) as office, pytest.raises(LedgerRefused, match="both keys sign until"):
        retire(office, after_days=90, at_once=False)
    with at.office(later(91)) as office:
        assert retire(office, after_days=90, at_once=False) == {"seeds": [1], "logs_told": 2}
    assert seeds(at) == ("seed-2.key",)
    size = at.size(busy)
    at.publish()
    assert at.said(busy, RETIRED) == [{"vkey": old, "last_size": size}]
    for tenant, before, after in ((busy, old, new), (idle, old_idle, new_idle)):
        assert at.verifies(tenant, after) and not at.verifies(tenant, before)
    assert log_vkey(at.deployment.settings, at.publisher.origins.of([busy])[busy]) == new


def test_the_newest_active_key_is_the_one_that_a_new_tenant_is_told(at: House) -> None:
    at.found()
    with at.office() as office:
        rotate(office)
    tenant = at.found()
    assert at.tenants[-1]["log_vkey"] == keys(at, tenant)[-1]
    assert at.verifies(tenant, keys(at, tenant)[-1])


ROTATION_ENDS = [
    ("before", f"{SEEDS}.begin", 1),
    ("after", f"{SEEDS}.begin", 1),
    ("after", f"{SEEDS}.make", 1),
    ("after", f"{HISTORY}.add_key", 1),
    ("after", f"{HISTORY}.add_key", 2),
    ("before", f"{SEEDS}._rename", 1),
    ("after", f"{SEEDS}.activate", 1),
    ("before", "api.ledger_keys:sign_again", 1),
    ("after", "api.ledger_keys:sign_again", 1),
    ("after", f"{SEEDS}.finish", 1),
]


@pytest.mark.parametrize(
    "kill", ROTATION_ENDS, ids=lambda it: f"{it[0]} {it[1].split(':')[1]} {it[2]}"
)
def test_a_rotation_killed_anywhere_leaves_no_auditor_behind_and_goes_on(
    at: House, kill: tuple[str, str, int]
) -> None:
    tenants = at.found(), at.found()
    old = {tenant: keys(at, tenant)[0] for tenant in tenants}
    assert at.verb("rotate-key", kill=kill).returncode == -9
    if kill[:2] == ("before", "api.ledger_keys:sign_again"):
        idle = keys(at, tenants[1])[1]
        assert not at.verifies(tenants[1], idle), "what the rest of the verb is for"
    at.append(tenants[0])
    at.publish()
    active = "seed-2.key" in seeds(at)
    for tenant in tenants:
        assert at.verifies(tenant, old[tenant])
    if active:
        assert at.verifies(tenants[0], keys(at, tenants[0])[1])
    folder = SeedFolder(at.deployment.settings.signer)
    finished = active and folder.rotating() is None
    with at.office() as office:
        if finished:
            with pytest.raises(LedgerRefused, match="retire-key"):
                rotate(office)
        else:
            assert rotate(office)["seed"] == 2
    for tenant in tenants:
        assert len(at.said(tenant, ADDED)) == 1
        assert at.verifies(tenant, keys(at, tenant)[1]) and at.verifies(tenant, old[tenant])


RETIREMENT_ENDS = [
    ("before", f"{SEEDS}.stop", 1),
    ("after", f"{SEEDS}.stop", 1),
    ("after", f"{HISTORY}.retire_key", 1),
    ("before", f"{SEEDS}.destroy", 1),
    ("after", f"{SEEDS}.destroy", 1),
]


@pytest.mark.parametrize(
    "kill", RETIREMENT_ENDS, ids=lambda it: f"{it[0]} {it[1].split(':')[1]} {it[2]}"
)
def test_a_retirement_killed_anywhere_is_finished_the_next_time(
    at: House, kill: tuple[str, str, int]
) -> None:
    tenants = at.found(), at.found()
    with at.office() as office:
        rotate(office)
    old, new = ({tenant: keys(at, tenant)[n] for tenant in tenants} for n in (0, 1))
    arguments = "retire-key", "--now", "--reason", "lost"
    assert at.verb(*arguments, kill=kill).returncode == -9
    for tenant in tenants:
        at.append(tenant)
    at.publish()
    for tenant in tenants:
        assert at.verifies(tenant, new[tenant])
        assert at.verifies(tenant, old[tenant]) is ("seed-1.key" in seeds(at))
    again = at.verb(*arguments)
    if "seed-1.retiring" not in seeds(at) and kill[:2] == ("after", f"{SEEDS}.destroy"):
        assert again.returncode == 2 and "one key only" in again.stderr
    else:
        assert again.returncode == 0, again.stderr
    assert seeds(at) == ("seed-2.key",)
    at.publish()
    for tenant in tenants:
        (said,) = at.said(tenant, RETIRED)
        assert said["vkey"] == old[tenant] and 0 < said["last_size"] < at.size(tenant)
        assert at.verifies(tenant, new[tenant]) and not at.verifies(tenant, old[tenant])


def test_what_makes_no_sense_is_refused_in_one_line(at: House) -> None:
    at.found()
    for arguments, said in (
        (["retire-key"], "there is one key only"),
        (["retire-key", "--now"], "--now and --reason lost go together"),
        (["retire-key", "--reason", "lost"], "--now and --reason lost go together"),
        (["tell-keys"], "DAYBOOK_MLDSA=1"),
        (["keys", "--tenant", "ten_unknown"], "no such thing"),
        (["status", "--tenant", "ten_unknown"], "no such thing"),
    ):
        done = at.verb(*arguments)
        assert done.returncode == 2 and said in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
    assert at.verb("rotate-key").returncode == 0
    done = at.verb("retire-key")
    assert done.returncode == 2 and "both keys sign until" in done.stderr
    assert seeds(at) == ("seed-1.key", "seed-2.key")


def test_only_one_changes_the_keys_at_a_time(at: House) -> None:
    at.found()
    with at.office() as first, first.seeds.alone(), at.office() as second:
        for verb in (rotate, lambda it: retire(it, after_days=0, at_once=False)):
            with pytest.raises(RotationInUse):
                verb(second)
    assert seeds(at) == ("seed-1.key",)


def test_keys_are_listed_with_what_the_log_says_of_them(at: House) -> None:
    tenant = at.found()
    assert at.verb("rotate-key").returncode == 0
    listed = json.loads(at.verb("keys", "--tenant", at.tenants[0]["tenant"], "--json").stdout)
    (log,) = listed["logs"]
    assert [(it["state"], it["kind"], it["vkey"]) for it in log["keys"]] == [
        ("active", "Ed25519", vkey) for vkey in keys(at, tenant)
    ]
    assert log["keys"][0]["since"] is None and log["keys"][1]["since"] is not None
    with at.office() as office:
        retire(office, after_days=0, at_once=False)
    with at.office() as office:
        (gone, here) = shown(office, office.log(at.tenants[0]["tenant"]))["keys"]
    assert (gone["state"], here["state"]) == ("retired", "active")
    assert gone["vkey"] == log["keys"][0]["vkey"] and gone["last_size"] > 0
    assert gone["vkey"] in at.verb("keys").stdout


def test_keys_are_rotated_while_no_signer_runs(at: House) -> None:
    tenant = at.found()
    (old,) = keys(at, tenant)
    at.signer.kill()
    assert at.verb("rotate-key").returncode == 0
    assert at.verifies(tenant, old)
    at.signer.start()
    assert at.verifies(tenant, keys(at, tenant)[1])


def test_a_checkpoint_that_was_under_way_gets_its_second_signature_when_it_is_published(
    at: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = at.found()
    at.append(tenant)
    at.sequencer.sequence_now()
    with monkeypatch.context() as patched:
        patched.setattr(type(at.publisher), "_keep", lambda *_: None)
        at.publisher.tick()
    monkeypatch.setattr("api.ledger_keys.IN_FLIGHT_SECONDS_MAX", 0.2)
    with at.office() as office:
        assert rotate(office)["waiting_for_publisher"] == 1
    at.publish()
    assert at.verifies(tenant, keys(at, tenant)[1])


def test_seeds_are_readable_by_their_owner_alone(at: House) -> None:
    at.found()
    assert at.verb("rotate-key").returncode == 0
    for name in seeds(at):
        file: Path = at.deployment.settings.signer / name
        assert file.stat().st_mode & 0o077 == 0


def test_a_folder_that_cannot_be_written_is_one_line_and_no_rotation(at: House) -> None:
    tenant = at.found()
    folder = at.deployment.settings.signer
    (folder / "rotation.new").mkdir()
    done = at.verb("rotate-key")
    assert done.returncode == 2 and "Traceback" not in done.stderr and done.stderr.count("\n") == 1
    assert len(keys(at, tenant)) == 1
    (folder / "rotation.new").rmdir()
    (folder / "rotation").write_text("nonsense")
    done = at.verb("rotate-key")
    assert done.returncode == 2 and "is not a seed's number" in done.stderr
