"""Frees edges that sewing would lay exactly onto one another.

An edge from one sewn vertex to another, and its like on the cloth sewn to it, have the same ends once the seams are
closed: two layers with no room between them, which contact can hold apart neither there nor on finer meshes, where
their midpoints are not sewn. A vertex in the middle of each lets them part.
"""

from __future__ import annotations

import numpy as np

from engine.core.mesh import unique_edges, weld_map

__all__ = ["coincident_chords", "split_edges"]


def coincident_chords(
    faces: np.ndarray, count: int, chains: tuple[np.ndarray, ...], fixed: np.ndarray
) -> np.ndarray:
    """Inner edges that lie on another edge when all is sewn, without being sewn to it.

    Args:
        faces: Of all panels, shape [T, 3].
        count: Number of vertices.
        chains: Per seam the vertex pairs along it, shape [k, 2] each.
        fixed: Edges that are not to be split, sides of outlines and of lines, shape [F, 2].

    Returns:
        Vertex pairs, shape [K, 2].
    """
    if not any(len(chain) for chain in chains):
        return np.zeros((0, 2), np.int64)
    group = weld_map(count, np.concatenate(chains))
    edges = unique_edges(faces)[0].astype(np.int64)
    ends = np.sort(group[edges], axis=1).astype(np.int64)
    key = ends[:, 0] * count + ends[:, 1]
    _, inverse, number = np.unique(key, return_inverse=True, return_counts=True)
    shared = (number[inverse] > 1) & (ends[:, 0] != ends[:, 1])
    held = np.isin(_keys(edges, count), _keys(np.asarray(fixed, np.int64), count))
    return edges[shared & ~held]


def split_edges(
    uv: np.ndarray, faces: np.ndarray, panel_id: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Puts a vertex into the middle of every edge given.

    Returns:
        uv with the new vertices at its end, in the edges' order [m]; faces and their panels.
    """
    around: dict[int, set[int]] = {}
    triangles = [tuple(t) for t in faces.tolist()]
    panels = panel_id.tolist()
    for t, triangle in enumerate(triangles):
        for v in triangle:
            around.setdefault(v, set()).add(t)
    for number, (a, b) in enumerate(edges.tolist()):
        middle = len(uv) + number
        around[middle] = set()
        for t in sorted(around[a] & around[b]):
            old = triangles[t]
            triangles[t] = tuple(middle if v == b else v for v in old)
            triangles.append(tuple(middle if v == a else v for v in old))
            panels.append(panels[t])
            new = len(triangles) - 1
            around[b].discard(t)
            for v in triangles[new]:
                around[v].add(new)
            around[middle].add(t)
    middles = 0.5 * (uv[edges[:, 0]] + uv[edges[:, 1]])
    return np.concatenate([uv, middles]), np.array(triangles, np.int32), np.array(panels, np.int32)


def _keys(edges: np.ndarray, count: int) -> np.ndarray:
    ends = np.sort(edges, axis=1)
    return ends[:, 0] * count + ends[:, 1]
