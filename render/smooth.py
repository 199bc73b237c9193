"""Rounds coarse cloth for pictures: one step of subdivision that keeps every vertex and bends edges by the normals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.mesh import subdivide, unique_edges, vertex_normals
from engine.core.types import SceneMesh

__all__ = ["smoothed"]


def smoothed(mesh: SceneMesh) -> SceneMesh:
    """The mesh with every triangle split in four, new vertices on curves instead of chords.

    Inside, an edge's midpoint is that of the cubic whose end tangents lie in the vertices' tangent planes (as in
    PN triangles, Vlachos et al. 2001); along open borders it follows the border's own curve (four-point scheme,
    Dyn et al. 1987). Vertices at one place move as one, so that seams stay closed.
    """
    vertices = np.asarray(mesh.vertices, np.float64)
    _, weld = np.unique(np.round(vertices, 6), axis=0, return_inverse=True)
    weld = weld.reshape(-1)
    faces, edges = subdivide(mesh.faces, len(vertices))
    normals = vertex_normals(vertices, mesh.faces, weld) if mesh.normals is None else mesh.normals
    middle = _midpoints(vertices, np.asarray(normals, np.float64), edges)
    middle += _border_curves(vertices, mesh.faces, edges, weld)
    points = np.concatenate([vertices, middle])
    _, together = np.unique(
        np.concatenate([weld[:, None].repeat(2, 1), np.sort(weld[edges], axis=1)]), axis=0, return_inverse=True
    )
    together = together.reshape(-1)
    count = np.bincount(together)
    points = np.stack([(np.bincount(together, points[:, k]) / count)[together] for k in range(3)], axis=1)
    smooth, own = vertex_normals(points, faces, together), vertex_normals(points, faces)
    # what was a sharp fold between two panels stays one
    sharp = (_mean(np.asarray(normals, np.float64), edges) * smooth).sum(1, keepdims=True) < 0.3
    return replace(
        mesh,
        vertices=points.astype(np.float32),
        faces=faces,
        normals=np.where(sharp, own, smooth).astype(np.float32),
        uv=None if mesh.uv is None else _mean(mesh.uv, edges),
        uv_metres=None if mesh.uv_metres is None else _mean(mesh.uv_metres, edges),
        maps={name: _mean(values, edges) for name, values in mesh.maps.items()},
    )


def _mean(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.concatenate([values, (values[edges[:, 0]] + values[edges[:, 1]]) / 2]).astype(np.float32)


def _midpoints(vertices: np.ndarray, normals: np.ndarray, edges: np.ndarray) -> np.ndarray:
    a, b = vertices[edges[:, 0]], vertices[edges[:, 1]]
    na, nb = normals[edges[:, 0]], normals[edges[:, 1]]
    d = b - a
    bend = ((d * nb).sum(1, keepdims=True) * nb - (d * na).sum(1, keepdims=True) * na) / 8
    # a fold sharper than the mesh can tell must not throw the midpoint off
    length = np.linalg.norm(bend, axis=1, keepdims=True)
    limit = 0.12 * np.linalg.norm(d, axis=1, keepdims=True)
    return (a + b) / 2 + bend * np.minimum(1, limit / np.maximum(length, 1e-12))


def _border_curves(vertices: np.ndarray, faces: np.ndarray, edges: np.ndarray, weld: np.ndarray) -> np.ndarray:
    """How far each edge's midpoint moves so that open borders become smooth curves, shape [E, 3]."""
    shift = np.zeros((len(edges), 3))
    welded, face_edges = unique_edges(weld[faces])
    uses = np.bincount(face_edges.reshape(-1), minlength=len(welded))
    at = np.zeros((int(weld.max()) + 1, 3))
    at[weld] = vertices
    border = welded[uses == 1]
    if not len(border):
        return shift
    degree = np.bincount(border.reshape(-1), minlength=len(at))
    total = np.stack(
        [np.bincount(border[:, [0, 1]].reshape(-1), at[border[:, [1, 0]].reshape(-1), k], len(at)) for k in range(3)], 1
    )
    pairs = weld[edges]
    key = np.sort(pairs, axis=1) @ [len(at), 1]
    on = np.isin(key, border @ [len(at), 1])
    on &= (degree[pairs] == 2).all(axis=1)
    a, b = pairs[on, 0], pairs[on, 1]
    before, after = total[a] - at[b], total[b] - at[a]  # the border's next vertices beyond each end
    ahead, behind = at[b] - at[a], at[a] - before
    beyond = after - at[b]

    def straight(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        size = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1)
        return (u * v).sum(1) / np.maximum(size, 1e-12)

    curve = (at[a] + at[b] - before - after) / 16
    smooth = (straight(behind, ahead) > 0.5) & (straight(ahead, beyond) > 0.5)  # corners stay corners
    shift[on] = curve * smooth[:, None]
    return shift
