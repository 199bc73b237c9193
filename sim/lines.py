"""Elastics and tapes: tension along mesh edges, as one-dimensional elements in the implicit step."""

import numpy as np

from engine.core.taichi_runtime import ti
from engine.core.types import Garment
from sim.cloth import DAMPED_AT
from sim.collision import upload
from sim.kernels import lines as kernels
from sim.sparsity import Sparsity

__all__ = ["Tapes", "tape_energy", "tape_tension"]


def tape_tension(garment: Garment, positions: np.ndarray) -> np.ndarray:
    """Tension of the tape along each of the garment's ``tape_edges`` [N], shape [L].

    Args:
        positions: Of the garment's vertices [m], shape [N, 3].
    """
    a, b = (np.asarray(positions, np.float64)[garment.tape_edges[:, k]] for k in range(2))
    strain = np.linalg.norm(b - a, axis=1) / garment.tape_rest - 1
    return garment.tape_stiffness * np.maximum(strain, 0.0)


def tape_energy(garment: Garment, positions: np.ndarray) -> float:
    """Energy stored in all tapes [J]."""
    tension = tape_tension(garment, positions)
    return float((0.5 * tension**2 / garment.tape_stiffness * garment.tape_rest).sum())


class Tapes:
    """The tapes of a garment's level, ready to be added to its solver's step.

    Args:
        particle: Particle of every vertex, shape [N].
        sparsity: Of the step's matrix, which has a block for every mesh edge.
    """

    def __init__(self, garment: Garment, particle: np.ndarray, sparsity: Sparsity) -> None:
        edge = particle[garment.tape_edges].reshape(-1, 2)
        whole = edge[:, 0] != edge[:, 1]  # sewing may have shut an edge
        self.edge, rest, stiff = edge[whole], garment.tape_rest[whole], garment.tape_stiffness[whole]
        self.count = len(self.edge)
        if not self.count:
            return
        panel = garment.vertex_panel[garment.tape_edges[whole, 0]]
        damping = np.array([2 * f.damping / DAMPED_AT for f in garment.fabrics])[panel]
        self.values = [upload(v.astype(np.float32)) for v in (rest, stiff, damping)]
        self.edges = upload(self.edge.astype(np.int32))
        self.pull = ti.Vector.ndarray(3, ti.f32, self.count)
        self.hess = ti.Matrix.ndarray(3, 3, ti.f32, self.count)
        number = np.arange(self.count)
        vertices = _grouped(self.edge.T.ravel(), np.concatenate([2 * number, 2 * number + 1]))
        row = np.repeat(np.arange(len(sparsity.row) - 1), np.diff(sparsity.row))
        keys = row.astype(np.int64) * len(sparsity.row) + sparsity.col
        i, j = self.edge.T.astype(np.int64)
        wanted = np.concatenate([i, j, i, j]) * len(sparsity.row) + np.concatenate([i, j, j, i])
        slots = _grouped(np.searchsorted(keys, wanted), np.concatenate([2 * number] * 2 + [2 * number + 1] * 2))
        self.lists = [len(vertices[0]), *(upload(v) for v in vertices), len(slots[0]), *(upload(v) for v in slots)]

    def add(self, x, inv_dt: float, block, force, rhs) -> None:
        """Adds tension and stiffness to the step's matrix, force and right-hand side."""
        if self.count:
            kernels.tension(x, self.edges, *self.values, inv_dt, self.pull, self.hess, *self.lists, block, force, rhs)


def _grouped(bucket: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The different buckets, where the values of each start, and the values in order."""
    order = np.argsort(bucket, kind="stable")
    found, start = np.unique(bucket[order], return_index=True)
    return found.astype(np.int32), np.append(start, len(order)).astype(np.int32), value[order].astype(np.int32)
