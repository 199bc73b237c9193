"""Lines inside panels (folds, lines to sew along) and tapes: checked, and cut where the mesh needs a vertex."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from engine.core.errors import InputError
from engine.core.pattern_types import Panel, Pattern
from garments.panels import EdgeCurve, edge_count, edge_curve, outline

__all__ = ["RATIO_LEAST", "TOUCH", "check_lines", "check_tapes", "line_cuts"]

#: Ends of lines this near to the outline, or to another line's end, are on it [m].
TOUCH = 5e-4
#: Relaxed lengths of elastics over the cloth's, beyond which something is wrong [-].
RATIO_LEAST, RATIO_MOST = 0.2, 1.0
STIFFEST = 1e5  #: force per strain of a tape that a garment could bear [N]


def _nearest(curve: EdgeCurve, point: np.ndarray) -> tuple[float, float]:
    """Fraction of a curve's point nearest to ``point``, and its distance [m]."""
    low, high = 0.0, 1.0
    for _ in range(3):
        f = np.linspace(low, high, 257)
        d = np.linalg.norm(curve.points(f) - point, axis=1)
        k = int(d.argmin())
        low, high = f[max(k - 1, 0)], f[min(k + 1, 256)]
    return float(f[k]), float(d[k])


def line_cuts(panel: Panel) -> list[tuple[int, float]]:
    """(edge, fraction) where a panel's edges and lines need a vertex: lines' corners, and their ends on the outline."""
    cuts = []
    for k, line in enumerate(panel.lines):
        curve = edge_curve(panel, len(panel.edges) + k)
        cuts += [(len(panel.edges) + k, float(f)) for f in curve.knots[1:-1]]
        for end in np.asarray(line.points, float)[[0, -1]]:
            near = [(*_nearest(edge_curve(panel, e), end), e) for e in range(len(panel.edges))]
            f, distance, e = min(near, key=lambda n: n[1])
            if distance < TOUCH:
                cuts.append((e, f))
    return cuts


def check_lines(panel: Panel, where: str = "") -> None:
    """Raises InputError when a line leaves its panel, has no length, or crosses another."""
    from garments.meshing_cdt import in_polygon

    polygon = outline(panel, 0.002)
    sides = np.roll(polygon, -1, axis=0) - polygon
    for k, line in enumerate(panel.lines):
        name = f"{where}panel '{panel.name}': line {k}" + (f" ({line.label})" if line.label else "")
        points = np.asarray(line.points, float)
        if points.ndim != 2 or points.shape[1:] != (2,) or len(points) < 2 or not np.isfinite(points).all():
            raise InputError("pattern.line", f"{name} is not a list of points", "give two points or more")
        if np.linalg.norm(np.diff(points, axis=0), axis=1).min() < TOUCH:
            raise InputError("pattern.line", f"{name} has a side without length", "remove one of its points")
        if not np.isfinite(line.angle) or abs(line.angle) > np.pi + 1e-6:
            raise InputError("pattern.line", f"{name} is pressed to {line.angle} rad", "give -pi to pi")
        t = np.linspace(0, 1, 65)[1:-1]
        inner = np.concatenate([points[1:-1], edge_curve(panel, len(panel.edges) + k).points(t)])
        off = np.clip(((inner[:, None] - polygon) * sides).sum(2) / np.maximum((sides**2).sum(1), 1e-18), 0, 1)
        gap = np.linalg.norm(inner[:, None] - polygon - off[..., None] * sides, axis=2).min(1)
        if not in_polygon(inner, polygon).all() or gap.min() < TOUCH / 4:
            raise InputError("pattern.line", f"{name} leaves the panel or runs along its outline", "draw it inside")
    for (i, a), (j, b) in combinations(enumerate(panel.lines), 2):
        if _cross(np.asarray(a.points, float), np.asarray(b.points, float)):
            raise InputError(
                "pattern.line", f"{where}panel '{panel.name}': lines {i} and {j} cross", "let them meet at ends only"
            )


def _cross(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two polylines meet anywhere but at their ends."""
    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])

    a0, a1, b0, b1 = a[:-1, None], a[1:, None], b[None, :-1], b[None, 1:]
    apart = side(a0, a1, b0) * side(a0, a1, b1), side(b0, b1, a0) * side(b0, b1, a1)
    return bool(((apart[0] < -1e-14) & (apart[1] < -1e-14)).any())


def check_tapes(pattern: Pattern, where: str = "") -> None:
    """Raises InputError when a tape names no edge, or cannot be made."""
    panels = {p.name: p for p in pattern.panels}
    for index, tape in enumerate(pattern.tapes):
        name = f"{where}tape {index}" + (f" ({tape.label})" if tape.label else "")
        ref = tape.along
        if ref.panel not in panels:
            raise InputError("pattern.unknown_panel", f"{name}: there is no panel '{ref.panel}'", "name one that is")
        if not 0 <= ref.edge < edge_count(panels[ref.panel]):
            raise InputError("pattern.unknown_edge", f"{name}: panel '{ref.panel}' has no edge or line {ref.edge}",
                             f"its edges and lines are 0 to {edge_count(panels[ref.panel]) - 1}")
        if not 0 <= min(ref.start, ref.end) < max(ref.start, ref.end) <= 1:
            raise InputError("pattern.bad_span", f"{name}: runs from {ref.start:g} to {ref.end:g} of its edge",
                             "give two different fractions between 0 and 1")
        if not RATIO_LEAST <= tape.ratio <= RATIO_MOST:
            raise InputError("pattern.tape", f"{name}: its ratio {tape.ratio:g} is outside {RATIO_LEAST:g} to 1",
                             "give its relaxed length over that of the cloth along it")
        if not 0 < tape.stiffness <= STIFFEST:
            raise InputError("pattern.tape", f"{name}: has a stiffness of {tape.stiffness:g} N",
                             "give its force per strain")
