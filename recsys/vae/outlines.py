"""A pattern's pieces as polylines laid flat before and behind the body, where their placements put them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.pattern_types import ArcEdge, BezierEdge, Edge, EdgeRef, Panel, Pattern

__all__ = ["FlatPanel", "edge_polyline", "lay_flat"]

#: Sides into which a curved edge is drawn.
SIDES = 12


@dataclass(frozen=True)
class FlatPanel:
    """A panel before (``back`` False) or behind the body."""

    panel: Panel
    back: bool
    edges: tuple[np.ndarray, ...]
    #: each edge, then each line inside, as a polyline on the body's frontal plane [m], shape [n, 2]
    axes: np.ndarray  #: the panel's x and y on that plane, orthonormal columns, shape [2, 2]
    origin: np.ndarray  #: where the panel's origin lies [m], shape [2]

    def outline(self) -> np.ndarray:
        """The closed outline without its repeated first point [m], shape [n, 2]."""
        return np.concatenate([e[:-1] for e in self.edges[: len(self.panel.edges)]])

    def on_plane(self, points: np.ndarray) -> np.ndarray:
        """Points of the panel's own plane on the body's frontal plane [m], shape [n, 2]."""
        return np.asarray(points, float) @ self.axes.T + self.origin

    def span(self, ref: EdgeRef) -> np.ndarray:
        """The part of an edge or line that a reference names, as a polyline [m], shape [n, 2]."""
        points = self.edges[ref.edge]
        if {ref.start, ref.end} == {0.0, 1.0}:
            return points
        at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        at /= max(at[-1], 1e-12)
        low, high = min(ref.start, ref.end), max(ref.start, ref.end)
        f = np.concatenate([[low], at[(at > low) & (at < high)], [high]])
        return np.stack([np.interp(f, at, points[:, i]) for i in range(2)], 1)


def edge_polyline(vertices: np.ndarray, edge: Edge) -> np.ndarray:
    """Points along an edge from its start to its end in the panel's plane [m], shape [n, 2]."""
    start, end = np.asarray(vertices[edge.start], float), np.asarray(vertices[edge.end], float)
    t = np.linspace(0.0, 1.0, SIDES + 1)[:, None]
    if isinstance(edge, BezierEdge):
        points = [np.asarray(p, float)[None] for p in (start, *edge.controls, end)]
        while len(points) > 1:
            points = [a * (1 - t) + b * t for a, b in zip(points[:-1], points[1:], strict=True)]
        return points[0]
    if isinstance(edge, ArcEdge):
        chord = end - start
        half = np.hypot(*chord) / 2
        radius = max(edge.radius, half)
        height = np.sqrt(radius**2 - half**2) * (1 if edge.ccw != edge.large else -1)
        centre = (start + end) / 2 + height * np.array([-chord[1], chord[0]]) / max(2 * half, 1e-12)
        first, last = (np.arctan2(*(p - centre)[::-1]) for p in (start, end))
        sweep = (last - first) % (2 * np.pi) if edge.ccw else -((first - last) % (2 * np.pi))
        angle = first + sweep * t
        return centre + radius * np.hstack([np.cos(angle), np.sin(angle)])
    return np.stack([start, end])


def _plane_axes(rotation: np.ndarray) -> np.ndarray:
    """The rotation (or reflection) of the plane nearest to how a panel's axes look from the front, shape [2, 2]."""
    seen = np.asarray(rotation, float)[:2, :2]
    u, size, vt = np.linalg.svd(seen)
    return u @ vt if size[1] > 0.2 else np.eye(2)


def lay_flat(pattern: Pattern) -> list[FlatPanel]:
    """Lays every panel flat on the body's frontal plane, without foreshortening.

    A panel lies behind the body where its middle is nearer to the rearmost panel than to the foremost one; which of
    its sides shows does not matter (a collar's fall starts turned over).
    """
    laid = []
    for panel in pattern.panels:
        edges = tuple(edge_polyline(panel.vertices, e) for e in panel.edges)
        edges += tuple(np.asarray(line.points, float) for line in panel.lines)
        middle = np.concatenate(edges).mean(0)
        place = panel.placement
        world = np.asarray(place.rotation, float)[:, :2] @ middle + place.translation
        axes = _plane_axes(place.rotation)
        laid.append((panel, edges, axes, world[:2] - axes @ middle, world[2]))
    depths = [row[4] for row in laid]
    split = (max(depths) + min(depths)) / 2
    return [
        FlatPanel(panel, bool(z < split), tuple(e @ axes.T + origin for e in edges), axes, origin)
        for panel, edges, axes, origin, z in laid
    ]
