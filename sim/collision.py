"""Finds cloth-cloth contacts and keeps them in buffers that grow."""

import numpy as np

from engine.core.mesh import weld_map
from engine.core.taichi_runtime import ti
from sim.cloth import Cloth
from sim.kernels import contact, search, tiles
from sim.kernels.types import ivec3, vec3
from sim.tiles import build_tiles

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
        made = build_tiles(cloth)
        self.lists = {name: upload(getattr(made, name)) for name in made.__dataclass_fields__}
        self.tri, self.edge = upload(cloth.faces[made.tri_order]), upload(cloth.edges[made.edge_order])
        self.dm_inv, self.gradient = upload(cloth.dm_inv[made.tri_order]), ti.Vector.ndarray(3, ti.f32, 4 * t)
        self.group = upload(cloth.group)
        self.met = upload(np.arange(n, dtype=np.int32))
        ball = lambda count: (ti.Vector.ndarray(3, ti.f32, count), ti.ndarray(ti.f32, count), ti.ndarray(ti.f32, count))  # noqa: E731
        self.tri_ball, self.edge_ball = ball(t), ball(e)  # centre, radius, reach
        count, blocks = len(made.tile_blocks), len(made.block_need)
        self.low, self.high, self.centre = (ti.Vector.ndarray(3, ti.f32, count) for _ in range(3))
        self.parts = tuple(ti.Vector.ndarray(3, ti.f32, search.PARTS * count) for _ in range(2))  # low, high
        self.cell, self.item, self.near_count = (ti.ndarray(ti.i32, count) for _ in range(3))
        self.near, self.cells, self.cell_start = ti.ndarray(ti.i32, (count, 16)), 0, None
        self.used, self.calm = ti.ndarray(ti.i32, blocks), ti.ndarray(ti.i32, blocks)
        self.still, self.tile_vertices = ti.ndarray(ti.i32, count), (cloth.faces[made.tri_order], made.tri_start)
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
        self.gap, self.most, self.push, self.stiff, self.drag = (ti.ndarray(ti.f32, contacts) for _ in range(5))
        self.kind, self.room = ti.ndarray(ti.i32, contacts), ti.Vector.ndarray(4, ti.f32, contacts)
        self.entry, self.active_entry = ti.ndarray(ti.i32, 4 * contacts), ti.ndarray(ti.i32, 4 * contacts)
        # the contacts that act: corner, weight, normal, push, stiffness, drag
        self.active = (
            ti.Vector.ndarray(4, ti.i32, contacts), ti.Vector.ndarray(4, ti.f32, contacts),
            ti.Vector.ndarray(3, ti.f32, contacts), *(ti.ndarray(ti.f32, contacts) for _ in range(3)),
        )

    def hold(self, still: np.ndarray) -> None:
        """Leaves out from now on contacts between particles that do not move, shape [P] bool."""
        corners, start = self.tile_vertices
        moving = np.concatenate([[0], np.cumsum(~still[corners].all(1))])[start[:: search.PARTS]]
        self.still.from_numpy((np.diff(moving) == 0).astype(np.int32))

    def meet(self, pairs: np.ndarray) -> None:
        """Takes these pairs of particles, shape [Q, 2], for one each: what shares a particle makes no contact."""
        self.met.from_numpy(weld_map(self.met.shape[0], pairs))

    def detect(self, x, reach, low: np.ndarray, high: np.ndarray, ahead=None) -> None:
        """Finds all pairs closer than both their particles' ``reach`` [m]; low and high bound the positions [m].

        With ``ahead``, the positions foreseen, blocks of tiles that cannot touch themselves on the way there are left
        out; :meth:`unproven` tells afterwards whether the real way was as harmless.
        """
        if ahead is None:
            self.used.fill(0)
        else:
            self._prove(x, ahead, 0.15, self.used)
        search.balls(x, reach, self.tri, *self.tri_ball, self.edge, *self.edge_ball)
        s = self.lists
        tiles.tile_boxes(x, reach, self.tri, s["tri_start"], *self.parts, self.low, self.high, self.centre)
        grid, half = self._bin(low, high)
        while True:
            tiles.tile_pairs(
                self.low, self.high, self.centre, half, *grid, self.cell_start, self.item, s["tile_blocks"], self.used,
                self.still, self.near_count, self.near, self.total,
            )
            most = int(self.total.to_numpy()[0])
            if most <= self.near.shape[1]:
                break
            self.near = ti.ndarray(ti.i32, (self.near.shape[0], most * 3 // 2))
        near = (self.near_count, self.near, self.low, self.high, *self.parts)
        while True:
            search.find_vertex_triangle(
                x, reach, self.met, self.tri, *self.tri_ball, s["vertex_tile"], *near, s["tri_start"],
                self.vt_count, self.vt,
            )
            search.find_edge_edge(
                x, self.met, self.edge, *self.edge_ball, s["edge_tile"], *near, s["edge_start"],
                self.ee_count, self.ee,
            )
            search.offsets(self.vt_count, self.vt_offset, self.ee_count, self.ee_offset, self.total)
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
        contact.write_pairs(
            x, self.group, self.tri, self.edge, self.vt_count, self.vt_offset, self.vt, self.ee_count, self.ee_offset,
            self.ee, vt_total, self.corner, self.weight, self.normal, self.gap, self.most, self.kind,
            self.room,
        )
        contact.contacts_of_vertices(self.corner, self.count, self.start, self.entry)

    def activate(
        self, thickness, radius, vel, area, friction, *, dt: float, stiffness: float, friction_most: float
    ) -> None:
        """Forces of the contacts found, and the list of those that act."""
        contact.repulsion(
            self.corner, self.weight, self.normal, self.gap, self.most, self.count, thickness, radius, vel, dt, area,
            stiffness, friction, friction_most, 2e-5, self.push, self.stiff, self.drag,
        )
        contact.keep_active(
            self.count, self.corner, self.weight, self.normal, self.push, self.stiff, self.drag, self.total,
            *self.active,
        )
        self.active_count = int(self.total.to_numpy()[0])
        contact.contacts_of_vertices(self.active[0], self.active_count, self.active_start, self.active_entry)

    def unproven(self, ref, x) -> int:
        """Number of blocks left out by :meth:`detect` that the motion from ref to x might let touch themselves."""
        self._prove(ref, x, 0.0, self.calm)
        tiles.count_broken(self.used, self.calm, self.total)
        return int(self.total.to_numpy()[0])

    def hold_back(self, ref, x, share: float) -> None:
        """Shortens the motion of the blocks counted by :meth:`unproven`."""
        s = self.lists
        tiles.hold_back(ref, x, s["vertex_block_start"], s["vertex_block"], self.used, self.calm, share)

    def _prove(self, x, ahead, margin: float, calm) -> None:
        s = self.lists
        tiles.prove_blocks(
            x, ahead, self.tri, self.dm_inv, self.gradient, s["block_start"], s["block_tri"], s["block_need"], margin,
            calm,
        )

    def _bin(self, low: np.ndarray, high: np.ndarray) -> tuple:
        """Sorts the tiles into a grid about as fine as they are wide, with a bounded number of cells."""
        half = 0.5 * (self.high.to_numpy() - self.low.to_numpy()).max(0)
        cell = max(float(half.max()), 0.004)
        span = np.maximum(np.asarray(high, np.float64) - low, 1e-3)
        while True:
            dims = np.ceil(span / cell).astype(int) + 1
            if np.prod(dims.astype(float)) <= 2e5:
                break
            cell *= 1.3
        cells = int(dims.prod())
        if cells + 1 > self.cells:
            self.cells = cells * 3 // 2 + 1
            self.cell_start = ti.ndarray(ti.i32, self.cells)
        grid = (vec3(*[float(v) for v in low]), 1.0 / cell, ivec3(*[int(v) for v in dims]))
        search.bin_items(self.centre, *grid, self.cell, self.cell_start, self.item, cells)
        return grid, vec3(*[float(v) for v in half])

    def pairs(self) -> dict[str, np.ndarray]:
        """The contacts found last, for tests and for people."""
        c = self.count
        return {k: getattr(self, k).to_numpy()[:c] for k in ("corner", "weight", "normal", "gap", "kind")}
