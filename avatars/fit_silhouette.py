"""The model's outline in a picture, and which of its points answers to which point of the photo's contour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from avatars.contours import Contour

__all__ = ["Topology", "Outline", "Matches", "render_mask", "outline", "match"]

_SHIFT = 4  #: fractional bits of OpenCV's drawing coordinates
RASTER_HEIGHT = 900.0  #: the mask that decides visibility is drawn so tall [px]
BEYOND = 1.4  #: how far outside an edge nothing of the body may be drawn [px of that mask]
NORMAL_AGREEMENT = 0.6  #: least cosine between the normals of matched points


class Topology:
    """Edges of a mesh with the two faces beside each; boundary edges have the same face twice."""

    def __init__(self, faces: np.ndarray) -> None:
        self.faces = np.asarray(faces, np.int64)
        half = np.stack([self.faces, np.roll(self.faces, -1, axis=1)], -1).reshape(-1, 2)
        opposite = np.roll(self.faces, 1, axis=1).reshape(-1)
        key = np.sort(half, axis=1)
        order = np.lexsort((key[:, 1], key[:, 0]))
        key, face, opposite = key[order], order // 3, opposite[order]
        first = np.concatenate([[True], (np.diff(key, axis=0) != 0).any(1)])
        start = np.nonzero(first)[0]
        last = np.concatenate([start[1:], [len(key)]]) - 1
        self.edges = key[start]  #: shape [E, 2]
        self.edge_faces = np.stack([face[start], face[last]], 1)  #: shape [E, 2]
        self.edge_opposite = np.stack([opposite[start], opposite[last]], 1)  #: third corner of each face, shape [E, 2]


@dataclass(frozen=True)
class Outline:
    """Mesh edges on the model's outer silhouette."""

    edges: np.ndarray  #: vertex pairs, shape [S, 2]
    a: np.ndarray  #: pixels of the first vertex, shape [S, 2]
    b: np.ndarray  #: shape [S, 2]
    normals: np.ndarray  #: unit, out of the body, shape [S, 2]


@dataclass(frozen=True)
class Matches:
    """Model point ``(1 - t) a + t b`` on ``edge`` answers to ``target``, compared along ``normal``."""

    edges: np.ndarray  #: vertex pairs, shape [M, 2]
    t: np.ndarray  #: shape [M]
    target: np.ndarray  #: [px], shape [M, 2]
    normal: np.ndarray  #: unit, shape [M, 2]
    std: np.ndarray  #: of the contour point [px], shape [M]
    weight: np.ndarray  #: share of an independent observation, shape [M]


def _front_facing(pixels: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (pixels[faces[:, i]] for i in range(3))
    # y runs down: counter-clockwise seen from outside has negative area here
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) < 0


