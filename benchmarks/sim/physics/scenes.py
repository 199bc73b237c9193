"""Flat cloths in any mesh, as one level of the real solver, and the way to their rest."""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import Delaunay

from engine.core.types import Fabric, Garment
from sim.body_field import DistanceGrid
from sim.level import Level
from sim.solver import StepSettings

__all__ = ["GRAVITY", "Figure", "nowhere", "grid", "lattice", "sheet", "level_of", "settle"]

GRAVITY = 9.81  #: [m/s2]


@dataclass(frozen=True)
class Figure:
    """One measured figure beside its reference."""

    name: str
    value: float
    reference: float
    tolerance: float  #: relative where ``relative``, else in the figure's own unit
    relative: bool = True
    note: str = ""
    detail: dict = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        away = abs(self.value - self.reference)
        return bool(away <= self.tolerance * (abs(self.reference) if self.relative else 1.0))

    def as_dict(self) -> dict:
        """For JSON."""
        out = {"value": round(self.value, 5), "reference": round(self.reference, 5), "tolerance": self.tolerance,
               "relative": self.relative, "passed": self.passed}  # fmt: skip
        return out | ({"note": self.note} if self.note else {}) | ({"detail": self.detail} if self.detail else {})


def nowhere() -> DistanceGrid:
    """A body that is far away."""
    return DistanceGrid(np.full((2, 2, 2), 1.0, np.float32), np.zeros(3, np.float32), 1.0)


def grid(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grid of right triangles with alternating diagonals on the lines x and y [m]: uv [N, 2], faces [T, 3]."""
    uv = np.stack(np.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
    j, i = np.meshgrid(np.arange(len(y) - 1), np.arange(len(x) - 1), indexing="ij")
    a = (j * len(x) + i).ravel()
    b, d = a + 1, a + len(x)
    c = d + 1
    even = ((i + j) % 2 == 0).ravel()[:, None]
    first = np.where(even, np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(even, np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    return uv, np.stack([first, second], 1).reshape(-1, 3)


def lattice(x: np.ndarray, y: np.ndarray, edge: float, turn: float) -> tuple[np.ndarray, np.ndarray]:
    """Nearly equilateral triangles, their rows turned by ``turn`` [rad], in a rectangle: uv [N, 2], faces [T, 3].

    The columns of points at all ``x`` but the last, and the outline, are kept; the lattice fills what lies beyond.
    """
    low, high = (x[-2], y[0]), (x[-1], y[-1])
    n = int(4 * max(high[0] - low[0], high[1] - low[1]) / edge) + 4
    i, j = np.meshgrid(np.arange(-n, n + 1), np.arange(-n, n + 1), indexing="ij")
    points = np.stack([(i + 0.5 * j).ravel(), np.sqrt(0.75) * j.ravel()], 1) * edge
    c, s = np.cos(turn), np.sin(turn)
    points = points @ np.array([[c, s], [-s, c]]) + [0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1])]
    inside = (points > np.add(low, 0.45 * edge)).all(1) & (points < np.subtract(high, 0.45 * edge)).all(1)
    across = max(int(round((high[1] - low[1]) / edge)), 1)
    along = max(int(round((high[0] - low[0]) / edge)), 1)
    ys = np.linspace(low[1], high[1], across + 1)
    xs = np.linspace(low[0], high[0], along + 1)[1:]
    outline = [np.column_stack([np.full(len(ys), v), ys]) for v in (*x[:-1], x[-1])]
    outline += [np.column_stack([xs[:-1], np.full(len(xs) - 1, v)]) for v in (low[1], high[1])]
    uv = np.concatenate([*outline, points[inside]])
    faces = Delaunay(uv).simplices
    d = uv[faces[:, 1:]] - uv[faces[:, :1]]
    area = d[:, 0, 0] * d[:, 1, 1] - d[:, 0, 1] * d[:, 1, 0]
    faces = np.where(area[:, None] < 0, faces[:, ::-1], faces)[np.abs(area) > 1e-3 * edge**2]
    return uv, faces


def sheet(
    uv: np.ndarray, faces: np.ndarray, positions: np.ndarray, fabric: Fabric, *, grain: float = np.pi / 2
) -> Garment:
    """One panel; ``grain`` is the warp's direction in uv [rad]."""
    n = len(uv)
    return Garment(
        rest_uv=uv.astype(np.float32), faces=faces.astype(np.int32), positions=positions.astype(np.float32),
        seam_pairs=np.zeros((0, 2), np.int32), seam_ids=np.zeros(0, np.int32), seam_angles=np.zeros(0, np.float32),
        panel_id=np.zeros(len(faces), np.int32), vertex_panel=np.zeros(n, np.int32), layer=np.zeros(n, np.int32),
        grain=np.array([grain], np.float32), bend_scale=np.ones(len(faces), np.float32), fabrics=(fabric,),
        panel_names=("sheet",), name=fabric.name,
    )


def level_of(garment: Garment, body: DistanceGrid | None = None, **changes) -> Level:
    """The sheet in the solver, where it is placed."""
    return Level(garment, garment.positions, body or nowhere(), open_pairs=np.zeros(0, bool), **changes)


def settle(level: Level, *, speed: float = 2e-4, steps: int = 600, calm: int = 5, **changes) -> int:
    """Steps until no particle is faster than ``speed`` [m/s] for ``calm`` steps; returns the number of steps."""
    settings = StepSettings(**({"dt": 0.01, "drag": 4.0, "tolerance": 1e-3, "iterations": 200} | changes))
    still = 0
    for k in range(steps):
        still = still + 1 if level.solver.step(settings).max_speed < speed else 0
        if still >= calm:
            return k + 1
    return steps
