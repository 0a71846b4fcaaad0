"""Random calls: what customers, the front desk, the privacy officer and the owner might want next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any, Final

from domain.values import instant_text
from tests.http.holding import a_hold
from tests.simulation.sharing_commands import (
    disclose,
    gag,
    list_reviews,
    look,
    look_beyond,
    review,
    rule_glass,
    serve,
)
from tests.simulation.shop import Shop
from tests.simulation.wanting import Known, Wanted

CUSTOMERS: Final = 12
DAYS_AHEAD: Final = 5
OFFICER: Final = "privacy_officer"
IDENTIFIED: Final = {"method": "email_loop", "compared": ["email"], "outcome": "verified"}
CONSENT: Final = {
    "purpose": "marketing_first_party",
    "policy_version": "2027-01",
    "method": "explicit_click",
}


def next_call(random: Random, shop: Shop, known: Known) -> Wanted:
    """Something to do, with ids that are known where it takes some."""
    while True:
        (draw,) = random.choices(list(WISHES), list(WISHES.values()))
        found = draw(random, shop, known)
        if found is not None:
            return found


def _start(random: Random, shop: Shop) -> str:
    day = shop.world.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    slot = timedelta(days=random.randint(1, DAYS_AHEAD), minutes=30 * random.randint(14, 30))
    return instant_text(day + slot)


def _customer(random: Random) -> dict[str, str]:
    number = random.randrange(CUSTOMERS)
    return {"name": f"Customer {number}", "email": f"customer{number}@example.test"}


def _book(random: Random, shop: Shop, known: Known) -> Wanted:
    body: dict[str, Any] = {"customer": _customer(random)}
    hold = known.one("hold", random) if random.random() < 0.3 else None
    if hold is not None:
        service, start = hold.split(" ")[1:]
        body |= {"hold_id": hold.split(" ")[0], "service_id": service, "start": start}
    else:
        body |= {"service_id": random.choice(shop.services), "start": _start(random, shop)}
    return Wanted("booking", "POST", "/v1/bookings", body)


def _hold(random: Random, shop: Shop, known: Known) -> Wanted:
    body = {"service_id": random.choice(shop.services), "start": _start(random, shop)}
    return Wanted("hold", "POST", "/v1/holds", {**body, "ttl_seconds": random.randint(30, 600)})


def _release(random: Random, shop: Shop, known: Known) -> Wanted | None:
    hold = known.one("hold", random)
    return None if hold is None else Wanted("", "DELETE", f"/v1/holds/{hold.split(' ')[0]}")


def _move(random: Random, shop: Shop, known: Known) -> Wanted | None:
    booking, body = known.one("booking", random), {"start": _start(random, shop)}
    path = f"/v1/bookings/{booking}/reschedule"
    return None if booking is None else Wanted("", "POST", path, body)


def _cancel(random: Random, shop: Shop, known: Known) -> Wanted | None:
    booking, body = known.one("booking", random), {"reason_code": "customer_request"}
    path = f"/v1/bookings/{booking}/cancel"
    return None if booking is None else Wanted("", "POST", path, body)


def _consent(random: Random, shop: Shop, known: Known) -> Wanted | None:
    subject = known.one("subject", random)
    if subject is None:
        return None
    body = {**CONSENT, "decision": random.choice(("given", "withdrawn", "refused"))}
    return Wanted("consent", "POST", f"/v1/subjects/{subject}/consents", body, OFFICER)


def _ask_erasure(random: Random, shop: Shop, known: Known) -> Wanted | None:
    subject = known.one("subject", random)
    if subject is None:
        return None
    body = {
        "type": "erasure",
        "jurisdiction": "gdpr",
        "subject_id": subject,
        "received_at": instant_text(shop.world.clock.now()),
        "channel": "email",
    }
    return Wanted("request", "POST", "/v1/privacy-requests", body, OFFICER)


def _request_step(random: Random, shop: Shop, known: Known) -> Wanted | None:
    request = known.one("request", random, 3)
    step, body = random.choice(
        [("acknowledge", {}), ("verify-identity", IDENTIFIED), ("fulfil", {}), ("fulfil", {})]
    )
    path = f"/v1/privacy-requests/{request}/{step}"
    return None if request is None else Wanted("", "POST", path, body, OFFICER)


def _legal_hold(random: Random, shop: Shop, known: Known) -> Wanted | None:
    subject = known.one("subject", random)
    if subject is None:
        return None
    return Wanted("legal_hold", "POST", "/v1/legal-holds", a_hold(subject), OFFICER)


def _lift(random: Random, shop: Shop, known: Known) -> Wanted | None:
    hold = known.one("legal_hold", random)
    path = f"/v1/legal-holds/{hold}/release"
    return None if hold is None else Wanted("", "POST", path, {}, OFFICER)


def _revise(random: Random, shop: Shop, known: Known) -> Wanted:
    body = {"buffer_after_minutes": random.choice((0, 5, 10))}
    return Wanted("", "PATCH", f"/v1/services/{random.choice(shop.services)}", body)


WISHES: Final[dict[Callable[[Random, Shop, Known], Wanted | None], int]] = {
    _book: 30,
    _hold: 10,
    _release: 4,
    _move: 10,
    _cancel: 8,
    _consent: 10,
    disclose: 10,
    _ask_erasure: 2,
    _request_step: 12,
    _legal_hold: 2,
    _lift: 2,
    _revise: 1,
    serve: 3,
    gag: 4,
    look: 4,
    look_beyond: 5,
    rule_glass: 1,
    list_reviews: 3,
    review: 5,
}
