"""What an operator may set: read once, from the environment, and never again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infrastructure.server.start_faults import StartFault

DEFAULT_DATA: Final = Path(".daybook")
DEFAULT_ORIGIN: Final = "daybook.local/ledger/<tenant>"


class SettingRefused(StartFault):
    """A setting contradicts another, or cannot be what it is."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """One deployment's settings.

    `data` holds what lives apart from the database: `keys/`, `mirror/`, `signer/`, logs, and the embedded server.
    `database_url` and `keys_url` are owners' connection strings; None stands for the embedded server.
    `mldsa` has every checkpoint signed with ML-DSA-44 too. Within `scrub_days` every stored event is looked at once.
    Every `sweep_seconds` what has expired is ended, and what was withheld until now is opened.
    Every `key_backup_minutes` the key database is backed up, and the newest `key_backups_kept` such backups are kept.
    `read_url` is where a replica listens, from which lists are read; its database and roles are the primary's.
    With `allow_private_recipients` deliveries go to addresses that are not public, and by http too.
    """

    data: Path
    database_url: str | None = None
    keys_url: str | None = None
    read_url: str | None = None
    origin: str = DEFAULT_ORIGIN
    host: str = "127.0.0.1"
    api_processes: int = 2
    security_contact: str | None = None
    mldsa: bool = False
    scrub_days: int = 7
    sweep_seconds: int = 20
    publish_ledger: bool = False
    witness_policy_path: Path | None = None
    witness_seconds: int = 15
    unwitnessed_seconds_max: int = 86_400
    witnessed_logs_path: Path | None = None
    witness_name: str | None = None
    allow_private_recipients: bool = False
    keys_copy_path: Path | None = None
    key_backups_path: Path | None = None
    key_backup_minutes: int = 60
    key_backups_kept: int = 6

    @property
    def witness_policy(self) -> Path | None:
        """Who is to cosign our logs; None where nobody is."""
        default = self.data / "witness-policy.txt"
        return self.witness_policy_path or (default if default.exists() else None)

    @property
    def witnessed_logs(self) -> Path:
        """Whose logs we cosign; nobody's, where there is no such file."""
        return self.witnessed_logs_path or self.data / "witnessed-logs.txt"

    @property
    def witness(self) -> Path:
        """Where our witness has its key and its memory; the signer's process alone looks in."""
        return self.data / "witness"

    @property
    def keys(self) -> Path:
        """Where secrets are that no backup may hold."""
        return self.data / "keys"

    @property
    def keys_copy(self) -> Path:
        """The second place of epoch keys; best on another disk, and in no backup either."""
        return self.keys_copy_path or self.data / "keys-copy"

    @property
    def key_backups(self) -> Path:
        """Where backups of the key database are."""
        return self.key_backups_path or self.data / "key-backups"

    @property
    def mirror(self) -> Path:
        """Where every sequenced event is held off the database."""
        return self.data / "mirror"

    @property
    def signer(self) -> Path:
        """Where the signer has its keys and its memory; nobody else looks in."""
        return self.data / "signer"

    @property
    def replica(self) -> Path:
        """Where the embedded replica is."""
        return self.data / "replica"

    @property
    def signer_socket(self) -> Path:
        """Where the signer listens."""
        return self.data / "run" / "signer.sock"

    @classmethod
    def read(cls, data: Path, environment: Mapping[str, str] | None = None) -> Settings:
        """Read them from the environment. Refuses: SettingRefused."""
        given = os.environ if environment is None else environment
        refuse_contradictions(given)
        return cls(
            data=data.expanduser().resolve(),
            database_url=given.get("DATABASE_URL") or None,
            keys_url=given.get("DAYBOOK_KEYS_URL") or None,
            read_url=given.get("DAYBOOK_READ_URL") or None,
            origin=given.get("DAYBOOK_ORIGIN") or DEFAULT_ORIGIN,
            host=given.get("DAYBOOK_HOST") or "127.0.0.1",
            api_processes=count(given, "DAYBOOK_API_PROCESSES", default=2, most=64),
            security_contact=given.get("DAYBOOK_SECURITY_CONTACT") or None,
            mldsa=switch(given, "DAYBOOK_MLDSA"),
            publish_ledger=switch(given, "DAYBOOK_PUBLISH_LEDGER"),
            witness_policy_path=path(given, "DAYBOOK_WITNESS_POLICY"),
            witness_seconds=count(given, "DAYBOOK_WITNESS_SECONDS", default=15, most=86_400),
            unwitnessed_seconds_max=count(
                given, "DAYBOOK_UNWITNESSED_SECONDS_MAX", default=86_400, most=31_536_000
            ),
            witnessed_logs_path=path(given, "DAYBOOK_WITNESSED_LOGS"),
            witness_name=given.get("DAYBOOK_WITNESS_NAME") or None,
            allow_private_recipients=switch(given, "DAYBOOK_ALLOW_PRIVATE_RECIPIENTS"),
            keys_copy_path=path(given, "DAYBOOK_KEYS_COPY"),
            key_backups_path=path(given, "DAYBOOK_KEY_BACKUPS"),
            key_backup_minutes=count(given, "DAYBOOK_KEY_BACKUP_MINUTES", default=60, most=10_080),
            key_backups_kept=count(given, "DAYBOOK_KEY_BACKUPS_KEPT", default=6, most=1_000),
            scrub_days=count(given, "DAYBOOK_SCRUB_DAYS", default=7, most=365),
            sweep_seconds=count(given, "DAYBOOK_SWEEP_SECONDS", default=20, most=3_600),
        )


def refuse_contradictions(given: Mapping[str, str]) -> None:
    """Refuse a way of running in which our promises do not hold. Raises SettingRefused."""
    if not __debug__:
        raise SettingRefused("Daybook does not run with python -O: its assertions guard the record")
    if given.get("POSTGRES_ENABLE_DB_FUNCTIONS"):
        raise SettingRefused(
            "POSTGRES_ENABLE_DB_FUNCTIONS is set: with it followers would lose events"
        )
    if given.get("DAYBOOK_KEYS_URL") and not given.get("DATABASE_URL"):
        raise SettingRefused("DAYBOOK_KEYS_URL is set without DATABASE_URL")


def switch(given: Mapping[str, str], name: str) -> bool:
    """True for 1, false for 0 or nothing. Raises SettingRefused."""
    if given.get(name) not in (None, "", "0", "1"):
        raise SettingRefused(f"{name} must be 1 or 0")
    return given.get(name) == "1"


def count(given: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """A whole number from 1 to `most`. Raises SettingRefused."""
    text = given.get(name)
    if not text:
        return default
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise SettingRefused(f"{name} must be a whole number from 1 to {most}")
    return int(text)


def path(given: Mapping[str, str], name: str) -> Path | None:
    """A file or a folder, None where none is given."""
    text = given.get(name)
    return Path(text).expanduser().resolve() if text else None
