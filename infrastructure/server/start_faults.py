"""Why Daybook could not start, or had to stop: one clear line each, and an exit code.

    StartFault
    ├── FolderInUse          another process runs on this data folder         2
    ├── FolderNotWritable    we may not write there                           2
    ├── PortInUse            somebody else listens on the port                2
    ├── NoBinaries           no PostgreSQL to run                             2
    ├── WrongVersion         the data folder is of another major version      2
    ├── NotRunning           a verb needs the server, and nobody started it   2
    ├── DiskFull             no space left                                    1
    └── ServerFailed         PostgreSQL did not come up                       1

The message is written for the person at the terminal. It never holds a password, or the text of a
library.
"""

from __future__ import annotations

from typing import ClassVar


class StartFault(Exception):
    """Daybook could not start. `str(fault)` is one line; `exit_code` is the command's."""

    exit_code: ClassVar[int] = 2


class FolderInUse(StartFault):
    """Another process runs on this data folder."""


class FolderNotWritable(StartFault):
    """The data folder cannot be written."""


class PortInUse(StartFault):
    """Somebody else listens on the port."""


class NoBinaries(StartFault):
    """There is no PostgreSQL to run."""


class WrongVersion(StartFault):
    """The data folder is of another major version of PostgreSQL."""


class NotRunning(StartFault):
    """The server is not running."""


class DiskFull(StartFault):
    """No space is left for the database."""

    exit_code = 1


class ServerFailed(StartFault):
    """PostgreSQL did not come up, or would not go down."""

    exit_code = 1
