"""A multilevel additive preconditioner for the implicit step (Bramble, Pasciak and Xu 1990).

The cloth's own coarser meshes give the middle levels; the coarsest is a set of points spread evenly over the cloth
with smooth overlapping weights, whose small dense matrix is inverted. Without it conjugate gradients would need as
many iterations as the cloth is vertices long.

The coarser levels also hold the contacts between layers of cloth. These are stiffer than the cloth by orders of
magnitude: a level that does not know them proposes to press layers into each other, and the iterations go into taking
that back.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.csgraph

from engine.core.taichi_runtime import ti
from sim.cloth import Cloth
from sim.collision import upload
from sim.contact_matrix import ActingContacts
from sim.kernels import multilevel as kernels

__all__ = ["Interpolation", "Multilevel", "from_coarser", "spread_points", "without"]


@dataclass(frozen=True)
class Interpolation:
    """Values at fine particles from those at coarse ones: sparse rows."""

    matrix: scipy.sparse.csr_matrix  #: shape [fine, coarse]


def from_coarser(fine_particle: np.ndarray, coarse_particle: np.ndarray, edges: np.ndarray) -> Interpolation:
    """Linear interpolation of a mesh subdivided once.

    Args:
        fine_particle: Particle of every fine vertex, shape [N + E].
        coarse_particle: Particle of every coarse vertex, shape [N].
        edges: Coarse vertices of whose edges the other fine vertices are the midpoints, shape [E, 2].
    """
    n, m = int(fine_particle.max()) + 1, int(coarse_particle.max()) + 1
    _, vertex = np.unique(fine_particle, return_index=True)
    count = len(coarse_particle)
    old = vertex < count
    first = np.where(old, vertex, edges[np.maximum(vertex - count, 0), 0])
    second = np.where(old, vertex, edges[np.maximum(vertex - count, 0), 1])
    rows = np.repeat(np.arange(n), 2)
    cols = coarse_particle[np.stack([first, second], 1)].ravel()
    matrix = scipy.sparse.coo_matrix((np.full(2 * n, 0.5), (rows, cols)), shape=(n, m)).tocsr()
    matrix.sum_duplicates()
    return Interpolation(matrix)


def spread_points(cloth: Cloth, *, limit: int = 300) -> Interpolation:
    """Smooth weights of about ``limit`` points at most spread evenly over the cloth, along its surface.

    Of small cloths a sixteenth of their particles: more would make the dense coarsest solve dearer than the finest
    level, and save no iterations.
    """
    n = len(cloth.mass)
    limit = min(limit, max(n // 16, 60))
    length = _rest_lengths(cloth)
    i = np.concatenate([cloth.edges[:, 0], cloth.pairs[:, 0]])
    j = np.concatenate([cloth.edges[:, 1], cloth.pairs[:, 1]])
    d = np.concatenate([length, np.full(len(cloth.pairs), 1e-4)])
    graph = scipy.sparse.coo_matrix((d, (i, j)), shape=(n, n)).tocsr()
    spacing = 1.1 * np.sqrt(float(cloth.area.sum()) / limit)
    points, far = [0], np.full(n, np.inf)
    rows = []
    while True:
        reach = scipy.sparse.csgraph.dijkstra(graph, directed=False, indices=points[-1], limit=1.8 * spacing)
        rows.append(reach)
        far = np.minimum(far, reach)
        far_points = np.where(np.isinf(far), 1e3, far)
        k = int(far_points.argmax())
        if far_points[k] < spacing or len(points) >= 2 * limit:
            break
        points.append(k)
    weight = np.maximum(1.0 - np.array(rows).T / (1.7 * spacing), 0.0) ** 2
    weak = np.sort(weight, axis=1)[:, -min(4, weight.shape[1])]
    weight[weight < weak[:, None]] = 0.0
    weight[weight.sum(1) == 0, 0] = 1.0
    weight /= weight.sum(1, keepdims=True)
    return Interpolation(scipy.sparse.csr_matrix(weight))


def without(interpolations: list[Interpolation], still: np.ndarray) -> list[Interpolation]:
    """The interpolations of what can move when these particles are held, shape [fine] bool; their rows are empty."""
    kept = scipy.sparse.diags((~still).astype(np.float64)).tocsr()
    found = []
    for interpolation in interpolations:
        matrix = (kept @ interpolation.matrix).tocsr()
        matrix.eliminate_zeros()
        used = np.unique(matrix.indices)
        found.append(Interpolation(matrix[:, used].tocsr()))
        kept = scipy.sparse.identity(matrix.shape[1], format="csr")[used]
    return found


def _rest_lengths(cloth: Cloth) -> np.ndarray:
    """Rest length of every edge [m], from the triangles beside it."""
    dm = np.linalg.inv(cloth.dm_inv.astype(np.float64))
    sides = np.stack([dm[:, :, 0], dm[:, :, 1] - dm[:, :, 0], -dm[:, :, 1]], 1)
    length = np.linalg.norm(sides, axis=2)
    half = np.sort(np.stack([cloth.faces, np.roll(cloth.faces, -1, axis=1)], -1), axis=-1).astype(np.int64)
    n = len(cloth.mass)
    key = half[..., 0] * n + half[..., 1]
    out = np.zeros(len(cloth.edges))
    edge_key = cloth.edges[:, 0].astype(np.int64) * n + cloth.edges[:, 1]
    out[np.searchsorted(edge_key, key.ravel())] = length.ravel()
    return np.maximum(out, 1e-6)


class _Level:
    """One coarser level's matrix: its pattern, and how it is summed from the finer one."""

    def __init__(self, row: np.ndarray, col: np.ndarray, interpolation: Interpolation) -> None:
        p = self.interpolation = interpolation.matrix
        self.size = p.shape[1]
        fine_row = np.repeat(np.arange(len(row) - 1), np.diff(row))
        keys, slots, weights = [], [], []
        counts = np.diff(p.indptr)
        most = int(counts.max())
        for a in range(most):
            for b in range(most):
                use = np.flatnonzero((counts[fine_row] > a) & (counts[col] > b))
                ka, kb = p.indptr[fine_row[use]] + a, p.indptr[col[use]] + b
                keys.append(p.indices[ka].astype(np.int64) * self.size + p.indices[kb])
                slots.append(use)
                weights.append(p.data[ka] * p.data[kb])
        key = np.concatenate(keys)
        order = np.argsort(key, kind="stable")
        unique, start = np.unique(key[order], return_index=True)
        self.row = np.searchsorted(unique, np.arange(self.size + 1) * self.size)
        self.col = unique % self.size
        self.diag = upload(np.searchsorted(unique, np.arange(self.size) * (self.size + 1)).astype(np.int32))
        self.start = upload(np.append(start, len(key)).astype(np.int32))
        self.slot = upload(np.concatenate(slots)[order].astype(np.int32))
        self.weight = upload(np.concatenate(weights)[order].astype(np.float32))
        self.block = ti.Matrix.ndarray(3, 3, ti.f32, len(unique))


