"""Finds cloth-cloth contacts and keeps them in buffers that grow."""

import numpy as np

from engine.core.taichi_runtime import ti
from sim.cloth import Cloth
from sim.kernels import contact as kernels
from sim.kernels.types import ivec3, vec3

__all__ = ["Collider"]


def upload(values: np.ndarray):
    """A Taichi array with the values (at least one element long, since empty arrays cannot be allocated)."""
    values = np.ascontiguousarray(values)
    dtype = ti.f32 if values.dtype.kind == "f" else ti.i32
    tail = values.shape[1:]
    if len(values) == 0:
        values = np.zeros((1, *tail), values.dtype)
    if len(tail) == 2:
        out = ti.Matrix.ndarray(*tail, dtype, shape=len(values))
    elif len(tail) == 1:
        out = ti.Vector.ndarray(tail[0], dtype, shape=len(values))
    else:
        out = ti.ndarray(dtype, shape=len(values))
    out.from_numpy(values.astype(np.float32 if dtype == ti.f32 else np.int32))
    return out


class Collider:
    """Contacts between the primitives of one cloth.

    After :meth:`detect`: ``count`` contacts in ``corner``, ``weight``, ``normal``, ``gap`` [m] and ``kind`` (1
    vertex-triangle, 2 edge-edge), and per particle the lists ``start`` and ``entry``.
    """

    def __init__(self, cloth: Cloth) -> None:
        n, t, e = len(cloth.mass), len(cloth.faces), len(cloth.edges)
        self.tri, self.edge, self.group = upload(cloth.faces), upload(cloth.edges), upload(cloth.group)
        self.tri_centre, self.tri_radius = ti.Vector.ndarray(3, ti.f32, t), ti.ndarray(ti.f32, t)
        self.edge_centre, self.edge_radius = ti.Vector.ndarray(3, ti.f32, e), ti.ndarray(ti.f32, e)
        self.tri_cell, self.tri_item = ti.ndarray(ti.i32, t), ti.ndarray(ti.i32, t)
        self.edge_cell, self.edge_item = ti.ndarray(ti.i32, e), ti.ndarray(ti.i32, e)
        self.cells = 0
        self.tri_start = self.edge_start = None
        self.vt_count, self.vt_offset = ti.ndarray(ti.i32, n), ti.ndarray(ti.i32, n)
        self.ee_count, self.ee_offset = ti.ndarray(ti.i32, e), ti.ndarray(ti.i32, e)
        self.vt, self.ee = ti.ndarray(ti.i32, (n, 8)), ti.ndarray(ti.i32, (e, 8))
        self.total = ti.ndarray(ti.i32, 4)
        self.start, self.active_start = ti.ndarray(ti.i32, n + 1), ti.ndarray(ti.i32, n + 1)
        self.count = self.active_count = 0
        self._reserve(4 * n)

    def _reserve(self, contacts: int) -> None:
        self.capacity = contacts
        self.corner = ti.Vector.ndarray(4, ti.i32, contacts)
        self.weight = ti.Vector.ndarray(4, ti.f32, contacts)
        self.normal = ti.Vector.ndarray(3, ti.f32, contacts)
        self.relative = ti.Vector.ndarray(3, ti.f32, contacts)
        self.gap, self.push, self.stiff, self.drag = (ti.ndarray(ti.f32, contacts) for _ in range(4))
        self.kind = ti.ndarray(ti.i32, contacts)
        self.entry, self.active_entry = ti.ndarray(ti.i32, 4 * contacts), ti.ndarray(ti.i32, 4 * contacts)
        # the contacts that act: corner, weight, normal, push, stiffness, drag
        self.active = (
            ti.Vector.ndarray(4, ti.i32, contacts), ti.Vector.ndarray(4, ti.f32, contacts),
            ti.Vector.ndarray(3, ti.f32, contacts), *(ti.ndarray(ti.f32, contacts) for _ in range(3)),
        )

    def detect(self, x, low: np.ndarray, high: np.ndarray, reach: float) -> None:
        """Finds all pairs closer than ``reach`` [m]; low and high bound the positions [m]."""
        kernels.triangle_balls(x, self.tri, self.tri_centre, self.tri_radius)
        kernels.edge_balls(x, self.edge, self.edge_centre, self.edge_radius)
        tri_max = float(self.tri_radius.to_numpy().max())
        edge_max = float(self.edge_radius.to_numpy().max())
        span = np.maximum(np.asarray(high, np.float64) - low, 1e-3)
        tri_grid = self._bin("tri", low, span, max(tri_max + reach, 0.004))
        edge_grid = self._bin("edge", low, span, max(2 * edge_max + reach, 0.004))
        while True:
            kernels.find_vertex_triangle(
                x, self.group, self.tri, self.tri_centre, self.tri_radius, tri_max, reach, *tri_grid,
                self.tri_start, self.tri_item, self.vt_count, self.vt,
            )
            kernels.find_edge_edge(
                x, self.group, self.edge, self.edge_centre, self.edge_radius, edge_max, reach, *edge_grid,
                self.edge_start, self.edge_item, self.ee_count, self.ee,
            )
            kernels.offsets(self.vt_count, self.vt_offset, self.total, 0)
            kernels.offsets(self.ee_count, self.ee_offset, self.total, 1)
            vt_total, vt_most, ee_total, ee_most = (int(v) for v in self.total.to_numpy())
            full = False
            if vt_most > self.vt.shape[1]:
                self.vt, full = ti.ndarray(ti.i32, (self.vt.shape[0], vt_most * 3 // 2)), True
            if ee_most > self.ee.shape[1]:
                self.ee, full = ti.ndarray(ti.i32, (self.ee.shape[0], ee_most * 3 // 2)), True
            if not full:
                break
        self.count = vt_total + ee_total
        if self.count > self.capacity:
            self._reserve(self.count * 3 // 2)
        kernels.write_pairs(
            x, self.tri, self.edge, self.vt_count, self.vt_offset, self.vt, self.ee_count, self.ee_offset, self.ee,
            vt_total, self.corner, self.weight, self.normal, self.gap, self.kind,
        )
        kernels.contacts_of_vertices(self.corner, self.count, self.start, self.entry)

    def activate(self, radius, vel, area, friction, *, dt: float, stiffness: float, friction_most: float) -> None:
        """Forces of the contacts found, and the list of those that act."""
        kernels.repulsion(
            self.corner, self.weight, self.normal, self.gap, self.count, radius, vel, dt, area, stiffness, friction,
            friction_most, 2e-5, self.push, self.stiff, self.drag,
        )
        kernels.keep_active(
            self.count, self.corner, self.weight, self.normal, self.push, self.stiff, self.drag, self.total,
            *self.active,
        )
        self.active_count = int(self.total.to_numpy()[0])
        kernels.contacts_of_vertices(self.active[0], self.active_count, self.active_start, self.active_entry)

    def _bin(self, what: str, low: np.ndarray, span: np.ndarray, cell: float) -> tuple:
        """Sorts triangles or edges into a grid of about ``cell`` [m] that has a bounded number of cells."""
        while True:
            dims = np.ceil(span / cell).astype(int) + 1
            if np.prod(dims.astype(float)) <= 2e6:
                break
            cell *= 1.3
        cells = int(dims.prod())
        if cells + 1 > self.cells:
            self.cells = cells * 3 // 2 + 1
            self.tri_start = ti.ndarray(ti.i32, self.cells)
            self.edge_start = ti.ndarray(ti.i32, self.cells)
        grid = (vec3(*[float(v) for v in low]), 1.0 / cell, ivec3(*[int(v) for v in dims]))
        names = [getattr(self, f"{what}_{n}") for n in ("centre", "cell", "start", "item")]
        kernels.bin_items(names[0], *grid, names[1], names[2], names[3], cells)
        return grid

    def pairs(self) -> dict[str, np.ndarray]:
        """The contacts found last, for tests and for people."""
        c = self.count
        return {k: getattr(self, k).to_numpy()[:c] for k in ("corner", "weight", "normal", "gap", "kind")}
