"""Drapes outfits of several garments; prints one JSON line: intersections across garments, penetration, time.

    python benchmarks/pipeline/outfit.py --quality standard --out out/outfits

Each outfit is a process of its own, as a user would run it, without the cache: ``cpu_s`` and ``wall_s`` are of the last
drape alone, ``total_s`` is the whole command with placing and putting on each garment. Pictures are in --out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from drape_table import COLUMNS, ROOT, body_of, toile

#: Garments from the body outwards, and the body.
OUTFITS = {
    "shirt_trousers_jacket": (("shirt", "trousers", "jacket"), "mean_woman"),
    "tee_jacket": (("tee", "jacket"), "mean_woman"),
    "shirt_tucked_into_skirt": (("shirt", "skirt_a_line"), "mean_woman"),
    "shirt_over_trousers": (("trousers", "shirt"), "mean_woman"),
    "trousers_tee_man": (("trousers", "tee"), "man"),
    "trousers_tee_heavy": (("trousers", "tee"), "heavy"),
}


def one(name: str, args: argparse.Namespace) -> dict:
    """One outfit; its pictures unless --no-pictures."""
    garments, body = OUTFITS[name]
    folder = args.out / name
    words = [word for g in garments for word in ("--garment", g)]
    words += ["--body", str(body_of(body, args.out)), "--quality", args.quality, "--threads", str(args.threads)]
    start = time.perf_counter()
    value = toile("drape", *words, "--no-cache", "--out", str(folder))
    total = time.perf_counter() - start
    if not args.no_pictures and (folder / "drape.npz").exists():
        toile("render", str(folder), "--quality", "draft", "--no-turntable")
    row = {"outfit": name, "body": body, "status": value["status"], **{c: value.get(c) for c in COLUMNS}}
    row |= {"total_s": round(total, 1), "stages_s": _stages(folder), "vertices": value.get("vertices")}
    row |= {"message": value.get("message", ""), "warnings": value.get("warnings", [])}
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def _stages(folder: Path) -> dict[str, float]:
    path = folder / "manifest.json"
    return json.loads(path.read_text())["timings_s"] if path.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "outfits")
    parser.add_argument("--only", choices=tuple(OUTFITS), help="only this outfit")
    parser.add_argument("--threads", type=int, default=0, help="0: as many as are of use (default)")
    parser.add_argument("--no-pictures", action="store_true")
    args = parser.parse_args()
    args.out = args.out.resolve()
    rows = [one(name, args) for name in OUTFITS if args.only in (None, name)]
    clean = sum(r["self_intersections"] == 0 and r["body_penetration_max_mm"] == 0 for r in rows)
    result = {"benchmark": "outfit", "quality": args.quality, "threads": args.threads, "outfits": len(rows)}
    print(json.dumps({**result, "clean": clean, "rows": rows}))


if __name__ == "__main__":
    main()
