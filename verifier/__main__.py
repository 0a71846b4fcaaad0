"""Run the verifier: `python -m verifier`, or `python FOLDER/verifier` wherever this folder lies."""

import sys
from pathlib import Path

# Started as a folder, Python looks for modules in this folder; the package is in the one above.
sys.path[:1] = [str(Path(__file__).resolve().parents[1])]

from verifier.command import main  # noqa: E402 - not to be found before

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
