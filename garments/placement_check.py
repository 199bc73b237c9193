"""Exact tests that placed cloth neither cuts the body nor itself."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from engine.core.types import Body, Garment

__all__ = ["BodyProbe", "ClothProbe", "crossing_pairs", "self_crossings"]


def _corner_boxes(v: np.ndarray, f: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    t = v[f]
    centre = 0.5 * (t.min(1) + t.max(1))
    radius = np.linalg.norm(t - centre[:, None], axis=2).max(1)
    return t, centre, radius, np.stack([t.min(1), t.max(1)], 1)


def _candidates(ca: np.ndarray, ra: np.ndarray, cb: np.ndarray, rb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of bounding spheres that may touch."""
    tree = cKDTree(cb)
    near = tree.query_ball_point(ca, ra + rb.max(), return_sorted=False)
    lengths = np.fromiter((len(n) for n in near), int, len(near))
    i = np.repeat(np.arange(len(ca)), lengths)
    j = np.fromiter((k for n in near for k in n), int, lengths.sum())
    return i, j


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
    ta, ca, ra, ba = _corner_boxes(np.asarray(va, float), fa)
    tb, cb, rb, bb = _corner_boxes(np.asarray(vb, float), fb)
    i, j = _candidates(ca, ra, cb, rb)
    overlap = ((ba[i, 0] <= bb[j, 1]) & (bb[j, 0] <= ba[i, 1])).all(1)
    i, j = i[overlap], j[overlap]
    hit = _cutting(ta[i], tb[j])
    return np.stack([i[hit], j[hit]], 1)


def self_crossings(v: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Pairs of triangles of one mesh that cut each other and share no vertex, shape [n, 2]."""
    t, c, r, b = _corner_boxes(np.asarray(v, float), f)
    i, j = _candidates(c, r, c, r)
    keep = (i < j) & ((b[i, 0] <= b[j, 1]) & (b[j, 0] <= b[i, 1])).all(1)
    i, j = i[keep], j[keep]
    apart = ~(f[i][:, :, None] == f[j][:, None, :]).any((1, 2))
    i, j = i[apart], j[apart]
    hit = _cutting(t[i], t[j])
    return np.stack([i[hit], j[hit]], 1)


class _Probe:
    """A surface, ready for distance and crossing queries."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        from engine.core.open3d_runtime import surface_scene, tensor

        self.vertices, self.faces = np.asarray(vertices, float), np.asarray(faces)
        self._scene, self._to_tensor = surface_scene(self.vertices, self.faces), tensor

    def cuts(self, v: np.ndarray, f: np.ndarray) -> np.ndarray:
        """Triangles of a mesh that cut the surface, shape [n]."""
        distance = self._scene.compute_distance(self._to_tensor(v)).numpy()
        t = np.asarray(v, float)[f]
        reach = np.linalg.norm(t - np.roll(t, -1, axis=1), axis=2).max(1)
        near = np.flatnonzero(distance[f].min(1) <= reach)
        if len(near) == 0:
            return near
        low, high = t[near].min((0, 1)), t[near].max((0, 1))
        b = self.vertices[self.faces]
        close = ((b.min(1) <= high) & (b.max(1) >= low)).all(1)
        return near[np.unique(crossing_pairs(v, f[near], self.vertices, self.faces[close])[:, 0])]


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
