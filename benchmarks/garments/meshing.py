"""Meshing: quality and time over patterns, one JSON line.

    python benchmarks/garments/meshing.py [FILE.json ...] [--edge-mm 20]

Without files: the patterns of the shared data folder beside the checkout (or TOILE_SHARED).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from garments.formats import read_pattern  # noqa: E402
from garments.meshing import mesh_pattern, refine_mesh  # noqa: E402
from garments.meshing_cdt import min_angles  # noqa: E402


def main() -> None:
    """Meshes and refines every pattern once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--edge-mm", type=float, default=20.0)
    args = parser.parse_args()
    shared = Path(os.environ.get("TOILE_SHARED") or ROOT.parent / "shared")
    files = args.files or sorted((shared / "data" / "garmentcode_patterns").glob("*_specification.json"))
    if not files:
        parser.error("no pattern files")
    angles, lengths, seconds, refine_seconds, triangles = [], [], 0.0, 0.0, 0
    for file in files:
        pattern = read_pattern(file)
        start = time.process_time()
        mesh = mesh_pattern(pattern, args.edge_mm / 1000)
        seconds += time.process_time() - start
        start = time.process_time()
        fine, _ = refine_mesh(mesh, pattern)
        refine_seconds += time.process_time() - start
        angles.append(np.degrees(min_angles(fine.uv, fine.faces)))
        corners = mesh.uv[mesh.faces]
        lengths.append(np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2).ravel())
        triangles += len(mesh.faces)
    angle, length = np.concatenate(angles), np.concatenate(lengths)
    print(json.dumps({
        "benchmark": "garments.meshing", "patterns": len(files), "edge_mm": args.edge_mm, "triangles": triangles,
        "min_angle_deg": round(float(angle.min()), 2), "min_angle_p1_deg": round(float(np.percentile(angle, 1)), 2),
        "min_angle_mean_deg": round(float(angle.mean()), 2), "below_20_deg": int((angle < 20).sum()),
        "edge_mean_mm": round(float(length.mean() * 1000), 2), "mesh_cpu_s": round(seconds, 3),
        "refine_cpu_s": round(refine_seconds, 3),
    }))


if __name__ == "__main__":
    main()
