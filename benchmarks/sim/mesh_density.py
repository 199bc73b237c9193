"""Whether a garment drapes alike at 20, 10 and 5 mm: each coarser drape beside the finest; prints one JSON line.

    python benchmarks/sim/mesh_density.py --garments tee,skirt_a_line --levels 3

All meshes of a garment share the vertices of the coarsest. Told of each coarser drape, over these: how far they lie
from where the finest has them (mean and 95th percentile, along the garment's outside too, for a fold that has moved
along the cloth is no other fit), how much higher the lowest hem hangs on average, and how much wider it is around.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from avatars.typed import body_from_measurements  # noqa: E402
from engine.core.types import Body  # noqa: E402
from engine.library_names import default_fabric, load_fabric, load_pattern  # noqa: E402
from engine.measurement_file import read_measurements  # noqa: E402
from garments.placement import place  # noqa: E402
from sim.drape import DrapeConfig, drape  # noqa: E402
from sim.exact_distance import signed_distance  # noqa: E402

EDGE = 0.02  #: of the coarsest mesh [m]
SLICE = 0.03  #: height of the lowest slice of a garment, taken for its hem [m]


def draped(garment: str, fabric: str, body: Body, levels: int, threads: int) -> tuple[np.ndarray, str]:
    """The drape's positions [m], those of the coarsest mesh first, and its status."""
    edge = EDGE / 2 ** (levels - 1)
    placed = place(load_pattern(garment, body), body, load_fabric(fabric), edge_length=edge, levels=levels)
    found = drape(placed, body, config=DrapeConfig(threads=threads))
    return found.positions.astype(np.float64), found.status


def hem(positions: np.ndarray, low: np.ndarray) -> tuple[float, float]:
    """Mean height [m] of the vertices ``low`` and the girth [m] of their outline seen from above."""
    from scipy.spatial import ConvexHull

    points = positions[low]
    return float(points[:, 1].mean()), float(ConvexHull(points[:, [0, 2]]).area)


def compared(garment: str, fabric: str, body: Body, args: argparse.Namespace) -> list[dict]:
    """A row for each mesh coarser than the finest."""
    runs = [draped(garment, fabric, body, k, args.threads) for k in range(1, args.levels + 1)]
    common = len(runs[0][0])
    finest = runs[-1][0][:common]
    low = finest[:, 1] < finest[:, 1].min() + SLICE
    height, girth = hem(finest, low)
    gap = signed_distance(body.contact_vertices, body.contact_faces, finest)
    rows = []
    for k, (positions, status) in enumerate(runs[:-1]):
        x = positions[:common]
        apart = np.linalg.norm(x - finest, axis=1) * 100
        outward = np.abs(signed_distance(body.contact_vertices, body.contact_faces, x) - gap) * 100
        mine = hem(x, low)
        rows.append({
            "garment": garment, "fabric": fabric, "edge_mm": 1000 * EDGE / 2**k, "status": status,
            "apart_mean_cm": apart.mean(), "apart_p95_cm": np.percentile(apart, 95),
            "from_body_mean_cm": outward.mean(), "from_body_p95_cm": np.percentile(outward, 95),
            "hem_higher_cm": 100 * (mine[0] - height), "hem_wider_cm": 100 * (mine[1] - girth),
        })  # fmt: skip
    return [{k: round(float(v), 2) if isinstance(v, float) else v for k, v in row.items()} for row in rows]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garments", default="tee,skirt_a_line,skirt_straight,trousers")
    parser.add_argument("--fabric", help="default: each garment's own")
    parser.add_argument("--measurements", type=Path, default=ROOT / "examples" / "bodies" / "mean_woman.yaml")
    parser.add_argument("--levels", type=int, default=3, help="number of meshes, from 20 mm on")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    values, sex = read_measurements(args.measurements)
    body = body_from_measurements(values, sex=sex)
    rows = []
    for garment in args.garments.split(","):
        rows += compared(garment, args.fabric or default_fabric(garment), body, args)
    print(json.dumps({"benchmark": "mesh_density", "rows": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
