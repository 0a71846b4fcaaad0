"""Legal processes over the ports of a world in memory."""

from __future__ import annotations

from application.access.denials import Denials
from application.access.reveal import Reveal
from application.custody.custodies import Custodies
from application.orders.legal_processes import LegalProcesses, StandingOrders
from infrastructure.twin.memory import MemoryWorld


def legal_processes(world: MemoryWorld) -> LegalProcesses:
    """Those that were served in `world`."""
    store, book, clock, ids = world.store, world.book, world.clock, world.ids
    gags = StandingOrders(book)
    denials = Denials(store, world.denial_counts, clock, ids, gags)
    custodies = Custodies(store, store)
    reveal = Reveal(store, world.opener, clock, ids, book, denials, gags, custodies)
    return LegalProcesses(store, book, world.people, reveal, world.withheld, clock, ids)
