"""The exact checks that a drape must pass, in float64 and independent of the solver."""

import numpy as np

from engine.core.mesh import unique_edges
from sim.exact_distance import signed_distance

__all__ = ["body_depth", "caught", "intersections", "seam_gaps"]

_BLOCK = 400_000  #: candidate pairs looked at together, to bound memory


def intersections(positions: np.ndarray, faces: np.ndarray, group: np.ndarray | None = None) -> np.ndarray:
    """All pairs of an edge and a triangle that cross and share no vertex.

    Args:
        positions: [m], shape [N, 3].
        faces: shape [T, 3].
        group: Vertices of equal number count as one (sewn), shape [N].

    Returns:
        (edge's first vertex, edge's second vertex, triangle) of every crossing, shape [K, 3].
    """
    x = np.asarray(positions, np.float64)
    faces = np.asarray(faces, np.int64)
    group = np.arange(len(x)) if group is None else np.asarray(group)
    edges, _ = unique_edges(faces)
    edges = edges.astype(np.int64)
    t, e = x[faces], x[edges]
    t_low, t_high, e_low, e_high = t.min(1), t.max(1), e.min(1), e.max(1)
    tri_group, edge_group = group[faces], group[edges]
    found = []
    for ei, ti in _candidates(t_low, t_high, e_low, e_high):
        keep = ((e_low[ei] <= t_high[ti]) & (e_high[ei] >= t_low[ti])).all(1)
        ei, ti = ei[keep], ti[keep]
        apart = (edge_group[ei][:, :, None] != tri_group[ti][:, None, :]).all((1, 2))
        ei, ti = ei[apart], ti[apart]
        hit = _segment_hits_triangle(e[ei, 0], e[ei, 1], t[ti, 0], t[ti, 1], t[ti, 2])
        found.append(np.stack([edges[ei[hit], 0], edges[ei[hit], 1], ti[hit]], 1))
    return np.concatenate(found) if found else np.zeros((0, 3), np.int64)


def seam_gaps(positions: np.ndarray, seam_pairs: np.ndarray) -> np.ndarray:
    """Distance between the two sides of every seam [m], shape [pair]."""
    return np.linalg.norm(positions[seam_pairs[:, 0]] - positions[seam_pairs[:, 1]], axis=1)


def caught(positions: np.ndarray, faces: np.ndarray, seam_pairs: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Cloth between the two sides of seams that are not quite closed.

    Args:
        positions: [m], shape [N, 3].
        faces: shape [T, 3].
        seam_pairs: shape [S, 2].
        group: Sewn vertices share a number, shape [N].

    Returns:
        (seam pair, triangle between its two sides), shape [K, 2].
    """
    apart = np.flatnonzero(seam_gaps(positions, seam_pairs) > 1e-5)
    if not len(apart):
        return np.zeros((0, 2), np.int64)
    pairs = np.sort(seam_pairs[apart].astype(np.int64), axis=1)
    hits = intersections(positions, np.concatenate([faces, pairs[:, [0, 1, 1]]]), group)
    key = pairs[:, 0] * len(positions) + pairs[:, 1]
    order = np.argsort(key)
    wanted = hits[:, 0] * len(positions) + hits[:, 1]
    at = order[np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)]
    mine = (key[at] == wanted) & (hits[:, 2] < len(faces))
    return np.stack([apart[at[mine]], hits[mine, 2]], 1)


def body_depth(positions: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """How deep every point lies inside the closed body mesh [m] (negative outside), shape [N]."""
    return -signed_distance(vertices, faces, positions)


def _candidates(t_low, t_high, e_low, e_high):
    """Yields (edge, triangle) index arrays whose boxes share a grid cell's neighbourhood."""
    cell = float(np.percentile((t_high - t_low).max(1), 90)) * 1.01 + 1e-9
    origin = np.minimum(t_low.min(0), e_low.min(0))
    # a triangle is entered in every cell that its box touches; an edge asks every cell that its box touches
    tri, tri_cell = _cells_touched(t_low, t_high, origin, cell)
    edge, edge_cell = _cells_touched(e_low, e_high, origin, cell)
    order = np.argsort(tri_cell, kind="stable")
    tri, tri_cell = tri[order], tri_cell[order]
    first = np.searchsorted(tri_cell, edge_cell, "left")
    count = np.searchsorted(tri_cell, edge_cell, "right") - first
    begin = 0
    total = np.concatenate([[0], np.cumsum(count)])
    triangles = len(t_low)
    seen_key = []
    while begin < len(edge):
        end = int(np.searchsorted(total, total[begin] + _BLOCK, "right"))
        end = min(max(end - 1, begin + 1), len(edge))
        c = count[begin:end]
        e = np.repeat(edge[begin:end], c)
        offset = np.arange(len(e)) - np.repeat(np.cumsum(c) - c, c)
        t = tri[np.repeat(first[begin:end], c) + offset]
        touch = ((e_low[e] <= t_high[t]) & (e_high[e] >= t_low[t])).all(1)
        seen_key.append(np.unique(e[touch] * triangles + t[touch]))
        begin = end
    keys = np.unique(np.concatenate(seen_key)) if seen_key else np.zeros(0, np.int64)
    for k in range(0, len(keys), _BLOCK):
        part = keys[k:k + _BLOCK]
        yield part // triangles, part % triangles


def _cells_touched(low, high, origin, cell):
    """Every (item, cell) of boxes on a grid."""
    a = np.floor((low - origin) / cell).astype(np.int64)
    b = np.floor((high - origin) / cell).astype(np.int64)
    span = b - a + 1
    count = span.prod(1)
    item = np.repeat(np.arange(len(low)), count)
    k = np.arange(len(item)) - np.repeat(np.cumsum(count) - count, count)
    sy, sz = span[item, 1], span[item, 2]
    ijk = a[item] + np.stack([k // (sy * sz), (k // sz) % sy, k % sz], 1)
    return item, (ijk[:, 0] * 100_003 + ijk[:, 1]) * 100_003 + ijk[:, 2]


def _segment_hits_triangle(p, q, a, b, c):
    """Whether each open segment pq crosses triangle abc (Moller and Trumbore 1997), coplanar pairs excepted."""
    d, e1, e2 = q - p, b - a, c - a
    h = np.cross(d, e2)
    det = (e1 * h).sum(1)
    ok = np.abs(det) > 1e-20
    inv = 1.0 / np.where(ok, det, 1.0)
    s = p - a
    u = (s * h).sum(1) * inv
    k = np.cross(s, e1)
    v = (d * k).sum(1) * inv
    t = (e2 * k).sum(1) * inv
    return ok & (u >= 0) & (v >= 0) & (u + v <= 1) & (t >= 0) & (t <= 1)
