"""Cusick's drape test: a disc of 30 cm held between two plates of 18 cm; its shadow and its folds."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks
from scipy.spatial import Delaunay

from engine.core.types import Fabric, Garment
from physics.scenes import Figure, level_of, settle, sheet

__all__ = [
    "PLATE", "DISC", "Draped", "ring_mesh", "drape_disc", "drape_coefficient", "folds", "disc_figures",
    "refinement_figures",
]

DISC, PLATE = 0.15, 0.09  #: radii [m] (BS 5058, ISO 9073-9)
#: Drape coefficients of the classes [%] that fabrics of the library must fall into.
RANGES = {
    "silk_charmeuse": (20, 40), "silk_chiffon": (20, 40), "wool_suiting": (40, 70), "poplin": (60, 76),
    "twill": (60, 76), "denim": (70, 90),
}  # fmt: skip

COEFFICIENT_WITHIN = 3.0  #: points by which the drape coefficient may change with the mesh


@dataclass(frozen=True)
class Draped:
    """A disc at rest."""

    garment: Garment
    positions: np.ndarray  #: [m], shape [N, 3]
    steps: int
    residual: float  #: net force over weight


def ring_mesh(edge: float) -> tuple[np.ndarray, np.ndarray]:
    """The free annulus and the row of triangles in whose middle the plates end: uv [N, 2], faces [T, 3]."""
    n = int(2 * DISC / edge) + 4
    i, j = np.meshgrid(np.arange(-n, n + 1), np.arange(-n, n + 1), indexing="ij")
    points = np.stack([(i + 0.5 * j).ravel() + 0.31, np.sqrt(0.75) * j.ravel() + 0.17], 1) * edge
    radius = np.linalg.norm(points, axis=1)
    circles = []
    for r in (PLATE - edge / 2, PLATE + edge / 2, DISC):
        a = np.arange(int(round(2 * np.pi * r / edge))) / int(round(2 * np.pi * r / edge)) * 2 * np.pi
        circles.append(r * np.column_stack([np.cos(a), np.sin(a)]))
    inside = points[(radius > PLATE + 1.05 * edge) & (radius < DISC - 0.6 * edge)]
    uv = np.concatenate([*circles, inside])
    faces = Delaunay(uv).simplices
    faces = faces[np.linalg.norm(uv[faces].mean(1), axis=1) > PLATE - 0.6 * edge]
    d = uv[faces[:, 1:]] - uv[faces[:, :1]]
    area = d[:, 0, 0] * d[:, 1, 1] - d[:, 0, 1] * d[:, 1, 0]
    faces = np.where(area[:, None] < 0, faces[:, ::-1], faces)
    inner = np.linalg.norm(uv[faces], axis=2).max(1) < PLATE
    return uv, faces[~inner & (np.abs(area) > 1e-3 * edge**2)]


def drape_disc(fabric: Fabric, *, edge: float = 0.006, speed: float = 1.5e-3, steps: int = 700, **changes) -> Draped:
    """Lets the overhang down from flat, with a start that is uneven by a tenth of a millimetre, alike on any mesh."""
    uv, faces = ring_mesh(edge)
    r, a = np.linalg.norm(uv, axis=1), np.arctan2(uv[:, 1], uv[:, 0])
    bumps = sum(np.cos(n * a + 2.4 * n * n) for n in range(2, 13))
    height = 1e-4 * bumps * np.clip((r - PLATE) / (DISC - PLATE), 0, 1)
    garment = sheet(uv, faces, np.column_stack([uv[:, 0], height, -uv[:, 1]]), fabric)
    level = level_of(garment)
    rest = np.zeros((int(level.particle.max()) + 1, 2))
    rest[level.particle] = uv
    level.solver.pin(np.flatnonzero(np.linalg.norm(rest, axis=1) < PLATE + 0.6 * edge))
    used = settle(level, speed=speed, steps=steps, **({"drag": 2.0, "tolerance": 1e-2, "iterations": 80} | changes))
    return Draped(garment, level.vertices(), used, level.solver.force_residual())


def drape_coefficient(draped: Draped, *, pixel: float = 2.5e-4) -> float:
    """Share of the flat overhang's shadow that the draped one covers [%].

    Beside the mesh's own flat outline, a polygon that is smaller than the circle by half a point at 20 mm.
    """
    rest = draped.garment.rest_uv
    flat = np.column_stack([rest[:, 0], np.zeros(len(rest)), -rest[:, 1]])
    plate = np.pi * PLATE**2
    shadows = [shadow(positions, draped.garment.faces, pixel) for positions in (draped.positions, flat)]
    return 100 * (shadows[0] - plate) / (shadows[1] - plate)


def shadow(positions: np.ndarray, faces: np.ndarray, pixel: float) -> float:
    """Area that cloth [m], shape [N, 3], and plate cover, seen from above [m2]."""
    size = int(2.1 * DISC / pixel)
    image = Image.new("1", (size, size))
    draw = ImageDraw.Draw(image)
    for triangle in (positions[:, [0, 2]] / pixel + size / 2)[faces]:
        draw.polygon([tuple(p) for p in triangle], fill=1)
    c = size / 2
    draw.ellipse([c - PLATE / pixel, c - PLATE / pixel, c + PLATE / pixel, c + PLATE / pixel], fill=1)
    return float(np.asarray(image).sum()) * pixel**2


def folds(draped: Draped) -> int:
    """Number of folds: ridges of the hem that stand out by 4 mm or more, seen from above."""
    rest = np.linalg.norm(draped.garment.rest_uv, axis=1)
    hem = np.flatnonzero(rest > DISC - 1e-5)
    hem = hem[np.argsort(np.arctan2(draped.garment.rest_uv[hem, 1], draped.garment.rest_uv[hem, 0]))]
    radius = np.linalg.norm(draped.positions[hem][:, [0, 2]], axis=1)
    even = np.interp(np.arange(720) / 720 * len(hem), np.arange(len(hem) + 1), np.append(radius, radius[0]))
    smooth = gaussian_filter1d(even, 4, mode="wrap")
    peaks, _ = find_peaks(np.tile(smooth, 3), prominence=0.004)
    return int(((peaks >= 720) & (peaks < 1440)).sum())


def disc_figures(fabrics: dict[str, Fabric]) -> list[Figure]:
    """Drape coefficients of the classes."""
    out = []
    for name, fabric in fabrics.items():
        draped = drape_disc(fabric)
        low, high = RANGES.get(name, (0, 100))
        value = drape_coefficient(draped)
        out.append(Figure(
            f"drape_coefficient_{name}", value, 0.5 * (low + high), 0.5 * (high - low), relative=False,
            note=f"{low} to {high} %" if name in RANGES else "no range asked for",
            detail={"folds": folds(draped), "steps": draped.steps, "residual": round(draped.residual, 4)},
        ))  # fmt: skip
    return out


def refinement_figures(fabrics: dict[str, Fabric], edges: tuple[float, ...] = (0.01, 0.007, 0.005)) -> list[Figure]:
    """Folds and drape coefficients on coarser meshes beside those on the finest."""
    out = []
    for name in ("poplin", "wool_suiting", "silk_chiffon"):
        results = [drape_disc(fabrics[name], edge=edge) for edge in edges]
        counts, shares = [folds(r) for r in results], [drape_coefficient(r) for r in results]
        for k, edge in enumerate(edges[:-1]):
            at = f"{name}_{1000 * edge:g}mm"
            out.append(Figure(f"folds_{at}", counts[k], counts[-1], 1.0, relative=False))
            out.append(Figure(f"drape_coefficient_{at}", shares[k], shares[-1], COEFFICIENT_WITHIN, relative=False))
    return out
