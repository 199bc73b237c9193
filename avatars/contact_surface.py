"""Keeps the body's contact surface free of self-intersections, so that inside and outside are never in doubt.

Folds of flesh (under the breasts, at the armpits, between belly and thigh) may cut through each other after skinning.
Where they do, the surface is relaxed until they part: a fold fills, as it does under a garment.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

__all__ = ["neighbour_means", "self_intersections", "untangle"]

_ROUNDS = 60
_STEPS = 4  #: relaxation steps a round


def self_intersections(vertices: np.ndarray, faces: np.ndarray, among: np.ndarray | None = None) -> np.ndarray:
    """Pairs of triangles without a common vertex that cut each other, shape [K, 2].

    Args:
        vertices: [m], shape [V, 3].
        faces: shape [F, 3].
        among: only these faces are looked at.
    """
    ids = np.arange(len(faces)) if among is None else np.asarray(among)
    corner = np.asarray(vertices, np.float64)[faces[ids]]
    centre = corner.mean(1)
    radius = np.linalg.norm(corner - centre[:, None], axis=2).max(1)
    low, high = corner.min(1), corner.max(1)
    found = [np.zeros((0, 2), np.int64)]
    for small, large in _size_classes(radius):
        pairs = _near_pairs(centre, radius, small, large)
        a, b = pairs[:, 0], pairs[:, 1]
        touch = ((low[a] <= high[b]) & (low[b] <= high[a])).all(1)
        a, b = a[touch], b[touch]
        apart = ~(faces[ids[a]][:, :, None] == faces[ids[b]][:, None, :]).any((1, 2))
        a, b = a[apart], b[apart]
        cut = _edges_pierce(corner[a], corner[b]) | _edges_pierce(corner[b], corner[a])
        found.append(np.stack([ids[a[cut]], ids[b[cut]]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)


def _size_classes(radius: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of index sets of like-sized triangles, so that small ones are not searched over large distances."""
    classes = [np.flatnonzero(mask) for mask in (radius < 0.004, (radius >= 0.004) & (radius < 0.009), radius >= 0.009)]
    return [(classes[i], classes[k]) for i in range(3) for k in range(i, 3) if len(classes[i]) and len(classes[k])]


def _near_pairs(centre: np.ndarray, radius: np.ndarray, small: np.ndarray, large: np.ndarray) -> np.ndarray:
    reach = float(radius[small].max() + radius[large].max())
    if small is large or np.array_equal(small, large):
        pairs = cKDTree(centre[small]).query_pairs(reach, output_type="ndarray")
        pairs = np.stack([small[pairs[:, 0]], small[pairs[:, 1]]], axis=1)
    else:
        lists = cKDTree(centre[large]).query_ball_point(centre[small], reach)
        count = np.array([len(x) for x in lists])
        other = large[np.fromiter((i for x in lists for i in x), np.int64, count.sum())]
        pairs = np.stack([np.repeat(small, count), other], axis=1)
    close = np.linalg.norm(centre[pairs[:, 0]] - centre[pairs[:, 1]], axis=1)
    return pairs[close < radius[pairs[:, 0]] + radius[pairs[:, 1]]]


def _edges_pierce(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Whether an edge of the first triangle passes through the second, shape [K]."""
    a, e1, e2 = second[:, 0], second[:, 1] - second[:, 0], second[:, 2] - second[:, 0]
    normal = np.cross(e1, e2)
    hit = np.zeros(len(first), bool)
    for i in range(3):
        p, d = first[:, i], first[:, (i + 1) % 3] - first[:, i]
        slope = -(d * normal).sum(1)
        safe = np.where(np.abs(slope) < 1e-18, 1.0, slope)
        offset = p - a
        t = (offset * normal).sum(1) / safe
        turned = np.cross(offset, d)
        u, v = (e2 * turned).sum(1) / safe, -(e1 * turned).sum(1) / safe
        hit |= (np.abs(slope) >= 1e-18) & (t >= 0) & (t <= 1) & (u >= 0) & (v >= 0) & (u + v <= 1)
    return hit


def neighbour_means(faces: np.ndarray, count: int) -> csr_matrix:
    """Matrix that gives every vertex the mean of its neighbours, shape [count, count]."""
    i = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    both = np.concatenate([i, i[:, ::-1]])
    links = csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(count, count))
    links.data[:] = 1.0
    degree = np.asarray(links.sum(1)).ravel()
    return csr_matrix(links.multiply(1 / np.maximum(degree, 1)[:, None]))


def untangle(vertices: np.ndarray, faces: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, int]:
    """Relaxes the surface around self-intersections among some faces until there are none.

    Args:
        vertices: [m], shape [V, 3].
        faces: shape [F, 3].
        among: faces to be looked at.

    Returns:
        Vertices, the same where nothing was tangled, and the number of pairs that are left (0 when it succeeded).
    """
    v = np.array(vertices, np.float64)
    pairs = self_intersections(v, faces, among)
    if len(pairs) == 0:
        return v, 0
    means = neighbour_means(faces, len(v))
    moving = np.zeros(len(v), bool)
    for round_ in range(_ROUNDS):
        moving[faces[np.unique(pairs)].reshape(-1)] = True
        if round_ % 3 == 0:
            moving |= means @ moving > 0
        rows = means[moving]
        for _ in range(_STEPS):
            v[moving] += 0.6 * (rows @ v - v[moving])
        pairs = self_intersections(v, faces, among)
        if len(pairs) == 0:
            break
    return v, len(pairs)
