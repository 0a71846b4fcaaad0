"""A request for every route: one that is well formed, made from what a business has."""

from __future__ import annotations

from typing import Any

from api.http.contract import Spec
from api.http.fields import example_id, path_schema
from tests.http.business import ADA, MONDAY, WEEKDAYS
from tests.http.disclosing import CRM, wish
from tests.http.holding import RULE, a_hold
from tests.http.ordering import PAPER, a_wish

CALENDAR = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//t//EN", "END:VCALENDAR", ""])
WINDOW = {"from": f"{MONDAY}T00:00:00Z", "to": "2027-01-12T00:00:00Z"}

ASKED = {
    "type": "erasure",
    "jurisdiction": "gdpr",
    "email": ADA["email"],
    "received_at": "2027-01-04T07:00:00Z",
    "channel": "email",
}


def address(spec: Spec, made: dict[str, str] | None = None) -> str:
    """The path of `spec`, with ids of `made` by kind, else with ids of nothing."""
    path = spec.path
    for name, kind in spec.takes.ids:
        path = path.replace(f"{{{name}}}", (made or {}).get(kind, path_schema(kind)[1]))
    return path


def arguments(spec: Spec, made: dict[str, str]) -> dict[str, Any]:
    """Query and body of a request that the route can do something with."""
    name = spec.handler.__name__
    if spec.takes.calendar:
        return {
            "params": WINDOW,
            "content": CALENDAR,
            "headers": {"content-type": "text/calendar"},
        }
    queries: dict[str, Any] = {
        "list_slots": {"service_id": made["service"], **WINDOW},
        "show_agenda": {"location_id": made["location"], **WINDOW},
        "show_figures": {"location_id": made["location"], "from": MONDAY, "to": "2027-01-18"},
        "take_report": {"subject_id": made.get("subject", example_id("subject"))},
    }
    return {"params": queries.get(name), "json": bodies(made).get(name)}


def bodies(made: dict[str, str]) -> dict[str, Any]:
    """The body of a request for each handler that takes one."""
    at = [made["location"]]
    start = f"{MONDAY}T15:00:00Z"
    place = {"name": "B", "time_zone": "Europe/Lisbon", "country": "PT"}
    hours = [{"days": WEEKDAYS, "from": "09:00", "to": "17:00"}]
    reason = {"reason_code": "other"}
    text = {"language": "en", "text": "Little.", "material": False, "summary": "First."}
    since = {"effective_from": "2027-01-01T00:00:00Z"}
    basis = {"purpose": "improve", "jurisdiction": "gdpr", "lawful_basis": "consent"}
    return {
        "publish_policy": {"version": "2027-01", **text, **since},
        "notify_policy": {"channel": "website", "notified_at": since["effective_from"]},
        "accept_policy": {"policy_version": "2026-01", "mode": "signature"},
        "assign_basis": basis,
        "search_subjects": {"email": ADA["email"]},
        "correct_subject": {"name": "Ada Example"},
        "record_consent": {
            "purpose": "measure",
            "decision": "given",
            "policy_version": "2026-01",
            "method": "spoken",
        },
        "open_location": place,
        "revise_location": {"name": "Old Town"},
        "offer_service": {"location_ids": at, "name": "Cut", "duration_minutes": 30},
        "revise_service": {"name": "Cut"},
        "engage_staff": {"location_ids": at, "display_name": "Sam"},
        "revise_staff": {"display_name": "Sam"},
        "set_schedule": {"time_zone": "Europe/Lisbon", "weekly": hours},
        "issue_key": {"roles": ["staff"], "actor": "test", "location_ids": at},
        "place_hold": {"service_id": made["service"], "start": start},
        "make_booking": {"service_id": made["service"], "start": start, "customer": ADA},
        "decline_booking": reason,
        "cancel_booking": reason,
        "receive_process": PAPER,
        "review_process": {"outcome": "accepted"},
        "review_process_after": {"outcome": "justified"},
        "change_gag": {"change": "lifted", "number": "O-1"},
        "place_legal_hold": a_hold(made.get("subject", example_id("subject"))),
        "review_legal_hold": {"review_on": "2027-12-01"},
        "extend_legal_hold": {"subject_ids": [made.get("subject", example_id("subject"))]},
        "bind_retention_rules": {"rules": [RULE]},
        "ask_for_franchise_data": a_wish(made),
        "refuse_franchise_request": {"reason_code": "no_authority"},
        "register_recipient": CRM,
        "revise_recipient": {"country": "DE"},
        "add_recipient_location": {"location_id": made["location"], "from": "2026-01-01T00:00:00Z"},
        "disclose": wish(made.get("recipient", ""), made.get("subject", "")),
        "acknowledge_disclosure": {"about": "disclosure", "outcome": "received"},
        "acknowledge_follow_up": {"outcome": "done"},
        "record_onward_sharing": {"legal_name": "B", "country": "IE", "purpose": "service"},
        "prove_inclusion": {"index": 0, "size": 1},
        "prove_consistency": {"from": 1, "to": 1},
        "quarantine_stream": {"stream_id": example_id("booking"), "reason": "ticket 17"},
        "review_access": {"outcome": "justified"},
        "rule_break_glass": {"allowed": False},
        "receive_request": ASKED,
        "ask_identity": {"method": "email_loop", "points": ["email"]},
        "verify_identity": {"method": "session", "compared": [], "outcome": "verified"},
        "pause_request": {"reason_code": "identity_doubt"},
        "extend_request": {"reason_code": "complexity", "told_at": "2027-01-04T08:00:00Z"},
        "forward_request": {"recipient_id": made.get("recipient", "")},
        "deny_request": {"parts": [{"reason_code": "not_verifiable"}]},
        "mark_duplicate": {"request_id": made.get("privacy_request", "")},
        "decide_appeal": {"outcome": "denied"},
        "reschedule_booking": {"start": f"{MONDAY}T14:00:00Z"},
    }
