"""Garments one after the other on all threads, against side by side on one thread each; prints one JSON line.

    python benchmarks/sim/batch.py --quality draft --out out/batch_benchmark
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

from engine.batch import run_jobs

ROOT = Path(__file__).resolve().parents[2]
GARMENTS = ("tee", "skirt_straight", "skirt_a_line", "trousers", "shirt", "sheath")


def jobs(label: str, threads: int, args: argparse.Namespace) -> list:
    body = ROOT / "examples" / "bodies" / "mean_woman.yaml"
    words = ["drape", "--measurements", str(body), "--quality", args.quality, "--threads", str(threads), "--no-cache"]
    return [
        (f"{label}_{g}", [*words, "--garment", g, "--out", str(args.out / f"{label}_{g}"), "--json"]) for g in GARMENTS
    ]


def measured(label: str, threads: int, workers: int, args: argparse.Namespace) -> dict:
    """Wall and processor seconds of all garments; every process has its first drape's loading in it."""
    started = time.perf_counter()
    rows = run_jobs(jobs(label, threads, args), workers, lambda row: None)
    return {
        "workers": workers,
        "threads": threads,
        "wall_s": round(time.perf_counter() - started, 2),
        "cpu_s": round(sum(row["job_cpu_s"] for row in rows), 2),
        "not_clean": [row["name"] for row in rows if row["exit_code"] or row.get("self_intersections", 1)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "batch_benchmark")
    args = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    in_turn, side_by_side = measured("in_turn", cores, 1, args), measured("beside", 1, cores, args)
    result = {"benchmark": "batch", "quality": args.quality, "garments": len(GARMENTS), "cores": cores}
    result |= {"in_turn": in_turn, "side_by_side": side_by_side}
    print(json.dumps(result | {"speedup": round(in_turn["wall_s"] / side_by_side["wall_s"], 2)}))


if __name__ == "__main__":
    main()
