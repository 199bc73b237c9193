"""Stress in the cloth of a finished drape, and the load that its seams carry; in float64, from the solver's own law."""

import numpy as np

from engine.core.types import Garment
from sim.cloth import Cloth
from sim.kernels.elastic import AFTER

__all__ = ["corner_forces", "membrane_stress", "principal_tension", "seam_load"]


def membrane_stress(positions: np.ndarray, cloth: Cloth, compression: float) -> np.ndarray:
    """Stress of every triangle in warp, weft and shear [N/m], shape [T, 3].

    The second Piola-Kirchhoff stress of :func:`sim.kernels.elastic.membrane`: at small strains the force per width
    of flat cloth.

    Args:
        positions: Of the particles [m], shape [P, 3].
        compression: Share of the stiffness that resists compression past buckling, as in ``StepSettings``.
    """
    f = _gradient(positions, cloth)
    length = np.maximum(np.linalg.norm(f, axis=1), 1e-3)  # of the warp and the weft, shape [T, 2]
    e = length - 1.0
    shear = (f[:, :, 0] * f[:, :, 1]).sum(1)
    c = cloth.membrane.astype(np.float64).copy()
    for d in range(2):
        row = cloth.curve[:, d]
        for r in np.unique(row[row >= 0]):
            mine = row == r
            c[mine, d] += _secant(cloth.curves[r].astype(np.float64), e[mine, d])
    wrinkles = (1 - compression) * _wrinkles(c, cloth.buckling.astype(np.float64), e)
    tension = _plain(c, e + wrinkles)
    return np.column_stack([tension / length, c[:, 3] * shear])


def _plain(c: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Force per width in warp and weft of cloth that does not buckle [N/m], shape [T, 2]."""
    return c[:, :2] * e + c[:, 2:3] * e[:, ::-1]


def _wrinkles(c: np.ndarray, load: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Shortening in warp and weft by wrinkles finer than the mesh (see sim.kernels.elastic), shape [T, 2]."""
    q = _plain(c, e) + load
    own = c[:, :2] + AFTER * load
    w = np.maximum(-q / own, 0.0)
    other = q + c[:, 2:3] * w[:, ::-1]  # of either direction when only the other one buckles
    only = (w > 0) & (other[:, ::-1] >= 0)
    both = ~only.any(1) & (q < 0).any(1)
    out = np.where(only, w, 0.0)
    det = own[:, 0] * own[:, 1] - c[:, 2] ** 2
    out[both] = ((c[:, 2:3] * q[:, ::-1] - own[:, ::-1] * q) / det[:, None])[both]
    return out


def principal_tension(stress: np.ndarray) -> np.ndarray:
    """Greatest tension in any direction of each triangle [N/m], shape [T]."""
    warp, weft, shear = np.asarray(stress, np.float64).T
    return (warp + weft) / 2 + np.hypot((warp - weft) / 2, shear)


def _gradient(positions: np.ndarray, cloth: Cloth) -> np.ndarray:
    """Deformation gradient of every triangle: where the warp's and the weft's unit go, shape [T, 3, 2]."""
    p = np.asarray(positions, np.float64)[cloth.faces]
    return np.stack([p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]], -1) @ cloth.dm_inv.astype(np.float64)


def _secant(curve: np.ndarray, strain: np.ndarray) -> np.ndarray:
    """Force over strain of a measured curve [N/m]; straight beyond its ends."""
    last = len(curve) - 3
    t = np.maximum(strain, 0.0) * curve[0]
    k = np.minimum(t.astype(int), last)
    rise = curve[k + 2] - curve[k + 1]
    force = curve[k + 1] + rise * (t - k)
    return np.where(strain > 1e-5, force / np.maximum(strain, 1e-5), rise * curve[0])


def corner_forces(positions: np.ndarray, cloth: Cloth, stress: np.ndarray) -> np.ndarray:
    """Force of every triangle's stress on its three corners [N], shape [T, 3, 3]."""
    f = _gradient(positions, cloth)
    s = np.stack([stress[:, [0, 2]], stress[:, [2, 1]]], 1)
    piola = cloth.area.astype(np.float64)[:, None, None] * (f @ s)
    g = cloth.dm_inv.astype(np.float64)
    one, two = (-np.einsum("tij,tj->ti", piola, g[:, k]) for k in range(2))
    return np.stack([-one - two, one, two], 1)


def seam_load(garment: Garment, positions: np.ndarray, force: np.ndarray) -> np.ndarray:
    """Tension across every seam at its pairs [N/m], shape [S]; 0 for points (buttons) and where it is pushed together.

    The cloth of either side pulls at the seam's vertices; the pull's part square to the seam, over the length of
    seam that a vertex stands for, is what stitches and yarns must hold.

    Args:
        positions: Of the garment's vertices [m], shape [N, 3].
        force: Of the triangles on their corners [N], shape [T, 3, 3].
    """
    pairs = garment.seam_pairs
    if not len(pairs):
        return np.zeros(0)
    x, n = np.asarray(positions, np.float64), len(positions)
    corner = garment.faces.ravel()
    pull = np.stack([np.bincount(corner, force[..., a].ravel(), minlength=n) for a in range(3)], 1)
    centre = np.repeat(x[garment.faces].mean(1), 3, axis=0)
    inward = np.stack([np.bincount(corner, (centre - x[corner])[:, a], minlength=n) for a in range(3)], 1)
    along, length = _seam_lengths(garment, x)
    load = np.zeros(len(pairs))
    for side in range(2):
        f, into = pull[pairs[:, side]], inward[pairs[:, side]]
        f = f - (f * along).sum(1, keepdims=True) * along
        into = into - (into * along).sum(1, keepdims=True) * along
        load += 0.5 * np.linalg.norm(f, axis=1) * np.sign((f * into).sum(1))
    return np.where(length > 1e-6, np.maximum(load, 0.0) / np.maximum(length, 1e-6), 0.0)


def _seam_lengths(garment: Garment, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Direction of the seam at every pair (unit), shape [S, 3], and the length that the pair stands for [m], [S]."""
    pairs, ids = garment.seam_pairs, garment.seam_ids
    half = np.sort(np.stack([garment.faces, np.roll(garment.faces, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    n = np.int64(len(x))
    edges = np.unique(half[:, 0] * n + half[:, 1])
    step = np.sort(np.stack([pairs[:-1, 0], pairs[1:, 0]], 1), axis=1)
    linked = (ids[1:] == ids[:-1]) & np.isin(step[:, 0] * n + step[:, 1], edges)
    first = np.flatnonzero(linked)
    way = x[pairs[first + 1, 0]] - x[pairs[first, 0]]
    long = np.linalg.norm(way, axis=1)
    # pieces of one seam between the same two panels meet in a vertex: it stands for both halves
    _, key = np.unique(
        pairs[:, 0].astype(np.int64) * len(garment.panel_names) + garment.vertex_panel[pairs[:, 1]], return_inverse=True
    )
    count = int(key.max()) + 1
    length, along = np.zeros(count), np.zeros((count, 3))
    for end in (first, first + 1):
        length += np.bincount(key[end], 0.5 * long, minlength=count)
        along += np.stack([np.bincount(key[end], way[:, a], minlength=count) for a in range(3)], 1)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    return along[key], length[key]
