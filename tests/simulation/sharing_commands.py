"""Random calls about what leaves, what must be kept quiet about, and what is opened in an emergency."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Final

from domain.values import instant_text
from tests.http.disclosing import wish
from tests.http.ordering import PAPER
from tests.simulation.shop import Shop
from tests.simulation.wanting import Known, Wanted

OFFICER: Final = "privacy_officer"
GAG_MINUTES: Final = (10, 60, 240, 1_200)


def _later(random: Random, shop: Shop) -> str:
    minutes = random.choice(GAG_MINUTES)
    return instant_text(shop.world.clock.now() + timedelta(minutes=minutes))


def disclose(random: Random, shop: Shop, known: Known) -> Wanted | None:
    """Somebody's data for a recipient: on its own consent, for a legal process, or kept quiet until a date."""
    subject = known.one("subject", random)
    if subject is None:
        return None
    body = wish(random.choice(shop.recipients), subject)
    if random.random() < 0.2:
        body |= {"purpose": "marketing_first_party", "lawful_basis": "consent"}
    process = known.one("process", random, 3)
    if process is not None and random.random() < 0.3:
        body["case"] = process
    elif random.random() < 0.1:
        body["withhold_until"] = _later(random, shop)
    return Wanted("disclosure", "POST", "/v1/disclosures", body, OFFICER)


def serve(random: Random, shop: Shop, known: Known) -> Wanted:
    """A paper comes in, under a gag or not."""
    body = {
        **PAPER,
        "number": f"N-{random.randrange(10**9)}",
        "served_at": instant_text(shop.world.clock.now() - timedelta(minutes=1)),
        "gag_until": _later(random, shop) if random.random() < 0.8 else None,
    }
    return Wanted("process", "POST", "/v1/legal-processes", body, OFFICER)


def gag(random: Random, shop: Shop, known: Known) -> Wanted | None:
    """Another paper ends a gag, prolongs it, or orders one."""
    process, change = (
        known.one("process", random, 3),
        random.choice(("extended", "lifted", "ordered")),
    )
    body = {"change": change, "number": f"G-{random.randrange(10**9)}"}
    if change != "lifted":
        body["until"] = _later(random, shop)
    path = f"/v1/legal-processes/{process}/gag"
    return None if process is None else Wanted("", "POST", path, body, OFFICER)


def look(random: Random, shop: Shop, known: Known) -> Wanted | None:
    """The owner opens a customer's name, now and then for a legal process."""
    booking, process = known.one("booking", random), known.one("process", random, 3)
    headers = {"daybook-purpose": "service"}
    if process is not None and random.random() < 0.6:
        headers = {"daybook-purpose": "legal_duty", "daybook-case": process}
    path = f"/v1/bookings/{booking}?include=customer"
    return None if booking is None else Wanted("look", "GET", path, headers=tuple(headers.items()))


def look_beyond(random: Random, shop: Shop, known: Known) -> Wanted | None:
    """Somebody of another location opens it, and breaks the glass for that or does not."""
    booking, process = known.one("booking", random), known.one("process", random, 3)
    headers = {"daybook-purpose": "service"}
    if random.random() < 0.8:
        headers["daybook-break-glass"] = random.choice(("emergency", "safety"))
    if process is not None and random.random() < 0.2:
        headers |= {"daybook-purpose": "legal_duty", "daybook-case": process}
    path = f"/v1/bookings/{booking}?include=customer"
    found = tuple(headers.items())
    return None if booking is None else Wanted("glass", "GET", path, None, "", shop.far_key, found)


def rule_glass(random: Random, shop: Shop, known: Known) -> Wanted:
    """The owner allows to break the glass, or forbids it."""
    hours = random.choice((1, 8, 24))
    body = {"allowed": True, "review_within_hours": hours}
    return Wanted(
        "", "PUT", "/v1/break-glass", body if random.random() < 0.7 else {"allowed": False}
    )


def list_reviews(random: Random, shop: Shop, known: Known) -> Wanted:
    """The officer asks what is to be reviewed."""
    return Wanted("reviews", "GET", "/v1/access-reviews?state=due", None, OFFICER)


def review(random: Random, shop: Shop, known: Known) -> Wanted | None:
    """Somebody reviews: the officer, or whoever it is about."""
    event = known.one("review", random, 5)
    if event is None:
        return None
    key = shop.far_key if random.random() < 0.4 else None
    body = {"outcome": random.choice(("justified", "unjustified"))}
    return Wanted("", "POST", f"/v1/access/{event}/review", body, OFFICER, key)
