"""What the command line does to a deployment without a key: found tenants, issue keys."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.demo.load import write_secret
from api.platform import Platform
from application.ledger.log_history import LogHistory
from application.permissions import operator
from application.setup.access_keys import AccessKeys, IssueKey
from application.setup.tenancy import Tenancy
from domain.access_key import KeyTerms
from domain.errors import FieldError, UnknownReference
from domain.values import parse_id, public_id
from infrastructure.deployment import Deployment
from infrastructure.engine import Engine
from infrastructure.ledger.signed.notes import ED25519
from infrastructure.ledger.signing.log_keys import log_vkey, log_vkeys, newest
from infrastructure.settings import Settings
from infrastructure.wall import bound_to

DEMO_VKEY = "demo-log.vkey"


def found_tenant(deployment: Deployment, name: str) -> dict[str, Any]:
    """Found a tenant; its id, the key of its log, and its first API keys. Refuses: Unacceptable."""
    engine = Engine.connect(deployment, connections=1)
    try:
        tenant = engine.ids.uuid()
        with bound_to(tenant):
            tenancy = Tenancy(
                engine.store, engine.book, engine.clock, engine.ids, deployment.settings.origin
            )
            founded = tenancy.found_tenant(name, tenant)
            keys = log_vkeys(deployment.settings, founded.tenant.origin)
            history = LogHistory(engine.store, engine.clock, engine.ids)
            for key in keys:
                if key.kind != ED25519:  # the one that is handed out below tells of the others
                    history.add_key(tenant, key.text(), 0)
        return {
            "tenant": public_id("tenant", tenant),
            "log_vkey": newest(keys).text(),
            "keys": dict(founded.keys),
        }
    finally:
        engine.close()


def keep_log_vkey(platform: Platform, settings: Settings, tenant: str) -> None:
    """Write the public key of the demo's log down, for `up --ready-json` to show."""
    id = reference("tenant", tenant, "/tenant")
    with platform.bound(id):
        origin = platform.tenancy.tenant(id).origin
    write_secret(settings.keys / DEMO_VKEY, f"{log_vkey(settings, origin)}\n")


def issue_key(
    deployment: Deployment,
    tenant: str,
    roles: tuple[str, ...],
    actor: str,
    locations: tuple[str, ...],
    *,
    operates: bool = False,
) -> dict[str, Any]:
    """Issue a key on behalf of the operator, `operates` for one that operates read models.

    Refuses: UnknownReference, Unacceptable.
    """
    tenant_id = reference("tenant", tenant, "/tenant")
    location_ids = tuple(reference("location", it, "/location") for it in locations)
    engine = Engine.connect(deployment, connections=1)
    try:
        with bound_to(tenant_id):
            if engine.book.entry(tenant_id, "tenant", tenant_id) is None:
                raise unknown("/tenant")
            terms = KeyTerms(roles, actor, location_ids or None, operates=operates)  # type: ignore[arg-type]
            issued = AccessKeys(engine.store, engine.book, engine.clock, engine.ids).issue(
                IssueKey(terms), operator(tenant_id)
            )
        return {"id": public_id("key", issued.state.key.id), "key": issued.state.token}
    finally:
        engine.close()


def reference(kind: str, text: str, pointer: str) -> UUID:
    """The id behind its public form. Refuses: UnknownReference."""
    found = parse_id(kind, text)
    if found is None:
        raise unknown(pointer)
    return found


def unknown(pointer: str) -> UnknownReference:
    """The refusal of an id that is not there."""
    return UnknownReference(
        errors=(FieldError(pointer, "unknown_reference", "There is no such thing here."),)
    )
