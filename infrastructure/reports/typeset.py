"""A program of its own: data for a page as JSON on its standard input, the PDF on its standard output.

    python typeset.py page.typ

Setting a page takes memory by the hundred megabytes, and keeps it. Here it goes with the process, and no process that
answers calls ever holds it. It imports nothing of ours, so it runs from wherever its file is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import typst


def main() -> None:
    """Set one document."""
    made = typst.compile(
        Path(__file__).with_name(sys.argv[1]).read_bytes(),
        format="pdf",
        sys_inputs={"data": sys.stdin.buffer.read().decode()},
        pdf_standards=["a-2b"],
        ignore_system_fonts=True,
    )
    sys.stdout.buffer.write(bytes(made))


if __name__ == "__main__":
    main()
