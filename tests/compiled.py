"""Compile once: a test run starts hundreds of Python processes, and each would compile all that it imports.

That is what happens where PYTHONDONTWRITEBYTECODE is set, or the packages were installed uncompiled: half of the
start of a process. So what is compiled is kept beside the environment's packages, and goes with them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

FOLDER = "PYTHONPYCACHEPREFIX"


def _keep_compiled() -> None:
    """From now on in this process, and in all that it starts. A folder that was named already is used."""
    folder = os.environ.setdefault(FOLDER, str(Path(sys.prefix) / "bytecode"))
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.pycache_prefix = folder
    sys.dont_write_bytecode = False


_keep_compiled()  # before anything of ours is imported
