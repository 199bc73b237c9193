"""Holds the cloth simulator against references; prints one JSON line with every figure.

    python benchmarks/sim/physics/run.py [--only cantilever,discs ...] [--threads 1]

Every figure has its value, its reference, the tolerance (relative, or in the figure's own unit) and whether it passed.
"""

import argparse
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[3])]

from engine.core.taichi_runtime import init  # noqa: E402
from garments.fabrics import load_fabrics  # noqa: E402
from physics import bending, discs, tension, touch  # noqa: E402

GROUPS = {
    "cantilever": lambda fabrics: bending.cantilever_figures(fabrics["wool_suiting"]),
    "buckling": lambda fabrics: bending.buckling_figures(fabrics["wool_suiting"]),
    "tension": tension.tension_figures,
    "hanging": tension.hanging_figures,
    "friction": touch.friction_figures,
    "pressure": touch.pressure_figures,
    "energy": touch.energy_figures,
    "discs": discs.disc_figures,
    "folds": discs.refinement_figures,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(GROUPS), help="groups, by commas: " + ", ".join(GROUPS))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    unknown = set(args.only.split(",")) - set(GROUPS)
    if unknown:
        parser.error(f"there is no group {', '.join(sorted(unknown))}; the groups are {', '.join(GROUPS)}")
    init(device="cpu", threads=args.threads)
    fabrics, figures, spent = load_fabrics(), {}, {}
    for group in args.only.split(","):
        begin = time.process_time()
        for figure in GROUPS[group](fabrics):
            figures[figure.name] = figure.as_dict()
            print(f"{'ok  ' if figure.passed else 'FAIL'} {figure.name} {figure.value:.5g} ({figure.reference:.5g})",
                  file=sys.stderr, flush=True)  # fmt: skip
        spent[group] = round(time.process_time() - begin, 1)
    failed = [name for name, f in figures.items() if not f["passed"]]
    print(json.dumps({
        "benchmark": "sim_physics", "figures": len(figures), "passed": len(figures) - len(failed), "failed": failed,
        "cpu_s": spent, "results": figures,
    }))  # fmt: skip
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