class Multilevel:
    """M^-1 for a block sparse matrix M (its finest level is applied by the iteration itself).

    ``apply`` holds what :func:`sim.kernels.conjugate.cg_iterate` takes: the levels' beginnings in the vectors, the
    rows of restriction (of the finest residual on the first level) and of prolongation, the middle levels' inverse
    diagonal blocks, the coarsest level's dense inverse, and both vectors; ``finest`` the finest level's interpolation.

    Args:
        row, col: The finest matrix' block rows.
        interpolations: From the finest to the coarsest level.
    """

    def __init__(self, row: np.ndarray, col: np.ndarray, interpolations: list[Interpolation]) -> None:
        self.levels: list[_Level] = []
        for p in interpolations:
            self.levels.append(_Level(row, col, p))
            row, col = self.levels[-1].row, self.levels[-1].col
        self.finest_size = interpolations[0].matrix.shape[0]
        last = self.levels[-1]
        self.coarse_rows = np.repeat(np.arange(last.size), np.diff(last.row))
        self.first = np.concatenate([[0], np.cumsum([level.size for level in self.levels])])
        # the first level gathers from the finest residual, every other from the level above it
        down = _rows([p.matrix.T for p in interpolations], np.concatenate([[0], self.first])[: len(interpolations)])
        up = _rows([p.matrix for p in interpolations[1:]], self.first[1:-1])
        total = int(self.first[-1])
        self.inverse = ti.Matrix.ndarray(3, 3, ti.f32, max(total - last.size, 1))
        self.dense = ti.ndarray(ti.f32, (3 * last.size, 3 * last.size))
        vectors = [ti.Vector.ndarray(3, ti.f32, total) for _ in range(2)]
        self.apply = (upload(self.first.astype(np.int32)), *down, *up, self.inverse, self.dense, *vectors)
        self.finest = _rows([interpolations[0].matrix], [0])

    def update(self, block, contacts: ActingContacts | None = None) -> None:
        """Takes over the finest matrix, whose ``block`` rows are without the contacts."""
        fine, touch = block, contacts.rows(self.finest_size) if contacts is not None else None
        for level in self.levels:
            kernels.galerkin(level.start, level.slot, level.weight, fine, level.block)
            fine = level.block
        for level, begin in zip(self.levels[:-1], self.first, strict=False):
            extra = np.zeros((level.size, 3, 3), np.float32)
            if touch is not None:
                touch = touch @ level.interpolation
                extra = contacts.diagonal(touch)
            kernels.invert_diagonal(level.diag, level.block, upload(extra), int(begin), self.inverse)
        last = self.levels[-1]
        dense = np.zeros((last.size, 3, last.size, 3))
        dense[self.coarse_rows, :, last.col, :] = last.block.to_numpy()
        dense = dense.reshape(3 * last.size, 3 * last.size)
        if touch is not None:
            dense += contacts.dense(touch @ last.interpolation)
        self.dense.from_numpy(_inverse(0.5 * (dense + dense.T)).astype(np.float32))


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a symmetric matrix, by Cholesky's factors unless rounding has made it indefinite."""
    factor, failed = scipy.linalg.lapack.dpotrf(matrix, lower=1)
    if failed:
        inverse = np.linalg.inv(matrix)
        return 0.5 * (inverse + inverse.T)
    inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=1)
    return np.tril(inverse) + np.tril(inverse, -1).T


def _rows(matrices: list, shifts) -> list:
    """Sparse rows of several matrices, one after the other, as lists (start, item, weight) on the device.

    ``shifts`` are added to the items of each matrix.
    """
    matrices = [m.tocsr() for m in matrices]
    ends = np.concatenate([[0], np.cumsum([m.nnz for m in matrices])])
    start = [m.indptr[:-1] + e for m, e in zip(matrices, ends, strict=False)] + [ends[-1:]]
    item = [m.indices + s for m, s in zip(matrices, shifts, strict=True)]
    weight = [m.data for m in matrices]
    return [
        upload(np.concatenate([np.zeros(0), *part]).astype(kind))
        for part, kind in ((start, np.int32), (item, np.int32), (weight, np.float32))
    ]
