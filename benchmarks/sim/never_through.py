"""Random drapes: how many end with cloth through the body, through cloth, not a number, or not at all, and why.

    python benchmarks/sim/never_through.py --count 500 --seed 0 --resume out/never_through.jsonl

Every case (see random_cases.py) is drawn from the seed and its number: a library garment with random options, or a
pattern of --patterns, on a random body in a random standing pose, in a random fabric, at draft quality. Workers are
processes that live for some cases; one that hangs or dies is a failed case. Each case is one line of the --resume file,
and a case in that file is not draped again. Prints one JSON line: counts by status and by cause.

A case fails if it ends in an error, or with a vertex in the body, more self-intersections than it started with, or
values that are not numbers. Seams that do not close and cloth that still moves are no failures of that kind: they are
counted apart, by cause.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import selectors
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
METRICS = ("seam_gap_max_mm", "body_penetration_max_mm", "body_penetrating_vertices", "self_intersections",
           "self_intersections_start", "strain_p99", "rms_speed", "force_residual", "frames")  # fmt: skip
DEEPEST = 1.0  #: depth in the body that counts as rounding of the exact test [mm]

# ---- one case, in a worker


def drape_case(case: dict, args: argparse.Namespace) -> dict:
    """Drapes one case and says how it ended; errors become results."""
    from engine.core.errors import ToileError

    started = time.process_time()
    try:
        row = _drape(case, args)
    except ToileError as error:
        row = {"status": "error", "cause": _cause_of_error(error.code, error.message), "message": error.message}
    except Exception as error:  # a traceback on a user's input is a fault of ours: named as such
        row = {"status": "error", "cause": f"bug: {type(error).__name__}", "message": str(error)[:300]}
    return {**case, **row, "cpu_s": round(time.process_time() - started, 2)}


def _drape(case: dict, args: argparse.Namespace) -> dict:
    from random_cases import make

    from engine.config import QUALITY
    from engine.core import codec
    from garments.fabrics import load_fabrics
    from garments.placement import place
    from sim.drape import DrapeConfig, drape

    pattern, body, fabric = make(case, ROOT / "examples" / "bodies" / "mean_woman.yaml")
    preset = QUALITY[args.quality]
    garment = place(pattern, body, fabric, fabrics=load_fabrics(), edge_length=preset.edge_length, levels=preset.levels)
    keep = args.keep / f"{case['number']:04d}" if args.keep else None
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        for value, name in ((body, "body"), (garment, "garment"), (fabric, "fabric")):
            codec.save(value, keep / f"{name}.npz")
    result = drape(garment, body, config=DrapeConfig(threads=args.threads, dump=str(keep or "")))
    if keep:
        codec.save(result, keep / "drape.npz")
    numbers = bool(np.isfinite(result.positions).all() and np.isfinite(result.strain).all())
    row = {k: round(float(result.metrics[k]), 5) for k in METRICS}
    row |= {"vertices": len(garment.positions), "finite": numbers, "warnings": list(result.warnings)}
    return row | _verdict(result.status, row)


def _verdict(status: str, row: dict) -> dict:
    """Status and named cause of a drape that came to an end."""
    faults = {
        "not a number": not row["finite"],
        "cloth in the body": row["body_penetration_max_mm"] > DEEPEST,
        "cloth through cloth": row["self_intersections"] > row["self_intersections_start"],
    }
    found = [name for name, is_so in faults.items() if is_so]
    if found or status == "failed":
        return {"status": "failed", "cause": " and ".join(found) or "failed"}
    if status == "converged":
        return {"status": status, "cause": ""}
    text = " ".join(row["warnings"])
    causes = [w for w in ("too small for this body", "is in its way") if w in text]
    causes = ["seam open: " + w for w in causes] + (["still moving"] if "still moving" in text else [])
    return {"status": status, "cause": causes[0] if causes else "other"}


def _cause_of_error(code: str, message: str) -> str:
    """The error's code and the kind of panel that it names."""
    names = re.findall(r"'([^']+)'", message) if code.startswith("placement") else []
    words = {w for w in ("cuff", "sleeve", "collar", "waistband", "wb", "torso", "skirt", "leg", "pant")
             for n in names if w in n}  # fmt: skip
    return f"{code} ({', '.join(sorted(words))})" if words else code


