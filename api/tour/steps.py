"""The steps of the tour, in order. To add one: write it in a file of this folder, and name it here."""

from __future__ import annotations

from typing import Final

from api.tour.booking import (
    book_it,
    call_it_off,
    hold_a_slot,
    move_it,
    sell_it_twice,
    take_it_to_a_calendar,
)
from api.tour.busy import import_a_busy_calendar
from api.tour.offering import see_the_clocks_change, see_the_offer
from api.tour.reading import see_names_under_a_purpose, see_the_record
from api.tour.step import Step

STEPS: Final = (
    Step(
        "offer",
        "What is on offer",
        "Every location keeps its own time: a business sets up places, services and people once, "
        "and slots follow from them.",
        see_the_offer,
    ),
    Step(
        "clock-change",
        "Free slots when the clocks change",
        "Opening hours are wall time: the shop opens when its own clock says so, although the "
        "instant is another one in UTC.",
        see_the_clocks_change,
    ),
    Step(
        "hold",
        "Hold a slot",
        "A customer who is still typing loses nothing, and a hold that is forgotten ends by itself.",
        hold_a_slot,
    ),
    Step(
        "book",
        "Book it, and send the same call again",
        "A call whose answer got lost can simply be sent again: with an Idempotency-Key it books "
        "once.",
        book_it,
    ),
    Step(
        "twice",
        "Try to sell it twice",
        "A constraint in the database holds the time, buffers included; no race between processes "
        "gets past it.",
        sell_it_twice,
    ),
    Step(
        "reschedule",
        "Move it",
        "The old time is given up and the new one taken in one step, and only by someone who has "
        "seen the latest version.",
        move_it,
    ),
    Step(
        "calendar",
        "Take it to a calendar",
        "The UID stays and SEQUENCE counts, so a calendar moves the entry it has instead of adding "
        "another.",
        take_it_to_a_calendar,
    ),
    Step(
        "busy",
        "Import a busy calendar",
        "Private appointments make people unavailable, and nobody at the business learns what "
        "they are.",
        import_a_busy_calendar,
    ),
    Step(
        "cancel",
        "Call it off",
        "The time is free in the same instant, and the reason is a code, never somebody's story.",
        call_it_off,
    ),
    Step(
        "names",
        "Who comes, and who may know",
        "A name is opened for a stated purpose only, and the looking itself is recorded before "
        "anything is shown.",
        see_names_under_a_purpose,
    ),
    Step(
        "record",
        "Where it all stands",
        "Each act is an event with its own place in one order that has no holes; a reader can wait "
        "until a list has caught up with it.",
        see_the_record,
    ),
)
