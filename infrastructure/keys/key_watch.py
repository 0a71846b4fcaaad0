"""Empty a process's memory of keys when some were destroyed or replaced elsewhere: within 2 seconds. README D9."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

from domain.errors import DomainError
from infrastructure.database import Database
from infrastructure.keys.key_vault import PostgresKeyVault

LOG: Final = logging.getLogger("daybook.keys")
SECONDS: Final = 1.0
LISTED: Final = 900  # re-keyings that the list surely goes back; the shredder keeps some more
REVISION: Final = "SELECT epoch, revision FROM epoch WHERE current"
DESTROYED: Final = "SELECT key_id FROM key_destroyed WHERE revision > %s"


class KeyWatch:
    """Looks once a second whether anything was re-keyed, and has the vault forget just that.

    When the key database cannot be asked, the vault forgets everything: it might be just what we must not keep.
    """

    def __init__(
        self,
        vault: PostgresKeyVault,
        database: Database,
        wait: Callable[[Event], bool] = lambda stop: stop.wait(SECONDS),
    ) -> None:
        self._vault = vault
        self._database = database
        self._wait = wait
        self._stop = Event()
        self._known: tuple[int, int] | None = None
        self._is_blind = False
        self._thread = Thread(target=self._run, name="key watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._database.close()

    def look(self) -> None:
        """Look once."""
        try:
            self._compare()
            self._is_blind = False
        except (
            Exception
        ) as error:  # tidy: allow broad-except - this thread goes on, and keeps nothing
            self._vault.forget()
            self._known = None
            if not self._is_blind:
                expected = isinstance(error, DomainError)
                LOG.warning(
                    "the key database cannot be watched: no key is kept (%s)",
                    "it cannot be reached" if expected else type(error).__name__,
                )
            self._is_blind = True

    def _compare(self) -> None:
        row = self._database.row(REVISION)
        present = None if row is None else (int(row[0]), int(row[1]))
        if present == self._known:
            return
        known, self._known = self._known, present
        if known is None or present is None or not known[1] < present[1] < known[1] + LISTED:
            self._vault.forget()
            return
        rows = self._database.rows(DESTROYED, (known[1],))
        self._vault.forget_tree()  # first: who caches a key looks afterwards whether the tree is still the same
        self._vault.forget_keys({key_id for (key_id,) in rows})
        self._vault.tree()  # or the bucket keys that were replaced would stay until somebody needs the others

    def _run(self) -> None:
        while not self._wait(self._stop):
            self.look()
