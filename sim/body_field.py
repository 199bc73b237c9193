"""The body as a signed distance grid for the solver."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np
import scipy.ndimage

from engine.core.taichi_runtime import ti
from sim.collision import upload
from sim.kernels import body, field
from sim.kernels.types import ivec3, vec3

__all__ = ["BodySurface", "DistanceGrid", "StillBody", "cubes_of", "distance_grid"]


#: Corners of a grid's cell, and the parts of it at whose middles interpolation is held against the exact distance.
CORNERS = tuple(itertools.product((0, 1), repeat=3))
PARTS = (*itertools.product((0.25, 0.75), repeat=3), (0.5, 0.5, 0.5))
EVEN = 0.95  #: slope of the distance within a cell from which the surface is nearly flat there [-]
SLIGHT = 2e-4  #: error of interpolation that matters to no contact [m]


@dataclass(frozen=True)
class DistanceGrid:
    """Signed distance [m] (positive outside) at ``origin + cell * (i, j, k)``."""

    values: np.ndarray  #: float32, shape [nx, ny, nz]
    origin: np.ndarray  #: [m], shape [3]
    cell: float  #: [m]

    @functools.cached_property
    def on_device(self) -> tuple:
        """The values as a Taichi array, their origin [m] and 1 / cell [1/m], as kernels take them."""
        values = ti.ndarray(ti.f32, self.values.shape)
        values.from_numpy(self.values)
        return values, vec3(*[float(v) for v in self.origin]), 1.0 / self.cell

    def at(self, points: np.ndarray) -> np.ndarray:
        """Signed distance at points [..., 3], linear between the samples; at the border's outside the border's [m]."""
        where = np.moveaxis((np.asarray(points) - self.origin) / self.cell, -1, 0)
        return scipy.ndimage.map_coordinates(self.values, where, order=1, mode="nearest")


class StillBody:
    """A body at rest for the solver. ``at``: signed distances (a Taichi array), their origin [m] and 1 / cell [1/m]."""

    def __init__(self, grid: DistanceGrid) -> None:
        self.at = grid.on_device

    def measure(self, points, gap, normal) -> None:
        """Writes the signed distance [m] of points to the body and its unit gradient; all are Taichi arrays."""
        body.measure(points, *self.at, gap, normal)

    def keep_outside(self, ref, x, floor: float) -> None:
        """Stops motions from ref to x at the floor gap [m]."""
        body.keep_outside(ref, x, *self.at, floor)

    def step_back(self, ref, x, floor: float) -> None:
        """Shortens motions that would still end below the floor gap [m]."""
        body.step_back(ref, x, *self.at, floor)


def distance_grid(
    vertices: np.ndarray, faces: np.ndarray, *, cell: float = 0.005, band: float = 0.014, margin: float = 0.04
) -> DistanceGrid:
    """Samples the signed distance to a closed mesh.

    Within ``band`` [m] of the surface the values are exact, save where the surface is bent so sharply (fingers) that
    interpolation between exact nodes would reach into it: there they are as much less. Further away they are
    interpolated from a grid four times as coarse, which is all that a fast approach needs.
    """
    step = field.SIDE
    surface = BodySurface(faces, len(vertices))
    surface.place(vertices)
    origin = (vertices.min(0) - margin).astype(np.float32)
    dims = np.ceil((vertices.max(0) + margin - origin) / (cell * step)).astype(int) + 1
    coarse = ti.ndarray(ti.f32, tuple(int(d) for d in dims))
    reach = 2.0 * cell * step
    surface.sample(coarse, origin, cell * step, reach)
    coarse.from_numpy(_beyond(coarse.to_numpy(), cell * step, reach))
    fine = ti.ndarray(ti.f32, tuple(int(d - 1) * step + 1 for d in dims))
    surface.sample(fine, origin, cell, band, coarse=coarse)
    values = fine.to_numpy()
    _take_overstated(surface, values, origin, cell)
    return DistanceGrid(values, origin, cell)


def _take_overstated(surface: "BodySurface", values: np.ndarray, origin: np.ndarray, cell: float) -> None:
    """Lowers the values around every node by how much more room near the surface they promise than there is [m]."""
    near, most = values[:-1, :-1, :-1], np.float32(2 * cell)
    cells = np.argwhere((near < most) & (near > -most))
    ends = np.stack([values[tuple((cells + at).T)] for at in CORNERS], 1)
    slope = ends @ (2 * np.array(CORNERS, np.float32) - 1) / (4 * cell)
    bent = (slope**2).sum(1) < EVEN**2
    cells, ends = cells[bent], ends[bent]
    excess = np.zeros(len(cells), np.float32)
    for part in PARTS:
        weight = np.prod(np.where(CORNERS, part, np.subtract(1, part)), 1)
        beside = np.argmax(weight)  # a corner; from there to the part distances change by no more than the way
        way = cell * np.linalg.norm(np.subtract(part, CORNERS[beside]))
        some = np.flatnonzero(np.abs(ends[:, beside]) < 1.001 * (cell + way))
        at = (origin + cell * (cells[some] + part)).astype(np.float32)
        exact = surface.distances(at, origin, cell, cell, values.shape)
        over = np.where(np.abs(exact) < cell, ends[some] @ weight.astype(np.float32) - exact, 0.0)
        excess[some] = np.maximum(excess[some], over)
    much = excess > SLIGHT
    corners = [np.ravel_multi_index((cells[much] + at).T, values.shape) for at in CORNERS]
    nodes, which = np.unique(corners, return_inverse=True)
    lower = np.zeros(len(nodes), np.float32)
    np.maximum.at(lower, which.ravel(), np.tile(excess[much], len(CORNERS)))
    values.ravel()[nodes] -= lower


def _beyond(values: np.ndarray, cell: float, band: float) -> np.ndarray:
    """Distances [m] known within the band, carried on outwards and inwards from the nearest node that has one."""
    known = np.abs(values) < band
    away, nearest = scipy.ndimage.distance_transform_edt(~known, sampling=cell, return_indices=True)
    seed = values[tuple(nearest)]
    return np.where(known, values, seed + np.sign(seed) * away).astype(np.float32)


class BodySurface:
    """A closed triangle mesh of fixed connectivity whose vertices may move, to be sampled on grids.

    Args:
        faces: shape [F, 3].
        count: number of vertices.
    """

    def __init__(self, faces: np.ndarray, count: int) -> None:
        faces = np.asarray(faces, np.int64)
        self.tri, self.across = upload(faces), upload(_across(faces))
        order = np.argsort(faces.ravel(), kind="stable")
        self.around_start = upload(np.concatenate([[0], np.cumsum(np.bincount(faces.ravel(), minlength=count))]))
        self.around = upload(order)
        vec = lambda n: ti.Vector.ndarray(3, ti.f32, n)  # noqa: E731
        self.x, self.corner_normal = vec(count), vec(count)
        self.centre, self.normal, self.radius = vec(len(faces)), vec(len(faces)), ti.ndarray(ti.f32, len(faces))
        self.nowhere = ti.ndarray(ti.f32, (2, 2, 2))
        self.nowhere.fill(1.0)
        self.near, self.total, self.start = ti.ndarray(ti.i32, 1), ti.ndarray(ti.i32, 1), ti.ndarray(ti.i32, 1)

    def place(self, vertices: np.ndarray) -> None:
        """Moves the mesh's vertices there [m], shape [V, 3]."""
        self.x.from_numpy(np.ascontiguousarray(vertices, np.float32))
        field.face_figures(self.x, self.tri, self.centre, self.radius, self.normal)
        field.corner_normals(self.x, self.tri, self.normal, self.around_start, self.around, self.corner_normal)

    def sample(self, values, origin: np.ndarray, cell: float, band: float, *, coarse=None) -> None:
        """Writes the signed distance [m] into the nodes of a grid (a Taichi array), exact within ``band`` [m].

        Args:
            coarse: grid ``field.SIDE`` times as coarse that tells the values further away; far outside if None.
        """
        wanted = ti.ndarray(ti.i32, int(np.prod(cubes_of(values.shape))))
        wanted.fill(1)
        place = _grid_place(origin, cell, values.shape)
        self.list_near(wanted, place, band)
        field.sample(
            self.x, *self.exact, wanted, band, *place, self.nowhere if coarse is None else coarse, values,
        )

    def distances(
        self, points: np.ndarray, origin: np.ndarray, cell: float, band: float, shape: tuple[int, ...]
    ) -> np.ndarray:
        """Exact signed distances [m] of points [P, 3] within a grid just sampled.

        ``band``, no wider than it was sampled with, where there is no skin within that.
        """
        gap, away = ti.ndarray(ti.f32, max(len(points), 1)), ti.Vector.ndarray(3, ti.f32, max(len(points), 1))
        place = _grid_place(origin, cell, shape)
        field.measure_skin(upload(points), band, self.x, *self.exact, *place, gap, away)
        return gap.to_numpy()[: len(points)]

    @property
    def exact(self) -> tuple:
        """What exact distances need besides the vertices: the triangles, their figures, and the lists of cubes."""
        return (self.tri, self.across, self.centre, self.radius, self.normal, self.corner_normal, self.start,
                self.near)  # fmt: skip

    def list_near(self, wanted, place: tuple, band: float) -> None:
        """Lists the triangles within ``band`` [m] of the nodes of the cubes where the Taichi array ``wanted`` is 1.

        Args:
            place: the grid's origin [m], cell [m] and number of cubes along each axis.
        """
        if self.start.shape[0] != wanted.shape[0] + 1:
            self.start = ti.ndarray(ti.i32, wanted.shape[0] + 1)
        field.count_near(self.centre, self.radius, band, *place, wanted, self.start, self.total)
        total = int(self.total.to_numpy()[0])
        if total > self.near.shape[0]:
            self.near = ti.ndarray(ti.i32, total * 3 // 2)
        field.list_near(self.centre, self.radius, band, *place, wanted, self.start, self.near)


def _grid_place(origin: np.ndarray, cell: float, shape: tuple[int, ...]) -> tuple:
    """A grid's origin [m], cell [m] and number of cubes along each axis, as kernels take them."""
    return vec3(*[float(v) for v in origin]), cell, ivec3(*cubes_of(shape))


def cubes_of(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Number of cubes of ``field.SIDE`` nodes that cover a grid along every axis."""
    return tuple(-(-int(n) // field.SIDE) for n in shape)


def _across(faces: np.ndarray) -> np.ndarray:
    """Triangle on the other side of each edge (v0 v1), (v1 v2), (v2 v0), itself where there is none, shape [F, 3]."""
    half = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    key = half[:, 0] * (int(faces.max()) + 1) + half[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    other = np.repeat(np.arange(len(faces)), 3)
    first, second = order[same], order[same + 1]
    other[first], other[second] = second // 3, first // 3
    return other.reshape(-1, 3)
