"""How well photos give girths: fits people whose bodies are known and compares tape readings.

    python benchmarks/avatars/photo_fit.py --photos DIR [--weight] [--views front,side] [--overlays OUT]

DIR holds person_XX folders as ``tools.sample_photos`` writes them. Prints one line per person on stderr and one JSON
line on stdout: mean absolute error and bias [cm] of each girth, and the share of errors within one and two standard
errors.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from avatars.fit import FitResult, fit_photos, write_overlays  # noqa: E402
from avatars.measure import measure_vertices  # noqa: E402
from avatars.open_body import load_open_body  # noqa: E402
from engine.core.errors import ToileError  # noqa: E402

NAMES = ("bust_girth", "waist_girth", "hip_girth", "underbust_girth", "thigh_girth", "calf_girth", "upper_arm_girth",
         "neck_girth", "crotch_height", "back_shoulder_width", "arm_length")  # fmt: skip


def fit_person(folder: Path, *, weight: bool, views: tuple[str, ...]) -> tuple[FitResult, dict[str, np.ndarray]]:
    """The fit, and for each measurement (true value, fitted value, standard error) [m]."""
    truth = json.loads((folder / "truth.json").read_text())
    arrays = np.load(folder / "truth.npz", allow_pickle=False)
    real = measure_vertices(load_open_body(), arrays["vertices_measuring"])
    paths = {v: folder / f"{v}.jpg" if v in views else None for v in ("front", "side")}
    result = fit_photos(
        paths["front"], paths["side"], height=truth["stature_m"], weight=truth["mass_kg"] if weight else None,
        sex=truth["sex"],
    )  # fmt: skip
    fitted = result.body.measurements
    return result, {n: np.array([real[n].value, fitted[n].value, fitted[n].stderr]) for n in NAMES}


def summary(rows: list[dict[str, np.ndarray]]) -> dict:
    """Errors over all people, in centimetres."""
    out: dict = {}
    for name in NAMES:
        real, fitted, std = np.array([r[name] for r in rows]).T
        error = fitted - real
        out[name] = {
            "mean_abs_error_cm": round(100 * float(np.abs(error).mean()), 2),
            "bias_cm": round(100 * float(error.mean()), 2),
            "worst_cm": round(100 * float(error[np.argmax(np.abs(error))]), 2),
            "stderr_cm": round(100 * float(std.mean()), 2),
            "within_1_stderr": round(float((np.abs(error) <= std).mean()), 2),
            "within_2_stderr": round(float((np.abs(error) <= 2 * std).mean()), 2),
        }
    return out


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--weight", action="store_true", help="give the weight to the fit, too")
    parser.add_argument("--views", default="front,side")
    parser.add_argument("--overlays", type=Path, default=None, help="folder for overlay pictures")
    parser.add_argument("--people", type=int, default=None, help="only the first so many")
    args = parser.parse_args()
    rows, failed, seconds = [], {}, []
    folders = [f for f in sorted(args.photos.glob("person_*")) if (f / "truth.json").exists()][: args.people]
    for folder in folders:
        start = time.perf_counter()
        try:
            result, row = fit_person(folder, weight=args.weight, views=tuple(args.views.split(",")))
        except ToileError as error:
            failed[folder.name] = error.code
            print(f"{folder.name}: {error}", file=sys.stderr)
            continue
        seconds.append(time.perf_counter() - start)
        rows.append(row)
        if args.overlays:
            write_overlays(result, args.overlays / folder.name)
        errors = " ".join(f"{n.split('_')[0]} {100 * (v[1] - v[0]):+.1f}±{100 * v[2]:.1f}" for n, v in row.items())
        rms = "/".join(f"{1000 * v.contour_rms:.1f}" for v in result.views)
        print(f"{folder.name}: {errors} | contour {rms} mm, {seconds[-1]:.0f} s", file=sys.stderr, flush=True)
    report = {"people": len(rows), "failed": failed, "views": args.views, "weight": args.weight}
    if rows:
        report |= {"seconds_mean": round(float(np.mean(seconds)), 1), "errors": summary(rows)}
    print(json.dumps(report))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
