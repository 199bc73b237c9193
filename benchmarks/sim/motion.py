"""Clothes on a moving body: what a frame costs, and that nothing passes; prints one JSON line.

    python benchmarks/sim/motion.py --qualities draft standard --out out/motion

Tee, A-line skirt and trousers on the mean woman (examples/bodies), in catwalk, sit and reach. Milliseconds are the
processor's, of the cloth's steps alone; intersections and penetrations are the greatest of all frames, looked at
exactly in each. One process a drape and one a motion, as a user would run them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = (
    "frames", "cpu_ms_per_frame", "wall_ms_per_frame", "steps", "steps_taken_back", "steps_crushed",
    "self_intersections", "body_penetration_max_mm", "body_penetrating_vertices", "min_gap_mm", "strain_p99",
)  # fmt: skip


def toile(*words: str) -> dict:
    """Runs one command with --json in a process of its own; an error becomes a row too."""
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", *words, "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {"status": "crashed", "message": done.stderr.strip()[-300:]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garments", nargs="+", default=["tee", "skirt_a_line", "trousers"])
    parser.add_argument("--motions", nargs="+", default=["catwalk", "sit", "reach"])
    parser.add_argument("--qualities", nargs="+", default=["draft", "standard"])
    parser.add_argument("--body", default="mean_woman")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "motion")
    args = parser.parse_args()
    out, rows = args.out.resolve(), []
    body = out / args.body
    toile("avatar", "--measurements", str(ROOT / "examples" / "bodies" / f"{args.body}.yaml"), "--out", str(body))
    for quality in args.qualities:
        for garment in args.garments:
            look = out / f"{garment}_{quality}"
            toile("drape", "--body", str(body), "--garment", garment, "--quality", quality, "--threads", args.threads,
                  "--out", str(look))  # fmt: skip
            for motion in args.motions:
                value = toile("animate", str(look), "--motion", motion, "--threads", args.threads, "--no-preview",
                              "--out", str(look / motion))  # fmt: skip
                row = {"garment": garment, "motion": motion, "quality": quality, "status": value["status"]}
                rows.append({**row, **{c: value.get(c) for c in COLUMNS}, "glb": value.get("glb"),
                             "message": value.get("message", "")})  # fmt: skip
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    clean = sum(row["status"] == "done" for row in rows)
    print(json.dumps({"benchmark": "motion", "clips": len(rows), "clean": clean, "rows": rows}))


if __name__ == "__main__":
    main()
