"""python -m tools.build_open_body --ansur DIR [--out FILE]: builds the open body's model file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from avatars.open_body import MODEL_PATH
from tools.build_open_body.build import build


def main() -> int:
    """Parses the command line and builds."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_open_body", description=__doc__)
    parser.add_argument("--ansur", type=Path, required=True, help="folder with the two ANSUR II CSV files")
    parser.add_argument("--out", type=Path, default=MODEL_PATH)
    parser.add_argument("--bodies", type=int, default=800, help="size of the population")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    report = build(options.ansur, options.out, bodies=options.bodies, seed=options.seed, log=_log)
    for line in report:
        print(line)
    return 0


def _log(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
