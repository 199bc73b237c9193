"""Exact tests that placed cloth neither cuts the body nor itself."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from engine.core.types import Body, Garment

__all__ = ["BodyProbe", "ClothProbe", "crossing_pairs", "self_crossings"]

ROUNDING = 1 + 1e-9  #: by which spheres are taken larger that may touch
#: Distance of a triangle's point from the nearest corner over the longest edge, at most: an equilateral's middle.
FARTHEST = 0.578
DISTANCE_ERROR = 1e-5  #: of distances to a surface, which are of single precision [m]


class _Triangles:
    """Triangles [n, 3, 3] with their bounds, ready for the search of those that may touch others."""

    def __init__(self, corners: np.ndarray) -> None:
        self.corners, self.low, self.high = corners, corners.min(1), corners.max(1)
        self.centre = 0.5 * (self.low + self.high)
        self.radius = np.linalg.norm(corners - self.centre[:, None], axis=2).max(1)
        self.tree = cKDTree(self.centre)

    def near(self, others: _Triangles) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (of these, of the others) whose bounding boxes meet, found by their bounding spheres.

        Spheres about as large are searched together.
        """
        size = np.frexp(self.radius)[1]
        found = []
        for one in np.unique(size):
            mine = np.flatnonzero(size == one)
            reach = ROUNDING * (self.radius[mine].max() + others.radius.max())
            near = cKDTree(self.centre[mine]).sparse_distance_matrix(others.tree, reach, output_type="ndarray")
            i, j = mine[near["i"]], near["j"]
            touch = near["v"] <= ROUNDING * (self.radius[i] + others.radius[j])
            i, j = i[touch], j[touch]
            meet = ((self.low[i] <= others.high[j]) & (others.low[j] <= self.high[i])).all(1)
            found.append(np.stack([i[meet], j[meet]]))
        return tuple(np.concatenate(found, axis=1))


def _edges_cut(p: np.ndarray, q: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Whether segments p-q [n, 3] cut triangles t [n, 3, 3], borders included, shape [n]."""
    e1, e2, d = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0], q - p
    h = np.cross(d, e2)
    det = (e1 * h).sum(1)
    scale = np.linalg.norm(e1, axis=1) * np.linalg.norm(e2, axis=1) * np.linalg.norm(d, axis=1)
    ok = np.abs(det) > 1e-12 * scale
    inv = 1.0 / np.where(ok, det, 1.0)
    s = p - t[:, 0]
    u = (s * h).sum(1) * inv
    r = np.cross(s, e1)
    v = (d * r).sum(1) * inv
    w = (e2 * r).sum(1) * inv
    eps = 1e-9
    return ok & (u >= -eps) & (v >= -eps) & (u + v <= 1 + eps) & (w >= -eps) & (w <= 1 + eps)


def _cutting(ta: np.ndarray, tb: np.ndarray) -> np.ndarray:
    hit = np.zeros(len(ta), bool)
    for k in range(3):
        hit |= _edges_cut(ta[:, k], ta[:, (k + 1) % 3], tb)
        hit |= _edges_cut(tb[:, k], tb[:, (k + 1) % 3], ta)
    return hit


def crossing_pairs(va: np.ndarray, fa: np.ndarray, vb: np.ndarray, fb: np.ndarray) -> np.ndarray:
    """Pairs (triangle of a, triangle of b) that cut each other, shape [n, 2]; edge against triangle, both ways."""
    if len(fa) == 0 or len(fb) == 0:
        return np.zeros((0, 2), int)
    return _crossing(_Triangles(np.asarray(va, float)[fa]), _Triangles(np.asarray(vb, float)[fb]))


def _crossing(a: _Triangles, b: _Triangles) -> np.ndarray:
    i, j = a.near(b)
    hit = _cutting(a.corners[i], b.corners[j])
    return np.stack([i[hit], j[hit]], 1)


def self_crossings(v: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Pairs of triangles of one mesh that cut each other and share no vertex, shape [n, 2]."""
    triangles = _Triangles(np.asarray(v, float)[f])
    i, j = triangles.near(triangles)
    i, j = i[i < j], j[i < j]
    apart = ~(f[i][:, :, None] == f[j][:, None, :]).any((1, 2))
    i, j = i[apart], j[apart]
    hit = _cutting(triangles.corners[i], triangles.corners[j])
    return np.stack([i[hit], j[hit]], 1)


class _Probe:
    """A surface, ready for distance and crossing queries."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        from engine.core.open3d_runtime import surface_scene, tensor

        vertices, faces = np.asarray(vertices, float), np.asarray(faces)
        self._triangles = _Triangles(vertices[faces])
        self._scene, self._to_tensor = surface_scene(vertices, faces), tensor

    def cuts(self, v: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Triangles of a mesh that cut the surface, shape [n]."""
        used, corners = np.unique(f, return_inverse=True)
        distance = self._scene.compute_distance(self._to_tensor(v[used])).numpy()[corners.reshape(f.shape)]
        t = np.asarray(v, float)[f]
        reach = FARTHEST * np.linalg.norm(t - np.roll(t, -1, axis=1), axis=2).max(1)
        near = np.flatnonzero(distance.min(1) <= reach + DISTANCE_ERROR)
        if len(near) == 0:
            return near
        return near[np.unique(_crossing(_Triangles(t[near]), self._triangles)[:, 0])]


class BodyProbe(_Probe):
    """The body's outer surface."""

    def __init__(self, body: Body) -> None:
        super().__init__(body.contact_vertices, body.contact_faces)

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Signed distance to the body, positive outside [m], shape [n]."""
        return self._scene.compute_signed_distance(self._to_tensor(points), nsamples=5).numpy()


class ClothProbe(_Probe):
    """The garments that are worn beneath the one to be placed."""

    def __init__(self, worn: Garment) -> None:
        super().__init__(worn.positions, worn.faces)
        self.name = worn.name

    def distance(self, points: np.ndarray) -> np.ndarray:
        """Distance to the nearest worn cloth [m], shape [n]."""
        return self._scene.compute_distance(self._to_tensor(points)).numpy()
