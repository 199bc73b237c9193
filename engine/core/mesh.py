"""Triangle-mesh helpers that several stages need."""

import numpy as np

__all__ = ["unique_edges", "subdivide", "vertex_normals", "face_normals_areas", "weld_map", "green_strain"]


def unique_edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Undirected edges of a triangle mesh, in lexicographic order of (low, high).

    Args:
        faces: shape [T, 3].

    Returns:
        Edges with low index first, shape [E, 2]; and for each face the edge ids opposite nothing but along
        (v0 v1), (v1 v2), (v2 v0), shape [T, 3].
    """
    faces = np.asarray(faces, np.int64)
    half = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    edges, inverse = np.unique(np.sort(half, axis=1), axis=0, return_inverse=True)
    return edges.astype(np.int32), inverse.reshape(-1, 3).astype(np.int32)


def subdivide(faces: np.ndarray, vertex_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Splits every triangle into four at its edges' midpoints.

    The new vertices are numbered ``vertex_count + edge`` in the order of :func:`unique_edges`. Face t becomes faces
    4t..4t+3: its three corners in order, then the middle. Linear interpolation of positions at the midpoints leaves
    the surface exactly as it was.

    Returns:
        Faces, shape [4T, 3]; and the edges whose midpoints are the new vertices, shape [E, 2].
    """
    edges, face_edges = unique_edges(faces)
    f = np.asarray(faces, np.int32)
    m = face_edges + np.int32(vertex_count)
    quads = np.stack(
        [
            np.stack([f[:, 0], m[:, 0], m[:, 2]], 1),
            np.stack([m[:, 0], f[:, 1], m[:, 1]], 1),
            np.stack([m[:, 2], m[:, 1], f[:, 2]], 1),
            np.stack([m[:, 0], m[:, 1], m[:, 2]], 1),
        ],
        axis=1,
    )
    return quads.reshape(-1, 3).astype(np.int32), edges


def face_normals_areas(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals [T, 3] (zero for degenerate faces) and areas [m2], shape [T]."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    n = np.cross(b - a, c - a)
    length = np.linalg.norm(n, axis=1)
    return (n / np.maximum(length, 1e-20)[:, None]).astype(np.float32), (0.5 * length).astype(np.float32)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray, weld: np.ndarray | None = None) -> np.ndarray:
    """Angle-weighted unit vertex normals [V, 3].

    Args:
        weld: shape [V]; vertices of equal number share one normal (seams stay smooth).
    """
    v = np.asarray(vertices, np.float64)
    corners = v[faces]
    normals = np.zeros((len(v) if weld is None else int(weld.max()) + 1, 3))
    n = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    n /= np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-20)
    ids = faces if weld is None else weld[faces]
    for i in range(3):
        e1 = corners[:, (i + 1) % 3] - corners[:, i]
        e2 = corners[:, (i + 2) % 3] - corners[:, i]
        cos = (e1 * e2).sum(1) / np.maximum(np.linalg.norm(e1, axis=1) * np.linalg.norm(e2, axis=1), 1e-20)
        angle = np.arccos(np.clip(cos, -1, 1))
        for axis in range(3):
            normals[:, axis] += np.bincount(ids[:, i], n[:, axis] * angle, minlength=len(normals))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    return (normals if weld is None else normals[weld]).astype(np.float32)


def weld_map(vertex_count: int, pairs: np.ndarray) -> np.ndarray:
    """Numbers vertices so that seam partners (transitively) share a number, shape [vertex_count].

    Numbers are dense and ordered by each group's lowest vertex.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.asarray(pairs).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(vertex_count, vertex_count))
    _, label = connected_components(graph, directed=False)
    first = np.full(label.max() + 1 if vertex_count else 0, vertex_count)
    np.minimum.at(first, label, np.arange(vertex_count))
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return rank[label]


def green_strain(positions: np.ndarray, faces: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Green-Lagrange strain E = (F'F - I) / 2 of each triangle.

    Args:
        positions: [m], shape [N, 3].
        faces: shape [T, 3].
        rest: rest corners in (warp, weft) axes [m], shape [T, 3, 2].

    Returns:
        E_warp, E_weft, E_shear (tensor shear, not engineering), shape [T, 3].
    """
    p = np.asarray(positions, np.float64)[faces]
    r = np.asarray(rest, np.float64)
    d_rest = np.stack([r[:, 1] - r[:, 0], r[:, 2] - r[:, 0]], axis=-1)
    d_now = np.stack([p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]], axis=-1)
    f = d_now @ np.linalg.inv(d_rest)
    c = np.swapaxes(f, 1, 2) @ f
    return np.stack([(c[:, 0, 0] - 1) / 2, (c[:, 1, 1] - 1) / 2, c[:, 0, 1] / 2], axis=1).astype(np.float32)
