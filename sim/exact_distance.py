"""The exact signed distance to a closed triangle mesh, in float64 and without the solver's own search.

A tree of boxes over the triangles in Morton's order is walked for all points at once: level by level, only boxes nearer
than a triangle already known are opened. The sign is that of the angle-weighted pseudo-normal at the nearest place
(Baerentzen and Aanaes, Signed Distance Computation Using the Angle Weighted Pseudonormal, 2005).
"""

import numpy as np
from scipy.spatial import cKDTree

__all__ = ["signed_distance"]

FAN = 8  #: boxes under a box
POINTS = 4096  #: looked at together, to bound memory


def signed_distance(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Signed distance [m] of points to a closed mesh, positive outside.

    Args:
        vertices: [m], shape [V, 3].
        faces: counter-clockwise from outside, shape [F, 3].
        points: [m], shape [P, 3].

    Returns:
        shape [P], float64.
    """
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    points = np.asarray(points, np.float64)
    corners = vertices[faces]
    faces = faces[_morton(corners.mean(1))]
    corners = vertices[faces]
    levels, normals = _boxes(corners.min(1), corners.max(1)), _pseudo_normals(vertices, faces, corners)
    _, known = cKDTree(corners.mean(1)).query(points)
    out = np.empty(len(points))
    for k in range(0, len(points), POINTS):
        some = slice(k, k + POINTS)
        out[some] = _signed(points[some], known[some], corners, levels, normals)
    return out


def _morton(points: np.ndarray) -> np.ndarray:
    """Order of points [N, 3] along Morton's curve, shape [N]."""
    low, high = points.min(0), points.max(0)
    code = ((points - low) / max(float((high - low).max()), 1e-12) * 1023).astype(np.int64)
    for shift, mask in ((16, 0x30000FF), (8, 0x300F00F), (4, 0x30C30C3), (2, 0x9249249)):
        code = (code | code << shift) & mask
    return np.argsort(code @ np.array([4, 2, 1]), kind="stable")


def _boxes(low: np.ndarray, high: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Least and greatest corners of the boxes of every level, the triangles' own first, one box last."""
    levels = [(low, high)]
    while len(levels[-1][0]) > 1:
        low, high = levels[-1]
        first = np.arange(0, len(low), FAN)
        levels.append((np.minimum.reduceat(low, first), np.maximum.reduceat(high, first)))
    return levels


def _pseudo_normals(vertices: np.ndarray, faces: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Of every triangle: its normal, those of the edges after corner 0, 1, 2, and of the corners, shape [F, 7, 3]."""
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-300)
    side = np.roll(corners, -1, axis=1) - corners
    side /= np.maximum(np.linalg.norm(side, axis=2, keepdims=True), 1e-300)
    angle = np.arccos(np.clip(-(side * np.roll(side, 1, axis=1)).sum(2), -1.0, 1.0))
    weighted = (angle[:, :, None] * flat[:, None]).reshape(-1, 3)
    around = np.stack([np.bincount(faces.ravel(), weighted[:, k], len(vertices)) for k in range(3)], 1)
    ends = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], -1).reshape(-1, 2), axis=1)
    _, edge = np.unique(ends[:, 0] * len(vertices) + ends[:, 1], return_inverse=True)
    both = np.stack([np.bincount(edge.ravel(), np.repeat(flat[:, k], 3)) for k in range(3)], 1)[edge.ravel()]
    return np.concatenate([flat[:, None], both.reshape(-1, 3, 3), around[faces]], axis=1)


def _signed(
    points: np.ndarray, known: np.ndarray, corners: np.ndarray, levels: list, normals: np.ndarray
) -> np.ndarray:
    at, triangle = _candidates(points, known, corners, levels)
    nearest, place = _closest(points[at], corners[triangle])
    way = points[at] - nearest
    squared = (way**2).sum(1)
    order = np.lexsort((squared, at))
    best = order[np.searchsorted(at[order], np.arange(len(points)))]
    inside = (way[best] * normals[triangle[best], place[best]]).sum(1) < 0
    return np.where(inside, -1.0, 1.0) * np.sqrt(squared[best])


def _candidates(
    points: np.ndarray, known: np.ndarray, corners: np.ndarray, levels: list
) -> tuple[np.ndarray, np.ndarray]:
    """All (point, triangle) of which the triangle's box is as near to the point as its known triangle is."""
    nearest, _ = _closest(points, corners[known])
    bound = ((points - nearest) ** 2).sum(1) * (1 + 1e-12)
    at, node = np.arange(len(points)), np.zeros(len(points), np.int64)
    for low, high in levels[-2::-1]:
        child = node[:, None] * FAN + np.arange(FAN)
        there = child < len(low)
        at, node = np.repeat(at, FAN)[there.ravel()], child[there]
        near = _to_box(points[at], low[node], high[node]) <= bound[at]
        at, node = at[near], node[near]
    return at, node


def _to_box(points: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Squared distance [m2] of points to boxes, a point each, shape [N]."""
    away = np.maximum(np.maximum(low - points, points - high), 0.0)
    return (away**2).sum(1)


def _closest(points: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest places on triangles, a point each [N, 3]; and where they lie: 0 inside, 1 to 3 edges, 4 to 6 corners.

    The cases are those of Ericson, Real-Time Collision Detection (2005), 5.1.5.
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, points - a
    d1, d2 = (ab * ap).sum(1), (ac * ap).sum(1)
    d3, d4 = d1 - (ab * ab).sum(1), d2 - (ab * ac).sum(1)
    d5, d6 = d1 - (ab * ac).sum(1), d2 - (ac * ac).sum(1)
    va, vb, vc = d3 * d6 - d5 * d4, d5 * d2 - d1 * d6, d1 * d4 - d3 * d2
    cases = [
        (d1 <= 0) & (d2 <= 0), (d3 >= 0) & (d4 <= d3), (d6 >= 0) & (d5 <= d6),
        (vc <= 0) & (d1 >= 0) & (d3 <= 0), (va <= 0) & (d4 >= d3) & (d5 >= d6), (vb <= 0) & (d2 >= 0) & (d6 <= 0),
    ]  # fmt: skip
    place = np.select(cases, [4, 5, 6, 1, 2, 3], 0)
    zero, one = np.zeros(len(a)), np.ones(len(a))
    with np.errstate(divide="ignore", invalid="ignore"):
        along = [d1 / (d1 - d3), (d4 - d3) / ((d4 - d3) + (d5 - d6)), d2 / (d2 - d6)]
        total = va + vb + vc
        v = np.select(cases, [zero, one, zero, along[0], 1 - along[1], zero], vb / total)
        w = np.select(cases, [zero, zero, one, zero, along[1], along[2]], vc / total)
    return a + np.nan_to_num(v)[:, None] * ab + np.nan_to_num(w)[:, None] * ac, place