def work(args: argparse.Namespace) -> None:
    """Worker: reads a case per line and answers with a line."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that a library prints may come between the answers
    for line in sys.stdin:
        answers.write(json.dumps(drape_case(json.loads(line), args)) + "\n")
        answers.flush()


# ---- the cases, over workers


class Worker:
    """A process that drapes cases; a new one after some cases, a time-out or a crash."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.process, self.cases = args, None, 0

    def run(self, case: dict) -> dict:
        """The case's row; one for a case that hung or killed its process too."""
        if self.process is None or self.cases >= self.args.recycle:
            self.close()
            words = [sys.executable, __file__, "--worker", "--quality", self.args.quality]
            words += ["--threads", str(self.args.threads)] + (["--keep", str(self.args.keep)] if self.args.keep else [])
            environment = os.environ | {"OMP_NUM_THREADS": str(self.args.threads)}
            self.process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
            )
            self.cases = 0
        self.cases += 1
        started = time.monotonic()
        try:
            self.process.stdin.write((json.dumps(case) + "\n").encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self._answer(started + self.args.timeout)
        if line:
            return {**json.loads(line), "wall_s": round(time.monotonic() - started, 2)}
        hung = self.process.poll() is None
        cause = "time-out" if hung else f"crash: exit {self.process.returncode}"
        self.close()
        return {**case, "status": "error", "cause": cause, "message": "", "cpu_s": None}

    def _answer(self, deadline: float) -> bytes:
        """The next line of the worker; empty when it died or the time is over."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            ready = waiting.select(max(deadline - time.monotonic(), 0.0))
        line = self.process.stdout.readline() if ready else b""
        if ready and not line:
            self.process.wait()
        return line

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.process = None


def finished(path: Path | None, seed: int) -> dict[int, dict]:
    """Rows of an earlier run with the same seed, by number; a last line cut short is dropped."""
    rows = {}
    if path and path.exists():
        text = path.read_text()
        if text and not text.endswith("\n"):
            text = text[: text.rfind("\n") + 1]
            path.write_text(text)
        for line in text.splitlines():
            row = json.loads(line)
            if row["seed"] == seed:
                rows[row["number"]] = row
    return rows


def summary(rows: list[dict], args: argparse.Namespace) -> dict:
    """Counts, worst figures and times of all cases."""
    failed = [r for r in rows if r["status"] in ("failed", "error")]
    draped = [r for r in rows if r["status"] != "error"]
    cpu = np.array([r["cpu_s"] for r in rows if r["cpu_s"] is not None] or [0.0])

    def named(some: list[dict]) -> dict[str, dict]:
        count = Counter(r["cause"] for r in some)
        numbers = {c: [r["number"] for r in some if r["cause"] == c] for c in count}
        return {c: {"count": k, "cases": numbers[c]} for c, k in count.most_common()}

    def most(key: str) -> float:
        return max((r[key] for r in draped), default=0.0)

    return {
        "benchmark": "never_through", "seed": args.seed, "quality": args.quality, "cases": len(rows),
        "failed": len(failed), "failed_share": round(len(failed) / max(len(rows), 1), 4),
        "status": dict(Counter(r["status"] for r in rows)), "failures": named(failed),
        "not_converged": named([r for r in rows if r["status"] == "not_converged"]),
        "body_penetration_max_mm": most("body_penetration_max_mm"),
        "with_vertices_in_the_body": sum(r["body_penetrating_vertices"] > 0 for r in draped),
        "with_self_intersections": sum(r["self_intersections"] > 0 for r in draped),
        "with_values_not_numbers": sum(not r["finite"] for r in draped),
        "cpu_s": {"median": round(float(np.median(cpu)), 1), "p95": round(float(np.percentile(cpu, 95)), 1),
                  "max": round(float(cpu.max()), 1)},
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, nargs="+", help="only these numbers, whatever the file holds")
    parser.add_argument("--quality", choices=("draft", "standard", "fine"), default="draft")
    parser.add_argument("--patterns", type=Path, help="folder of GarmentCode patterns, for every third case")
    parser.add_argument("--resume", type=Path, help="file of one JSON line a case, appended to")
    parser.add_argument("--keep", type=Path, help="folder for the body, garment and drape of every case")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=600.0, help="for one case [s]")
    parser.add_argument("--recycle", type=int, default=40, help="cases after which a worker is replaced")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return work(args)
    from random_cases import draw

    patterns = tuple(str(p.resolve()) for p in sorted(args.patterns.glob("*.json"))) if args.patterns else ()
    rows = {} if args.only else finished(args.resume, args.seed)
    numbers = args.only or [n for n in range(args.count) if n not in rows]
    if args.resume:
        args.resume.parent.mkdir(parents=True, exist_ok=True)
    file = args.resume.open("a") if args.resume else None
    free = [Worker(args) for _ in range(args.workers)]

    def one(number: int) -> None:
        worker = free.pop()
        row = {"seed": args.seed, **worker.run(draw(args.seed, number, patterns))}
        free.append(worker)
        rows[number] = row
        line = json.dumps(row)
        print(line, file=sys.stderr, flush=True)
        if file:
            file.write(line + "\n")
            file.flush()

    with ThreadPoolExecutor(args.workers) as pool:
        list(pool.map(one, numbers))
    for worker in free:
        worker.close()
    chosen = numbers if args.only else range(args.count)
    print(json.dumps(summary([rows[n] for n in chosen], args)))


if __name__ == "__main__":
    main()
