"""Drafts every garment of the library to measure for bodies of many shapes, drapes it, and prints a table.

    python -m benchmarks.garments.blocks_on_bodies [--edge 0.02] [--bodies small,heavy] [--garments tee,shirt]
"""

from __future__ import annotations

import argparse
import time

from avatars.typed import body_from_measurements
from engine.core.errors import ToileError
from garments import library
from garments.fabrics import fabric
from garments.placement import place
from sim.drape import drape

#: Stature, bust, waist, hips [m] and sex.
BODIES = {
    "small": ((1.50, 0.80, 0.63, 0.87), "female"),
    "mean": ((1.662, 0.974, 0.803, 1.041), "female"),
    "tall": ((1.95, 1.04, 0.90, 1.05), "male"),
    "heavy": ((1.63, 1.22, 1.12, 1.28), "female"),
    "pregnant": ((1.66, 1.00, 1.05, 1.04), "female"),
    "athletic": ((1.80, 1.06, 0.82, 0.99), "male"),
    "large": ((1.76, 1.18, 1.16, 1.14), "male"),
}
COLUMNS = ("seam_gap_max_mm", "body_penetration_max_mm", "body_penetrating_vertices", "self_intersections",
           "self_intersections_start", "strain_p99")


def main() -> None:
    """Runs the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edge", type=float, default=0.02, help="mesh size [m]")
    parser.add_argument("--bodies", default=",".join(BODIES))
    parser.add_argument("--garments", default=",".join(library.names()))
    args = parser.parse_args()
    print("| body | garment | status | " + " | ".join(COLUMNS) + " | seconds |")
    print("|" + "---|" * (len(COLUMNS) + 4))
    for name in args.bodies.split(","):
        sizes, sex = BODIES[name]
        typed = dict(zip(("stature", "bust_girth", "waist_girth", "hip_girth"), sizes, strict=True))
        body = body_from_measurements(typed, sex)
        for garment in args.garments.split(","):
            start = time.perf_counter()
            try:
                pattern = library.draft(garment, body.measurements, body.landmarks)
                cloth = fabric(library.default_fabric(garment))
                result = drape(place(pattern, body, cloth, edge_length=args.edge), body)
                status, figures = result.status, [f"{result.metrics[c]:.3g}" for c in COLUMNS]
            except ToileError as error:
                status, figures = str(error), [""] * len(COLUMNS)
            seconds = time.perf_counter() - start
            print(f"| {name} | {garment} | {status} | " + " | ".join(figures) + f" | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