def render_mask(pixels: np.ndarray, faces: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Silhouette of a projected closed mesh, uint8 0/1, shape [H, W]; ``pixels`` have centres at .5."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    front = faces[_front_facing(pixels, faces)]
    fixed = np.round((np.clip(pixels, -4000, 16000) - 0.5) * (1 << _SHIFT)).astype(np.int32)
    for triangle in fixed[front]:
        cv2.fillConvexPoly(mask, triangle, 1, cv2.LINE_8, _SHIFT)
    return mask


def outline(pixels: np.ndarray, topology: Topology, *, keep: np.ndarray | None = None) -> Outline:
    """Edges between a front and a back face with nothing of the body just outside them.

    Args:
        pixels: projected vertices, shape [V, 2].
        keep: vertices whose edges may be returned, boolean, shape [V].
    """
    low, high = pixels.min(0), pixels.max(0)
    scale = RASTER_HEIGHT / max(high[1] - low[1], 1.0)
    pad = 6.0
    small = (pixels - low) * scale + pad
    size = tuple(int(x) for x in np.ceil((high - low) * scale + 2 * pad))
    mask = render_mask(small, topology.faces, size)
    front = _front_facing(pixels, topology.faces)
    sides = front[topology.edge_faces]
    rim = np.nonzero(sides[:, 0] != sides[:, 1])[0]
    if keep is not None:
        rim = rim[keep[topology.edges[rim]].all(1)]
    edges = topology.edges[rim]
    a, b = pixels[edges[:, 0]], pixels[edges[:, 1]]
    along = b - a
    length = np.linalg.norm(along, axis=1)
    normal = np.stack([along[:, 1], -along[:, 0]], 1) / np.maximum(length, 1e-9)[:, None]
    # out of the body is away from the third corner of the front face
    third = topology.edge_opposite[rim, np.where(sides[rim, 0], 0, 1)]
    inward = ((pixels[third] - a) * normal).sum(1) > 0
    normal[inward] *= -1
    beyond = (0.5 * (a + b) - low) * scale + pad + BEYOND * normal
    x, y = np.floor(beyond).astype(int).T
    free = mask[np.clip(y, 0, size[1] - 1), np.clip(x, 0, size[0] - 1)] == 0
    ok = free & (length > 1e-6)
    return Outline(edges[ok], a[ok], b[ok], normal[ok])


def _spread(line: Outline, spacing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points about ``spacing`` apart on the outline: segment numbers, fractions along them, positions."""
    length = np.linalg.norm(line.b - line.a, axis=1)
    count = np.maximum(np.ceil(length / spacing).astype(int), 1)
    segment = np.repeat(np.arange(len(length)), count)
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    t = (np.arange(len(segment)) - first[segment] + 0.5) / count[segment]
    return segment, t, line.a[segment] + t[:, None] * (line.b - line.a)[segment]


def match(
    line: Outline, contour: Contour, *, radius: float, spacing: float, correlation: float, both: bool = True
) -> Matches:
    """Nearest compatible pairs between the model's outline and the photo's contour, in both directions.

    Args:
        radius: pairs further apart are dropped [px].
        spacing: distance between neighbouring contour points [px].
        correlation: length along the contour over which errors hang together [px]; weights account for it.
    """
    segment, t, at = _spread(line, spacing)
    parts = []
    if len(at) and len(contour.points):
        tree = cKDTree(at)
        i, j = _nearest(tree, contour.points, contour.normals, line.normals[segment], radius)
        share = np.full(len(i), spacing / correlation)
        parts.append((segment[j], t[j], i, share * (0.5 if both else 1.0)))
        if both:
            tree = cKDTree(contour.points)
            j, i = _nearest(tree, at, line.normals[segment], contour.normals, radius)
            length = np.linalg.norm(line.b - line.a, axis=1)
            share = (length / np.bincount(segment, minlength=len(length)).clip(1))[segment[j]] / correlation
            parts.append((segment[j], t[j], i, 0.5 * share))
    if not parts:
        none = np.zeros(0)
        return Matches(np.zeros((0, 2), int), none, np.zeros((0, 2)), np.zeros((0, 2)), none, none)
    s, t, i, weight = (np.concatenate([p[k] for p in parts]) for k in range(4))
    normal = line.normals[s] + contour.normals[i]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    # slide the model point to where the photo's point is level with it
    a, b = line.a[s], line.b[s]
    along = b - a
    exact = ((contour.points[i] - a) * along).sum(1) / (along**2).sum(1)
    return Matches(line.edges[s], np.clip(exact, 0.0, 1.0), contour.points[i], normal, contour.std[i], weight)


def _nearest(
    tree: cKDTree, points: np.ndarray, normals: np.ndarray, candidate_normals: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """For each point the nearest candidate with a compatible normal: (point numbers, candidate numbers)."""
    k = min(24, tree.n)
    distance, number = tree.query(points, k=k, distance_upper_bound=radius)
    distance, number = distance.reshape(len(points), k), number.reshape(len(points), k)
    valid = np.isfinite(distance)
    safe = np.where(valid, number, 0)
    agree = np.einsum("pkc,pc->pk", candidate_normals[safe], normals)
    cost = np.where(valid & (agree > NORMAL_AGREEMENT), distance * (1.0 + 2.0 * (1.0 - agree)), np.inf)
    best = np.argmin(cost, axis=1)
    ok = np.isfinite(cost[np.arange(len(points)), best])
    rows = np.nonzero(ok)[0]
    return rows, safe[rows, best[rows]]
