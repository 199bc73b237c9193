"""The hybrid against its rivals in one simulated shop; one JSON line.

    python benchmarks/recsys/regimes.py REGIME [--split temporal|last_out] [--repeats] [--seed N]

Regimes: recsys.simulate.REGIMES. **Simulated shoppers**: the figures show that the blend adapts to the regime, not
how good recommendations are for real people.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recsys.evaluate import evaluate  # noqa: E402
from recsys.simulate import REGIMES, simulate  # noqa: E402


def main() -> None:
    """Simulates, evaluates, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("regime", choices=sorted(REGIMES))
    parser.add_argument("--split", default="temporal")
    parser.add_argument("--repeats", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.process_time()
    shop = simulate(REGIMES[args.regime], args.seed)
    result = evaluate(
        shop.events, shop.catalogue, split=args.split, repeats=args.repeats, seed=args.seed,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )  # fmt: skip
    print(json.dumps({
        "benchmark": "recsys.regimes", "simulated": True, "regime": args.regime, "seed": args.seed,
        **{k: result[k] for k in ("split", "models", "differences")}, "blend": result["hybrid"]["blend"],
        "cpu_s": round(time.process_time() - start, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
