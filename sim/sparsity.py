"""Index lists by which kernels gather elements into a vertex' force and into the blocks of the sparse matrix."""

from dataclasses import dataclass

import numpy as np

from sim.cloth import Cloth

__all__ = ["Sparsity", "build_sparsity", "seam_lists"]

#: number of the stored block (00, 01, 02, 11, 12, 22) of each corner pair, and whether it is transposed
_BLOCK = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
_TRANSPOSED = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0]])


@dataclass(frozen=True)
class Sparsity:
    """Block sparse rows and the elements that feed each block; all int32 but ``slot_seam``."""

    row: np.ndarray  #: first block of every row, shape [P + 1]
    col: np.ndarray  #: column of every block, shape [B]
    diag: np.ndarray  #: diagonal block of every row, shape [P]
    slot_tri_start: np.ndarray  #: shape [B + 1]
    slot_tri: np.ndarray  #: 16 * triangle + 2 * stored block + transposed
    slot_hinge_start: np.ndarray
    slot_hinge: np.ndarray  #: 16 * hinge + 4 * corner a + corner b
    slot_seam: np.ndarray  #: coefficient of the seam springs' stiffness, float32, shape [B]
    vert_tri_start: np.ndarray  #: shape [P + 1]
    vert_tri: np.ndarray  #: 3 * triangle + corner
    vert_hinge_start: np.ndarray
    vert_hinge: np.ndarray  #: 4 * hinge + corner
    partner_start: np.ndarray
    partner: np.ndarray  #: seam partners of every particle


def build_sparsity(cloth: Cloth) -> Sparsity:
    """Builds all lists, each in a fixed order."""
    n = len(cloth.mass)
    faces, hinge, pairs = cloth.faces.astype(np.int64), cloth.hinge.astype(np.int64), cloth.pairs.astype(np.int64)
    tri_rows, tri_cols, tri_code = [], [], []
    for p in range(3):
        for q in range(3):
            tri_rows.append(faces[:, p])
            tri_cols.append(faces[:, q])
            tri_code.append(16 * np.arange(len(faces)) + 2 * _BLOCK[p, q] + _TRANSPOSED[p, q])
    tri_key = np.concatenate(tri_rows) * n + np.concatenate(tri_cols)
    active = np.flatnonzero(cloth.bending.bound > 0)
    hinge_key, hinge_code = [], []
    for p in range(4):
        for q in range(4):
            hinge_key.append(hinge[active, p] * n + hinge[active, q])
            hinge_code.append(16 * active + 4 * p + q)
    hinge_key = np.concatenate(hinge_key)
    seam_key = np.concatenate([
        pairs[:, 0] * n + pairs[:, 1], pairs[:, 1] * n + pairs[:, 0],
        pairs[:, 0] * (n + 1), pairs[:, 1] * (n + 1),
    ])
    keys = np.unique(np.concatenate([tri_key, hinge_key, seam_key, np.arange(n) * (n + 1)]))
    row = np.searchsorted(keys, np.arange(n + 1) * n)
    slot_tri_start, slot_tri = _grouped(np.searchsorted(keys, tri_key), np.concatenate(tri_code), len(keys))
    slot_hinge_start, slot_hinge = _grouped(
        np.searchsorted(keys, hinge_key), np.concatenate(hinge_code), len(keys)
    )
    vert_tri_start, vert_tri = _grouped(faces.ravel(), np.arange(faces.size), n)
    corner = 4 * active[:, None] + np.arange(4)
    vert_hinge_start, vert_hinge = _grouped(hinge[active].ravel(), corner.ravel(), n)
    as_int = [row, keys % n, np.searchsorted(keys, np.arange(n) * (n + 1)), slot_tri_start, slot_tri,
              slot_hinge_start, slot_hinge]
    slot_seam, *partners = seam_lists(row, keys % n, pairs)
    return Sparsity(
        *[a.astype(np.int32) for a in as_int], slot_seam,
        *[a.astype(np.int32) for a in (vert_tri_start, vert_tri, vert_hinge_start, vert_hinge)], *partners,
    )


def seam_lists(row: np.ndarray, col: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``slot_seam``, ``partner_start`` and ``partner`` of springs between pairs [Q, 2] that have blocks already."""
    n, pairs = len(row) - 1, np.asarray(pairs, np.int64)
    keys = np.repeat(np.arange(n), np.diff(row)) * n + col
    a, b = pairs.T
    key = np.concatenate([a * n + b, b * n + a, a * (n + 1), b * (n + 1)])
    value = np.repeat([-1.0, -1.0, 1.0, 1.0], len(pairs))
    seam = np.bincount(np.searchsorted(keys, key), value, minlength=len(keys))
    partner_start, partner = _grouped(pairs.ravel(), pairs[:, ::-1].ravel(), n)
    return seam.astype(np.float32), partner_start.astype(np.int32), partner.astype(np.int32)


def _grouped(bucket: np.ndarray, value: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values sorted by bucket (stable), and where each bucket starts."""
    order = np.argsort(bucket, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(bucket, minlength=count))])
    return start, np.asarray(value)[order]
