"""A body in motion for the solver: the surface where it is at a step's end, and how it got there.

Distances are to the surface's triangles themselves: of those near the cloth, which every step lists anew by cubes of
space. That is cheaper than to sample a grid, and nothing is rounded.
"""

import numpy as np

from engine.core.taichi_runtime import ti
from sim.body_field import BodySurface
from sim.kernels import field
from sim.kernels.types import ivec3, vec3

__all__ = ["MovingBody"]

CUBE = 0.02  #: side of the cubes that list the triangles near them [m]
PAD = 0.01  #: around the cloth, besides the way that it may go in a step [m]
CLEAR = 0.006  #: beyond the skin's way in a step, up to which gaps are told [m]
ROUNDS = 3  #: times that a particle is pushed out to the nearest skin


class MovingBody:
    """The surface of a body that moves by at most ``way_most`` [m] a step.

    Args:
        faces: of the surface, shape [D, 3].
        count: number of its vertices.
        reach: way that cloth may go in a step, and from a triangle's corner to its middle [m].
    """

    def __init__(self, faces: np.ndarray, count: int, *, way_most: float, reach: float) -> None:
        self.surface = BodySurface(faces, count)
        self.pad = reach + PAD
        self.band = way_most + CLEAR
        self.way = ti.Vector.ndarray(3, ti.f32, count)
        self.lowest, self.gap, self.away = ti.ndarray(ti.f32, 1), None, None
        self.wanted, self.origin, self.cubes = ti.ndarray(ti.i32, 1), np.zeros(3, np.float32), np.ones(3, int)
        self.at = (self.surface.nowhere, vec3(0.0), 1.0)  #: as of :class:`sim.body_field.StillBody`: far from any body

    def place(self, before: np.ndarray, now: np.ndarray, x, low: np.ndarray, high: np.ndarray, carry) -> None:
        """Moves the surface, and tells every particle the way of the skin near it.

        Args:
            before, now: the surface's vertices at the step's start and end [m], shape [C, 3].
            x: particles, a Taichi array; ``low`` and ``high`` bound them [m].
            carry: the skin's way at every particle [m], a Taichi array to be filled.
        """
        s = self.surface
        s.place(now)
        self.way.from_numpy(np.ascontiguousarray(now - before, np.float32))
        self.origin = (low - 2 * self.pad).astype(np.float32)
        self.cubes = np.ceil((high - low + 4 * self.pad) / CUBE).astype(int)
        count = int(np.prod(self.cubes))
        if count > self.wanted.shape[0]:
            self.wanted = ti.ndarray(ti.i32, count * 3 // 2)
        self.wanted.fill(0)
        field.mark_cubes(x, self.pad, *self._grid(), self.wanted)
        # a cube's lists are those of its nodes, and a cell lies between its last nodes and the next cube's first
        s.list_near(self.wanted, self._grid(), self.band + 1.8 * CUBE / field.SIDE)
        field.skin_motion(
            x, self.band, s.x, self.way, s.tri, s.centre, s.radius, s.start, s.near, *self._grid(), carry
        )
        if self.gap is None or self.gap.shape != x.shape:
            self.gap, self.away = ti.ndarray(ti.f32, x.shape[0]), ti.Vector.ndarray(3, ti.f32, x.shape[0])

    def near_cloth(self, vertices: np.ndarray) -> np.ndarray:
        """Which points [C, 3] lie in the surroundings of the cloth, as of the last :meth:`place`, shape [C]."""
        cubes = self.cubes
        at = np.floor((vertices - self.origin) / CUBE).astype(np.int64)
        inside = ((at >= 0) & (at < cubes)).all(1)
        at = np.clip(at, 0, cubes - 1)
        return inside & (self.wanted.to_numpy()[(at[:, 0] * cubes[1] + at[:, 1]) * cubes[2] + at[:, 2]] == 1)

    def measure(self, points, gap, normal) -> None:
        """Writes the signed distance [m] of points to the skin and its unit gradient; ``band`` where none is near."""
        field.measure_skin(points, self.band, self.surface.x, *self.surface.exact, *self._grid(), gap, normal)

    def keep_outside(self, ref, x, floor: float) -> None:
        """Moves every particle that ends closer to the skin than the floor gap [m] straight out to it."""
        field.push_out(x, ROUNDS, floor, self.band, self.surface.x, *self.surface.exact, *self._grid())

    def step_back(self, ref, x, floor: float) -> None:
        """Nothing: where a particle was before, the body may be now. What stays inside shows in :meth:`least_gap`."""

    def least_gap(self, x) -> float:
        """Least signed distance of any particle to the skin [m]; ``band`` if none is that near."""
        self.measure(x, self.gap, self.away)
        field.least(self.gap, self.lowest)
        return float(self.lowest.to_numpy()[0])

    def _grid(self) -> tuple:
        return vec3(*[float(v) for v in self.origin]), CUBE / field.SIDE, ivec3(*[int(n) for n in self.cubes])
