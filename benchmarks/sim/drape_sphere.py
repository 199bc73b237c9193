"""A square cloth falls on a fixed sphere; prints one JSON line: processor time per frame, and how true the result is.

    python benchmarks/sim/drape_sphere.py --n 64|128|256 [--substeps 4] [--threads 1] [--save drape.npz]

The scene (SI, z up): a cloth of 1 m x 1 m with N x N vertices and alternating diagonals, flat, at rest, its middle
surface 1 cm above a sphere of radius 0.3 m at the origin; areal density 0.15 kg/m2; 1 mm rest distance to the sphere
and 2 mm between layers; friction 0.3; E t = 2000 N/m, Poisson's ratio 0.3, bending rigidity 1e-5 N m; 60 frames at
60 fps under 9.81 m/s2 without air. A solver that has not converged falls in slow motion or strains too much, so time
counts only together with ``lowest_z``, ``mean_z``, ``p99_stretch``, ``self_intersections`` and ``tris_in_sphere``.
``--substeps`` and ``--tolerance`` far from their defaults give the converged solution to compare with.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SIZE, RADIUS, DROP = 1.0, 0.3, 0.01  # [m]
DENSITY, THICKNESS, FRICTION, GRAVITY = 0.15, 0.002, 0.3, 9.81
MEMBRANE, POISSON, BEND = 2000.0, 0.3, 1.0e-5  # [N/m], [-], [N m]
FPS, FRAMES = 60, 60


def square(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Flat vertices [m], shape [n*n, 2], and triangles with alternating diagonals, shape [2(n-1)^2, 3]."""
    s = np.linspace(-0.5 * SIZE, 0.5 * SIZE, n)
    uv = np.stack([a.ravel() for a in np.meshgrid(s, s, indexing="xy")], 1)
    j, i = (a.ravel() for a in np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing="ij"))
    a = j * n + i
    b, c, d = a + 1, a + n + 1, a + n
    even = ((i + j) % 2 == 0)[:, None]
    first = np.where(even, np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(even, np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    return uv, np.stack([first, second], 1).reshape(-1, 3).astype(np.int32)


def garment_of(n: int):
    """The cloth as a garment of one panel, y up."""
    from engine.core.types import Fabric, Garment

    uv, faces = square(n)
    fabric = Fabric(
        name="sphere_cotton", label="benchmark cotton", areal_density=DENSITY, thickness=THICKNESS,
        stretch_warp=MEMBRANE, stretch_weft=MEMBRANE, stretch_bias=MEMBRANE, shear=MEMBRANE / (2 * (1 + POISSON)),
        bend_warp=BEND, bend_weft=BEND, bend_bias=BEND, poisson=POISSON, friction_static=FRICTION,
        friction_dynamic=FRICTION, damping=0.0,
    )  # fmt: skip
    positions = np.stack([uv[:, 0], np.full(len(uv), RADIUS + DROP), -uv[:, 1]], 1)
    return Garment(
        rest_uv=uv.astype(np.float32), faces=faces, positions=positions.astype(np.float32),
        seam_pairs=np.zeros((0, 2), np.int32), seam_ids=np.zeros(0, np.int32), seam_angles=np.zeros(0, np.float32),
        panel_id=np.zeros(len(faces), np.int32), vertex_panel=np.zeros(len(uv), np.int32),
        layer=np.zeros(len(uv), np.int32), grain=np.full(1, np.pi / 2, np.float32),
        bend_scale=np.ones(len(faces), np.float32), fabrics=(fabric,), panel_names=("cloth",), name="sphere",
    )  # fmt: skip


def sphere_grid(cell: float = 0.01, margin: float = 0.06):
    """The sphere's exact signed distance, sampled."""
    from sim.body_field import DistanceGrid

    s = np.arange(-RADIUS - margin, RADIUS + margin + cell, cell)
    x, y, z = np.meshgrid(s, s, s, indexing="ij")
    values = (np.sqrt(x * x + y * y + z * z) - RADIUS).astype(np.float32)
    return DistanceGrid(values, np.full(3, s[0], np.float32), cell)


def distance_to_origin(corners: np.ndarray) -> np.ndarray:
    """Least distance of triangles [T, 3, 3] from the origin: of the plane's foot if inside, else of the edges."""
    a, b, c = (corners[:, k] for k in range(3))
    normal = np.cross(b - a, c - a)
    foot = normal * ((normal * a).sum(1) / np.maximum((normal * normal).sum(1), 1e-30))[:, None]
    inside = np.ones(len(a), bool)
    best = np.full(len(a), np.inf)
    for p, q in ((a, b), (b, c), (c, a)):
        inside &= (np.cross(q - p, foot - p) * normal).sum(1) >= 0
        t = np.clip(-(p * (q - p)).sum(1) / np.maximum(((q - p) ** 2).sum(1), 1e-30), 0, 1)
        best = np.minimum(best, np.linalg.norm(p + t[:, None] * (q - p), axis=1))
    return np.where(inside, np.linalg.norm(foot, axis=1), best)


def truth(n: int, faces: np.ndarray, x: np.ndarray, before: np.ndarray) -> dict:
    """How true the last frame is; ``before`` is the frame before it; z up, all [m]."""
    from engine.core.mesh import unique_edges
    from sim.guard import intersections

    x, before = x.astype(np.float64), before.astype(np.float64)
    if not np.isfinite(x).all():
        return {"finite": False}
    uv, _ = square(n)
    edges, _ = unique_edges(faces)
    rest = np.linalg.norm(uv[edges[:, 0]] - uv[edges[:, 1]], axis=1)
    stretch = np.linalg.norm(x[edges[:, 0]] - x[edges[:, 1]], axis=1) / rest - 1
    mass = np.bincount(faces.ravel(), minlength=n * n) * DENSITY * 0.5 * (SIZE / (n - 1)) ** 2 / 3
    depth = distance_to_origin(x[faces])
    return {
        "finite": True, "max_stretch": stretch.max(), "p99_stretch": np.quantile(stretch, 0.99),
        "max_compress": -stretch.min(), "verts_in_sphere": int((np.linalg.norm(x, axis=1) < RADIUS).sum()),
        "tris_in_sphere": int((depth < RADIUS).sum()), "max_depth_mm": max(0.0, (RADIUS - depth.min()) * 1e3),
        "self_intersections": len(intersections(x, faces)),
        "kinetic_energy_J": 0.5 * (mass * (((x - before) * FPS) ** 2).sum(1)).sum(),
        "lowest_z": x[:, 2].min(), "mean_z": (mass * x[:, 2]).sum() / mass.sum(),
    }  # fmt: skip


def make_level(n: int):
    """The cloth at rest above the sphere, ready to step."""
    from sim.level import Level

    garment = garment_of(n)
    gap = 0.001 - 0.5 * THICKNESS  # 1 mm from the sphere to the middle surface
    return Level(garment, garment.positions, sphere_grid(), open_pairs=np.zeros(0, bool), body_gap=gap,
                 layer_gap=THICKNESS)


def main() -> None:
    from engine.core.taichi_runtime import init
    from sim.solver import StepSettings

    args = arguments()
    init(device=args.device, threads=args.threads)
    begin = time.process_time()
    make_level(16).solver.step(StepSettings())  # loads every kernel
    warm = time.process_time() - begin
    begin = time.process_time()
    level = make_level(args.n)
    build = time.process_time() - begin
    settings = StepSettings(
        dt=1 / FPS / args.substeps, gravity=GRAVITY, drag=0.0, compression=args.compression,
        iterations=args.iterations,
        tolerance=args.tolerance,
    )
    solver, frames, iterations, most = level.solver, [], 0, 0
    now = level.vertices()
    for _ in range(args.frames):
        before = now
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(args.substeps):
            report = solver.step(settings)
            iterations, most = iterations + report.iterations, max(most, report.contacts)
        now = level.vertices()
        frames.append((time.perf_counter() - wall, time.process_time() - cpu))
    x, before = (np.stack([p[:, 0], -p[:, 2], p[:, 1]], 1) for p in (now, before))
    ms = 1e3 * np.array(frames)
    row = {
        "peer": "toile", "n": args.n, "verts": args.n**2, "tris": len(level.garment.faces), "frames": len(ms),
        "wall_s": ms[:, 0].sum() / 1e3, "cpu_s": ms[:, 1].sum() / 1e3,
        "wall_ms_per_frame": np.median(ms[:, 0]), "cpu_ms_per_frame": np.median(ms[:, 1]),
        "cpu_ms_per_frame_max": ms[:, 1].max(), "cpus": os.cpu_count(), "load1": os.getloadavg()[0],
        "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "device": args.device,
        "substeps": args.substeps, "iterations": iterations / args.substeps / len(ms), "contacts_most": most,
        "warmup_s": warm, "build_s": build,
    }  # fmt: skip
    row |= truth(args.n, level.garment.faces, x, before)
    if args.save:
        np.savez_compressed(args.save, x=x.astype(np.float32), tris=level.garment.faces)
    print(json.dumps({k: round(float(v), 6) if isinstance(v, float | np.floating) else v for k, v in row.items()}))


def arguments() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=64)
    parser.add_argument("--substeps", type=int, default=0, help="steps per frame; 0: 4, from n = 128 on 8")
    parser.add_argument("--iterations", type=int, default=80, help="of conjugate gradients per step at most")
    parser.add_argument("--tolerance", type=float, default=1e-2)
    parser.add_argument("--compression", type=float, default=1.0, help="share of the membrane left past buckling")
    parser.add_argument("--reach", type=float, default=1.5, help="travel per step at most, about, in edge lengths")
    parser.add_argument("--frames", type=int, default=FRAMES)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save", default="", help="file for the last frame (.npz)")
    args = parser.parse_args()
    args.substeps = args.substeps or min(max(4, args.n // 16), 8)
    return args


if __name__ == "__main__":
    main()
