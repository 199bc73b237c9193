"""Geometry of pattern pieces: exact edge lengths, points along edges, outlines, areas and soundness checks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.core.errors import InputError
from engine.core.pattern_types import ArcEdge, BezierEdge, Edge, EdgeRef, Panel

__all__ = [
    "EdgeCurve", "check_panel", "edge_count", "edge_curve", "edge_length", "loop_area", "outline", "panel_area",
    "panel_extent", "ref_length", "ref_points", "self_crossing",
]

#: Edges shorter than this are drawing noise [m].
MIN_EDGE = 2e-4
#: No garment piece is longer than this, nor all of it smaller than the next [m].
MAX_EXTENT, MIN_EXTENT = 6.0, 0.008

_PIECES = 48
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(6)


@dataclass(frozen=True)
class EdgeCurve:
    """A curve with its arc length: quadrature over ``_PIECES`` parameter intervals, exact to about 1e-12 m."""

    kind: str  #: line, bezier, arc or polyline
    data: np.ndarray  #: control points [m], shape [n, 2]; for an arc (cx, cy), (radius, start angle), (sweep, 0)
    knots: np.ndarray  #: curve parameter at the table's entries, shape [K]
    lengths: np.ndarray  #: arc length up to them [m], shape [K]

    @property
    def length(self) -> float:
        """Arc length [m]."""
        return float(self.lengths[-1])

    def at(self, t: np.ndarray) -> np.ndarray:
        """Points at curve parameters 0..1, shape [n, 2] [m]."""
        t = np.asarray(t, float)
        if self.kind == "polyline":
            return np.stack([np.interp(t, self.knots, self.data[:, k]) for k in range(2)], -1)
        if self.kind == "arc":
            (cx, cy), (radius, angle), (sweep, _) = self.data
            phi = angle + sweep * t
            return np.stack([cx + radius * np.cos(phi), cy + radius * np.sin(phi)], -1)
        points = np.repeat(self.data[:, None, :], t.size, axis=1)
        while len(points) > 1:
            points = points[:-1] + (points[1:] - points[:-1]) * t.reshape(1, -1, 1)
        return points[0]

    def points(self, fractions: np.ndarray) -> np.ndarray:
        """Points at fractions 0..1 of the arc length, shape [n, 2] [m]."""
        f = np.clip(np.asarray(fractions, float), 0.0, 1.0)
        if self.kind != "bezier" or ((f == 0.0) | (f == 1.0)).all():
            return self.at(f)
        target = f * self.length
        k = np.clip(np.searchsorted(self.lengths, target, side="right") - 1, 0, len(self.knots) - 2)
        t0, t1 = self.knots[k], self.knots[k + 1]
        t = t0 + (t1 - t0) * (target - self.lengths[k]) / np.maximum(self.lengths[k + 1] - self.lengths[k], 1e-15)
        for _ in range(3):  # Newton on the arc length within the piece
            speed = np.maximum(_speed(self.data, t), 1e-12)
            t = np.clip(t - (self.lengths[k] + _length_between(self.data, t0, t) - target) / speed, t0, t1)
        return self.at(t)

    def fraction_near(self, point: np.ndarray) -> float:
        """Fraction of the arc length of the curve's point nearest to ``point``."""
        f = np.linspace(0, 1, 257)
        d = np.linalg.norm(self.points(f) - point, axis=1)
        return float(f[np.argmin(d)])


def _speed(control: np.ndarray, t: np.ndarray) -> np.ndarray:
    d = (len(control) - 1) * np.diff(control, axis=0)
    points = np.repeat(d[:, None, :], t.size, axis=1)
    while len(points) > 1:
        points = points[:-1] + (points[1:] - points[:-1]) * t.reshape(1, -1, 1)
    return np.linalg.norm(points[0], axis=1)


