"""A tape measure on triangle meshes: plane sections of named regions, pulled taut.

A reading is planned once (which mesh edges the taut tape touches) and then evaluated as a differentiable function of
the vertices. While the touched edges stay the same the plan gives the exact derivative.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

__all__ = ["Plane", "Tape", "girth", "taut_line", "section_points"]


@dataclass(frozen=True)
class Plane:
    """A plane; both its point and its normal may depend on the vertices."""

    point: torch.Tensor  #: [m], shape [3]
    normal: torch.Tensor  #: unit, shape [3]


@dataclass(frozen=True)
class Tape:
    """A taut polyline in a plane: corner k lies where the plane cuts the mesh edge (start[k], end[k])."""

    start: np.ndarray  #: vertex indices, shape [K]
    end: np.ndarray  #: shape [K]
    corners: torch.Tensor  #: [m], shape [K, 3]
    length: torch.Tensor  #: [m], scalar


def section_points(vertices: np.ndarray, faces: np.ndarray, point: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Mesh edges that a plane cuts, as pairs of vertices on either side, shape [K, 2]."""
    side = (vertices - point) @ normal >= 0
    ahead = side[faces]
    some = ahead.sum(1)
    cut, ahead = faces[(some == 1) | (some == 2)], ahead[(some == 1) | (some == 2)]
    keys = []
    for i, k in ((0, 1), (1, 2), (2, 0)):
        crossing = ahead[:, i] != ahead[:, k]
        a, b = cut[crossing, i].astype(np.int64), cut[crossing, k].astype(np.int64)
        keys.append(np.minimum(a, b) * len(vertices) + np.maximum(a, b))
    unique = np.unique(np.concatenate(keys))
    return np.stack([unique // len(vertices), unique % len(vertices)], axis=1)


def _cross_points(vertices: torch.Tensor, pairs: np.ndarray, plane: Plane) -> torch.Tensor:
    a, b = vertices[pairs[:, 0]], vertices[pairs[:, 1]]
    da, db = (a - plane.point) @ plane.normal, (b - plane.point) @ plane.normal
    return a + (b - a) * (da / (da - db))[:, None]


def _plane_axes(normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    helper = np.eye(3)[np.argmin(np.abs(normal))]
    u = np.cross(normal, helper)
    u /= np.linalg.norm(u)
    return u, np.cross(normal, u)


def _hull(points: np.ndarray) -> np.ndarray:
    """Convex hull of 2D points as indices in order (Andrew's monotone chain)."""
    order = np.lexsort((points[:, 1], points[:, 0]))

    def half(indices: np.ndarray) -> list[int]:
        chain: list[int] = []
        for i in indices:
            while len(chain) > 1:
                (x1, y1), (x2, y2), (x3, y3) = points[chain[-2]], points[chain[-1]], points[i]
                if (x2 - x1) * (y3 - y1) - (y2 - y1) * (x3 - x1) > 0:
                    break
                chain.pop()
            chain.append(int(i))
        return chain

    lower, upper = half(order), half(order[::-1])
    return np.array(lower[:-1] + upper[:-1])


def girth(vertices: torch.Tensor, faces: np.ndarray, plane: Plane, *, keep: Callable | None = None) -> Tape:
    """Length of a tape pulled around the section of ``faces`` by ``plane`` (its convex hull).

    Args:
        vertices: [m], shape [V, 3], float64.
        faces: the region's triangles, shape [F, 3].
        keep: which points of the section count: [K, 3] -> [K] bool.
    """
    plain, normal = vertices.detach().numpy(), plane.normal.detach().numpy()
    pairs = section_points(plain, faces, plane.point.detach().numpy(), normal)
    if keep is not None and len(pairs):
        pairs = pairs[keep(_cross_points(vertices, pairs, plane).detach().numpy())]
    if len(pairs) < 3:
        nowhere = torch.full((), float("nan"), dtype=vertices.dtype)
        return Tape(pairs[:, 0], pairs[:, 1], torch.zeros((0, 3), dtype=vertices.dtype), nowhere)
    u, v = _plane_axes(normal)
    points = _cross_points(vertices, pairs, plane)
    flat = points.detach().numpy()
    corner = _hull(np.stack([flat @ u, flat @ v], axis=1))
    loop = points[corner]
    length = torch.linalg.norm(loop - torch.roll(loop, -1, dims=0), dim=1).sum()
    return Tape(pairs[corner, 0], pairs[corner, 1], loop, length)


def taut_line(
    vertices: torch.Tensor, faces: np.ndarray, start: torch.Tensor, end: torch.Tensor, outward: np.ndarray
) -> Tape:
    """Length of a tape from ``start`` to ``end`` pulled taut over the region, on the side that ``outward`` points to.

    The tape lies in the plane through both points that contains ``outward``.

    Args:
        start, end: [m], shape [3].
        outward: direction, shape [3].
    """
    span = end - start
    reach = float(torch.linalg.norm(span).detach())
    toward = torch.as_tensor(outward, dtype=vertices.dtype)
    across = torch.linalg.cross(span, toward)
    plane = Plane(start, across / torch.linalg.norm(across))
    normal = plane.normal.detach().numpy()
    along = span.detach().numpy() / reach
    out = np.cross(normal, along)
    pairs = section_points(vertices.detach().numpy(), faces, start.detach().numpy(), normal)
    corners, ends = torch.stack([start, end]), np.zeros((0, 2), np.int64)
    if len(pairs):
        points = _cross_points(vertices, pairs, plane)
        flat = (points - start).detach().numpy()
        x, y = flat @ along, flat @ out
        keep = np.flatnonzero((x > 1e-4) & (x < reach - 1e-4) & (y > 0))
        if len(keep):
            candidates = np.concatenate([[[0.0, 0.0], [reach, 0.0]], np.stack([x[keep], y[keep]], 1)])
            hull = [i for i in _hull(candidates) if i > 1]
            hull.sort(key=lambda i: candidates[i, 0])
            chosen = keep[np.array(hull, np.int64) - 2]
            corners = torch.cat([start[None], points[chosen], end[None]])
            ends = pairs[chosen]
    length = torch.linalg.norm(corners[1:] - corners[:-1], dim=1).sum()
    return Tape(ends[:, 0], ends[:, 1], corners, length)
