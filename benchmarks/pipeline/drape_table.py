"""Drapes every garment on several bodies; prints one JSON line: seams, penetration, self-intersections, strain, time.

    python benchmarks/pipeline/drape_table.py --set library|garmentcode|all --quality standard --out out/table

The library garments are drafted to measure on eight bodies (examples/bodies); GarmentCode's nine patterns (folder
--patterns) are draped on the body they were drafted for and on two near it. Each drape is a process of its own, as a
user would run it; its pictures are in --out, and table.md there holds the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ("tee", "shirt", "jacket", "skirt_straight", "skirt_a_line", "skirt_pleated", "trousers", "sheath")
BODIES = ("mean_woman", "small", "tall", "heavy", "pregnant", "man")
NEAR = ("mean_woman", "slim_woman", "full_woman")
COLUMNS = ("seam_gap_max_mm", "body_penetration_max_mm", "body_penetrating_vertices", "self_intersections",
           "self_intersections_start", "strain_p99", "cpu_s", "wall_s")  # fmt: skip


def toile(*words: str) -> dict:
    """Runs one command with --json in a process of its own; an error becomes a row too."""
    command = [sys.executable, "-m", "engine.cli", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    value = json.loads(lines[-1]) if lines else {"status": "crashed", "message": done.stderr.strip()[-300:]}
    return {**value, "exit_code": done.returncode}


def body_of(name: str, out: Path) -> Path:
    """The body's saved file, made from its measurements when it is not there."""
    folder = out / "bodies" / name
    if not (folder / "body.npz").exists():
        toile("avatar", "--measurements", str(ROOT / "examples" / "bodies" / f"{name}.yaml"), "--out", str(folder))
    return folder / "body.npz"


def one(job: tuple[str, str, str], args: argparse.Namespace) -> dict:
    """One garment on one body; its pictures unless --no-pictures."""
    label, garment, body = job
    folder = args.out / f"{label}__{body}"
    words = ["--body", str(body_of(body, args.out)), "--garment", garment, "--quality", args.quality]
    words += ["--threads", str(args.threads), "--out", str(folder)] + (["--no-cache"] if args.no_cache else [])
    value = toile("drape", *words)
    if not args.no_pictures and (folder / "drape.npz").exists():
        toile("render", str(folder), "--quality", "draft", "--no-turntable")
    row = {"garment": label, "body": body, "status": value["status"], **{c: value.get(c) for c in COLUMNS}}
    row |= {
        "vertices": value.get("vertices"),
        "message": value.get("message", ""),
        "warnings": value.get("warnings", []),
    }
    row["clean"] = bool(
        value["status"] in ("converged", "not_converged")
        and value["seam_gap_max_mm"] < 1
        and value["body_penetration_max_mm"] <= 1
        and value["self_intersections"] <= value["self_intersections_start"]
    )
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def jobs(args: argparse.Namespace) -> list[tuple[str, str, str]]:
    """(label, garment argument, body) of every drape asked for."""
    found = []
    if args.set in ("library", "all"):
        found += [(g, g, b) for g in LIBRARY for b in BODIES]
    if args.set in ("garmentcode", "all"):
        files = sorted(args.patterns.glob("*_specification.json"))
        found += [(f"gc_{f.name.removesuffix('_specification.json')}", str(f), b) for f in files for b in NEAR]
    return [j for j in found if (not args.only or args.only in j[0]) and (not args.body or j[2] == args.body)]


def write_table(rows: list[dict], path: Path) -> None:
    """The rows as a Markdown table."""
    head = ("garment", "body", "status", "clean", "vertices", *COLUMNS)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        cells = (f"{row[h]:.3g}" if isinstance(row[h], float) else str(row[h]) for h in head)
        lines.append("| " + " | ".join(cells) + " |")
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("library", "garmentcode", "all"), default="all")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--patterns", type=Path, default=ROOT.parent / "shared" / "data" / "garmentcode_patterns")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "table")
    parser.add_argument("--only", help="only garments whose label contains this")
    parser.add_argument("--body", help="only this body")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="drapes at once")
    parser.add_argument("--no-cache", action="store_true")
    parser.add_argument("--no-pictures", action="store_true")
    args = parser.parse_args()
    args.out = args.out.resolve()
    work = jobs(args)
    if not work:
        parser.error(f"nothing to drape: no *_specification.json in {args.patterns}, or --only and --body leave none")
    for body in dict.fromkeys(j[2] for j in work):
        body_of(body, args.out)
    with ThreadPoolExecutor(args.workers) as pool:
        rows = list(pool.map(lambda j: one(j, args), work))
    write_table(rows, args.out / "table.md")
    clean = sum(r["clean"] for r in rows)
    result = {"benchmark": "drape_table", "set": args.set, "quality": args.quality, "drapes": len(rows)}
    result |= {"clean": clean, "converged": sum(r["status"] == "converged" for r in rows), "rows": rows}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