def _length_between(control: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    half, mid = (b - a) / 2, (a + b) / 2
    t = mid[:, None] + half[:, None] * _NODES
    return half * (_speed(control, t.ravel()).reshape(t.shape) @ _WEIGHTS)


def _arc_data(s: np.ndarray, e: np.ndarray, edge: ArcEdge) -> np.ndarray:
    chord = e - s
    half = np.linalg.norm(chord) / 2
    radius = max(edge.radius, half)
    offset = np.sqrt(max(radius**2 - half**2, 0.0))
    left = np.array([-chord[1], chord[0]]) / max(2 * half, 1e-15)
    centre = (s + e) / 2 + left * offset * (1 if edge.ccw != edge.large else -1)
    a0 = np.arctan2(*(s - centre)[::-1])
    sweep = np.arctan2(*(e - centre)[::-1]) - a0
    sweep = sweep % (2 * np.pi) if edge.ccw else -((-sweep) % (2 * np.pi))
    return np.array([[centre[0], centre[1]], [radius, a0], [sweep, 0.0]])


@lru_cache(maxsize=4096)  # drafting, checking and measuring ask for the same edges many times
def _bezier(control: bytes) -> EdgeCurve:
    """A Bezier curve by the bytes of its control points, float64; its arrays are not to be written to."""
    points = np.frombuffer(control).reshape(-1, 2)
    knots = np.linspace(0, 1, _PIECES + 1)
    lengths = np.concatenate([[0.0], np.cumsum(_length_between(points, knots[:-1], knots[1:]))])
    for array in (knots, lengths):
        array.flags.writeable = False
    return EdgeCurve("bezier", points, knots, lengths)


def edge_curve(panel: Panel, edge: int | Edge) -> EdgeCurve:
    """The curve of an edge of a panel; from the number of its edges on, of its lines."""
    if isinstance(edge, int | np.integer) and edge >= len(panel.edges):
        points = np.asarray(panel.lines[edge - len(panel.edges)].points, float)
        lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        return EdgeCurve("polyline", points, lengths / max(lengths[-1], 1e-15), lengths)
    e = panel.edges[edge] if isinstance(edge, int | np.integer) else edge
    p = np.asarray(panel.vertices, float)
    s, t = p[e.start], p[e.end]
    if isinstance(e, ArcEdge):
        data = _arc_data(s, t, e)
        return EdgeCurve("arc", data, np.array([0.0, 1.0]), np.array([0.0, data[1, 0] * abs(data[2, 0])]))
    if isinstance(e, BezierEdge):
        return _bezier(np.array([s, *e.controls, t], float).tobytes())
    return EdgeCurve("line", np.array([s, t]), np.array([0.0, 1.0]), np.array([0.0, np.linalg.norm(t - s)]))


def edge_count(panel: Panel) -> int:
    """Number of edges and lines of a panel, by which an ``EdgeRef`` counts."""
    return len(panel.edges) + len(panel.lines)


def edge_length(panel: Panel, edge: int) -> float:
    """Arc length of an edge [m]."""
    return edge_curve(panel, edge).length


def ref_points(panel: Panel, ref: EdgeRef, fractions: np.ndarray) -> np.ndarray:
    """Points at fractions of a span of an edge, in the span's direction, shape [n, 2] [m]."""
    f = np.asarray(fractions, float)
    return edge_curve(panel, ref.edge).points(ref.start + (ref.end - ref.start) * f)


def ref_length(panel: Panel, ref: EdgeRef) -> float:
    """Length of a span of an edge [m]."""
    return abs(ref.end - ref.start) * edge_length(panel, ref.edge)


def outline(panel: Panel, step: float = 0.004) -> np.ndarray:
    """The loop as a polygon; curves in pieces of at most ``step``, without the closing point, shape [n, 2] [m]."""
    parts = []
    for i in range(len(panel.edges)):
        curve = edge_curve(panel, i)
        count = 1 if curve.kind == "line" else max(4, int(np.ceil(curve.length / step)))
        parts.append(curve.points(np.arange(count) / count))
    return np.concatenate(parts)


def loop_area(points: np.ndarray) -> float:
    """Signed area of a polygon [m2]; positive when counter-clockwise."""
    x, y = np.asarray(points, float).T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def panel_area(panel: Panel) -> float:
    """Signed area of a panel [m2]."""
    return loop_area(outline(panel, 0.002))


def panel_extent(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner of the box around the outline [m]."""
    points = outline(panel)
    return points.min(0), points.max(0)


def self_crossing(points: np.ndarray) -> tuple[int, int] | None:
    """The first two sides of a closed polygon that cross (or touch away from a shared corner), or None."""
    a = np.asarray(points, float)
    b = np.roll(a, -1, axis=0)
    n = len(a)

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])

    a1, b1, a2, b2 = a[:, None], b[:, None], a[None], b[None]
    eps = 1e-12
    d1, d2 = side(a1, b1, a2), side(a1, b1, b2)
    d3, d4 = side(a2, b2, a1), side(a2, b2, b1)
    cross = (d1 * d2 < -eps * eps) & (d3 * d4 < -eps * eps)
    i, j = np.triu_indices(n, 2)
    keep = ~((i == 0) & (j == n - 1))
    hit = np.flatnonzero(cross[i[keep], j[keep]])
    if len(hit) == 0:
        return None
    return int(i[keep][hit[0]]), int(j[keep][hit[0]])


def check_panel(panel: Panel, where: str = "") -> None:
    """Raises InputError when a panel's loop is open, crosses itself, runs clockwise or is of an impossible size.

    Args:
        where: Prefix of the message, such as the file's name and a colon.
    """
    name = f"{where}panel '{panel.name}'"
    count = len(panel.edges)
    if count < 2:
        raise InputError("pattern.open_loop", f"{name}: has {count} edges, which cannot enclose cloth", "draw a loop")
    if not np.isfinite(panel.vertices).all():
        raise InputError("pattern.not_finite", f"{name}: a vertex is not a finite number", "mend its coordinates")
    for i, edge in enumerate(panel.edges):
        following = panel.edges[(i + 1) % count]
        if edge.end != following.start:
            raise InputError(
                "pattern.open_loop",
                f"{name}: edge {i} ends at vertex {edge.end} but edge {(i + 1) % count} starts at {following.start}",
                "let every edge start where the one before ends",
            )
        if edge_length(panel, i) < MIN_EDGE:
            raise InputError("pattern.zero_edge", f"{name}: edge {i} has no length", "remove it or merge its ends")
    points = outline(panel)
    size = np.ptp(points, axis=0)
    if size.max() > MAX_EXTENT or size.max() < MIN_EXTENT:
        raise InputError(
            "pattern.size", f"{name}: is {size[0] * 100:.4g} x {size[1] * 100:.4g} cm, which no piece of clothing is",
            "check the units of the file",
        )
    crossing = self_crossing(points)
    if crossing:
        x, y = points[crossing[0]] * 100
        raise InputError(
            "pattern.self_crossing", f"{name}: its outline crosses itself near ({x:.1f}, {y:.1f}) cm",
            "move the vertices or curves there apart",
        )
    if loop_area(points) <= 0:
        raise InputError(
            "pattern.clockwise", f"{name}: its outline runs clockwise", "reverse the order of its edges or mirror it"
        )
