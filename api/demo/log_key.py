"""The public key of the demo's log, kept beside its keys for `up --ready-json` to show."""

from __future__ import annotations

from api.demo.load import write_secret
from api.platform import Platform
from domain.values import parse_id
from infrastructure.ledger.log_keys import log_vkey
from infrastructure.settings import Settings

DEMO_VKEY = "demo-log.vkey"


def keep_log_vkey(settings: Settings, platform: Platform, tenant: str) -> None:
    """Write it down, as it is now."""
    id = parse_id("tenant", tenant)
    assert id is not None
    with platform.bound(id):
        origin = platform.tenancy.tenant(id).origin
    write_secret(settings.keys / DEMO_VKEY, f"{log_vkey(settings, origin)}\n")
