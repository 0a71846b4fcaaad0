"""A key database of the time before buckets held the blind index: it is brought over, killed or not. README D5, D9."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.errors import Unreadable
from infrastructure.canonical import hmac_sha256
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.keys.index_buckets import bring_into_buckets, bring_some
from infrastructure.keys.key_tree import (
    BUCKETS,
    bucket_context,
    bucket_of,
    secret_context,
    subject_context,
    wrap,
)
from infrastructure.migrate import FOLDER, migrate
from infrastructure.sql_arrays import register
from infrastructure.wall import bound_to
from tests.postgres import create_database

AT = datetime(2027, 1, 4, 10, 0, tzinfo=UTC)
PHONE = "+31612345678"


@dataclass
class Old:
    """What the program wrote before: one tenant, five people with an address each, who share a number."""

    deployment: Deployment
    tenant: UUID
    people: dict[str, UUID]


def fill(dsn: str, epoch_key: bytes) -> tuple[UUID, dict[str, UUID]]:
    """Fill a key database of two migrations as the code of that time did."""
    tenant, index_key = uuid4(), os.urandom(32)
    digesting = hmac_sha256(epoch_key, b"daybook/blind-index/v1")
    people = {f"person-{number}@example.test": uuid4() for number in range(5)}
    bucket_keys = [os.urandom(32) for _ in range(BUCKETS)]
    with psycopg.connect(dsn) as owner:
        owner.execute("INSERT INTO epoch VALUES (1, true, %s)", (AT,))
        with owner.cursor().copy("COPY bucket_key FROM STDIN") as copy:
            for bucket, key in enumerate(bucket_keys):
                copy.write_row((1, bucket, wrap(epoch_key, key, bucket_context(1, bucket))))
        sealed = wrap(epoch_key, index_key, secret_context(tenant, "index", 1))
        owner.execute("INSERT INTO sealed_secret VALUES (%s, 'index', 1, %s)", (tenant, sealed))
        for email, subject in people.items():
            key_id = uuid4()
            bucket = bucket_of(key_id)
            context = subject_context(tenant, subject, "profile", key_id)
            wrapped = wrap(bucket_keys[bucket], os.urandom(32), context)
            owner.execute(
                "INSERT INTO subject_key VALUES (%s, %s, 'profile', %s, %s, %s, NULL)",
                (tenant, subject, key_id, bucket, wrapped),
            )
            for kind, value in (("email", email), ("phone", PHONE)):
                inner = hmac_sha256(index_key, f"{kind}\n{value}".encode())
                owner.execute(
                    "INSERT INTO blind_index VALUES (%s, %s, %s, %s, %s, false, %s)",
                    (
                        *(tenant, kind, hmac_sha256(digesting, inner), subject),
                        *(wrap(epoch_key, inner, secret_context(tenant, "inner", 1)), AT),
                    ),
                )
    return tenant, people


@pytest.fixture
def old(own_deployment: Deployment, postgres_server: str, tmp_path: Path) -> Old:
    """A deployment whose key database is of two migrations, its epoch key in one place."""
    name = psycopg.conninfo.conninfo_to_dict(own_deployment.keys)["dbname"]
    create_database(postgres_server, str(name))
    (tmp_path / "migrations" / "keys").mkdir(parents=True)
    for file in ("0001_keys.sql", "0002_contacts.sql"):
        shutil.copy(FOLDER / "keys" / file, tmp_path / "migrations" / "keys" / file)
    secret = own_deployment.roles_secret()
    migrate(own_deployment.keys, "keys", secret, tmp_path / "migrations")
    epoch_key = (own_deployment.settings.keys / "epoch-1.key").read_bytes()
    shutil.rmtree(own_deployment.settings.keys_copy)
    tenant, people = fill(own_deployment.keys, epoch_key)
    migrate(own_deployment.keys, "keys", secret)
    return Old(own_deployment, tenant, people)


def in_buckets(old: Old) -> int:
    with psycopg.connect(old.deployment.keys) as owner:
        row = owner.execute("SELECT count(bucket) FROM blind_index").fetchone()
    assert row is not None
    return int(row[0])


def look_up(old: Old) -> None:
    """Everybody is found by what they gave."""
    engine = Engine.connect(old.deployment, connections=2)
    with bound_to(old.tenant):
        for email, subject in old.people.items():
            assert engine.people.find(old.tenant, "email", email) == subject
            again = engine.people.find_or_prepare(old.tenant, email, uuid4(), ("profile",))
            assert (again.subject, again.registered) == (subject, True)
        sharers = engine.people.find_all(old.tenant, "phone", PHONE)
        assert set(sharers) == set(old.people.values())
        assert len(sharers) == len(old.people)
    engine.close()


def test_everybody_is_found_after_the_start_that_brings_them_over(old: Old) -> None:
    old.deployment.prepare_keys()
    assert in_buckets(old) == 10
    look_up(old)
    places = (old.deployment.settings.keys, old.deployment.settings.keys_copy)
    assert len({(place / "epoch-1.key").read_bytes() for place in places}) == 1


def test_bringing_over_goes_on_where_it_was_killed(old: Old) -> None:
    dsn, keys = old.deployment.dsn_of("shredder"), old.deployment.epoch_keys()
    with psycopg.connect(dsn) as connection:
        register(connection)
        assert bring_some(connection, keys, 3) == 3
    with psycopg.connect(dsn) as connection:  # and now we die before the commit
        register(connection)
        assert bring_some(connection, keys, 3) == 3
        connection.rollback()
    assert in_buckets(old) == 3
    assert bring_into_buckets(dsn, keys, together=4) == 7
    assert bring_into_buckets(dsn, keys) == 0
    look_up(old)


def test_no_epoch_turns_and_nobody_is_destroyed_before_that(old: Old) -> None:
    old.deployment.epoch_keys().heal(1)
    engine = Engine.connect(old.deployment, connections=2)
    subject = next(iter(old.people.values()))
    with pytest.raises(Unreadable):
        engine.shredder.turn_epoch(AT)
    with pytest.raises(Unreadable):
        engine.shredder.destroy(old.tenant, subject, ("profile",), AT)
    old.deployment.prepare_keys()
    assert engine.shredder.destroy(old.tenant, subject, ("profile",), AT).buckets > 1
    assert engine.shredder.turn_epoch(AT).old == 1
    engine.close()
    old.people.pop("person-0@example.test")
    look_up(old)
