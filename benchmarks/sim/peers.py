"""Cloth on a sphere, ours and the peers' one after another on this machine, behind the same gates; prints a JSON line.

    python benchmarks/sim/peers.py --n 64 --peers DIR --newton-python PY --blender-python PY \\
        [--newton 10x20,20x20] [--style3d 10x4] [--frames 60]

DIR holds ``newton_drape.py`` and ``blender_drape.py``, which run the scene of ``drape_sphere.py``, print one JSON line
and save the last frame (``--out``); each peer runs in the Python that has its packages, and is left out without one.
``--newton`` lists settings of Newton's VBD as substeps x iterations.

What counts is processor time per frame (median) of those that tell the truth. All last frames are judged here, by one
measure: lowest and mean z within 5 % of the converged solution (ours with 24 steps a frame, or ``--converged``), the
99th percentile of the stretch at most 1 %, no self-intersection, no triangle in the sphere. With fewer than 60 frames
the processor time still holds, the gates are not judged, and a row says so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import drape_sphere
import numpy as np

NEAR, STRETCH = 0.05, 0.01  #: of the converged heights; 99th percentile [-]
FIGURES = ("lowest_z", "mean_z", "p99_stretch", "max_stretch", "self_intersections", "tris_in_sphere")


def run(command: list[str], folder: Path, timeout: float) -> dict:
    """The JSON line of one program; ``{"error": ...}`` if it gave none."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": str(error)[:200]}
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        return {"error": (done.stderr.strip().splitlines() or ["printed no JSON line"])[-1][:200]}
    return json.loads(lines[-1])


def judged(row: dict, frame: Path, converged: tuple[float, float] | None) -> dict:
    """What of a program's row is compared, and the gates that its last frame misses."""
    if "error" in row:
        return row
    keep = ("peer", "frames", "substeps", "iterations", "cpu_ms_per_frame", "cpu_s", "load1", "version")
    out = {k: row[k] for k in keep if k in row}
    if row["frames"] < drape_sphere.FRAMES:
        return out | {"misses": None, "note": "too few frames for the gates"}
    last = np.load(frame, allow_pickle=False)
    x = last["x"]
    truth = drape_sphere.truth(int(round(len(x) ** 0.5)), last["tris"], x, x)
    if not truth["finite"]:
        return out | {"misses": ["finite"]}
    out |= {k: round(float(truth[k]), 5) for k in FIGURES}
    if converged is None:
        return out
    misses = [k for k, to in zip(("lowest_z", "mean_z"), converged, strict=True) if abs(truth[k] - to) > NEAR * abs(to)]
    misses += ["p99_stretch"] if truth["p99_stretch"] > STRETCH else []
    misses += [k for k in ("self_intersections", "tris_in_sphere") if truth[k]]
    return out | {"misses": misses}


def commands(n: int, args: argparse.Namespace) -> list[list[str]]:
    """Every peer's command, without its output file."""
    size, out = ["--n", str(n), "--frames", str(args.frames)], []
    if args.newton_python:
        newton = [args.newton_python, "newton_drape.py", *size]
        for solver, settings in (("vbd", args.newton), ("style3d", args.style3d)):
            for setting in filter(None, settings.split(",")):
                substeps, iterations = setting.split("x")
                out.append([*newton, "--solver", solver, "--substeps", substeps, "--iterations", iterations])
    if args.blender_python:
        out.append([args.blender_python, "blender_drape.py", *size])
    return out


def compare(n: int, args: argparse.Namespace, scratch: Path) -> dict:
    """Ours and every peer at one size."""
    ours = [sys.executable, drape_sphere.__file__, "--n", str(n), "--save"]
    frame = scratch / "last.npz"
    converged = args.converged
    if converged is None and args.frames >= drape_sphere.FRAMES:
        fine = run([*ours, str(frame), "--substeps", str(args.fine)], scratch, args.timeout)
        fine = judged(fine, frame, None)
        if "lowest_z" not in fine:
            return {"n": n, "error": f"no converged solution: {fine}"}
        converged = fine["lowest_z"], fine["mean_z"]
    words = [str(frame), "--frames", str(args.frames)]
    mine = judged(run([*ours, *words], scratch, args.timeout), frame, converged)
    rows = []
    for command in commands(n, args):
        row = run([*command, "--out", str(frame)], args.peers, args.timeout)
        rows.append({"command": " ".join(command[1:])} | judged(row, frame, converged))
        print(json.dumps({"n": n} | rows[-1]), file=sys.stderr, flush=True)
    result = {"n": n, "converged": converged, "ours": mine, "peers": rows}
    for name, chosen in (("true", [r for r in rows if r.get("misses") == []]),
                         ("untrue", [r for r in rows if r.get("misses")])):  # fmt: skip
        fastest = min((r["cpu_ms_per_frame"] for r in chosen), default=None)
        known = fastest is not None and "cpu_ms_per_frame" in mine
        result[f"times_faster_than_fastest_{name}"] = round(fastest / mine["cpu_ms_per_frame"], 2) if known else None
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", default="64", help="vertices a side, by commas")
    parser.add_argument("--peers", type=Path, required=True, help="folder with the peers' scripts")
    parser.add_argument("--newton-python", default="", help="Python with newton and warp-lang")
    parser.add_argument("--blender-python", default="", help="Python with bpy")
    parser.add_argument("--newton", default="10x20,20x20", help="VBD's substeps x iterations, by commas")
    parser.add_argument("--style3d", default="", help="Style3D's substeps x iterations, by commas")
    parser.add_argument("--frames", type=int, default=drape_sphere.FRAMES)
    parser.add_argument("--fine", type=int, default=24, help="our steps a frame for the converged solution")
    parser.add_argument("--converged", type=float, nargs=2, metavar=("LOWEST_Z", "MEAN_Z"), help="[m], if known")
    parser.add_argument("--timeout", type=float, default=7200.0, help="of one program [s]")
    args = parser.parse_args()
    args.peers = args.peers.resolve()
    for name in ("newton_python", "blender_python"):
        if getattr(args, name):  # not resolved: a venv's python is a link
            setattr(args, name, str(Path(getattr(args, name)).absolute()))
    with tempfile.TemporaryDirectory() as scratch:
        sizes = [compare(int(n), args, Path(scratch)) for n in args.n.split(",")]
    print(json.dumps({"benchmark": "sphere_peers", "near": NEAR, "stretch": STRETCH, "sizes": sizes}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
