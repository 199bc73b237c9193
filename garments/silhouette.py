"""The silhouette of a drawn pattern in a tailor's figures, measured on its panels as they are placed, not on options.

Girths are the widths of the cloth at a level, added over the panels of the front and of the back. A flat front is
longer than the body is high, since it goes over the bust: each face is measured at its own levels, counted from its
highest point by the body's lengths along the surface. Darts towards the waist count as sewn; darts towards
the side turn the cloth and take nothing in at the bust, so that they count as if they were filled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.pattern_types import Panel, Pattern
from garments.panels import edge_curve, ref_length
from garments.placement_regions import PanelRegion, panel_regions

__all__ = ["FIGURES", "silhouette"]

#: Figure -> what it is. Lengths [m], ratios [-]; NaN where a garment has no such thing.
FIGURES: dict[str, str] = {
    "length": "hem below the body's waist [m]",
    "hem_to_waist": "girth of the hem over that of the waist, tops, skirts and dresses [-]",
    "ease_bust": "girth of the cloth at the level of the bust less the body's [m]",
    "ease_waist": "the same at the waist [m]",
    "ease_hip": "the same at the hips [m]",
    "leg_flare": "width of a trouser leg's hem over that at the knee [-]",
    "sleeve_length": "length of sleeve and cuff over the arm's [-]",
    "neck_depth": "front neckline at the centre below the side neck points [m]",
}
_TRUNK = ("torso", "skirt")
_FACES = ("front", "back")
#: In the names of pieces that lie upon others and close nothing round the body.
_UPON = ("pocket", "fall")
#: How far inside an edge a width is measured [m], and into how many sides a curve is drawn.
INSIDE, SIDES = 0.015, 24
#: Levels at which a waist is sought and the steps between levels [m].
NEAR_WAIST, STEP = 0.06, 0.015


@dataclass(frozen=True)
class _Piece:
    """A panel, what it covers, its outline in its own plane and as seen from the front [m], shape [n, 2]."""

    panel: Panel
    region: PanelRegion
    flat: np.ndarray
    seen: np.ndarray

    def front(self, points: np.ndarray) -> np.ndarray:
        """Points of the panel's plane as seen from the front [m], shape [n, 2]."""
        place = self.panel.placement
        return (points @ np.asarray(place.rotation, float)[:, :2].T + place.translation)[:, :2]


def _piece(panel: Panel, region: PanelRegion, apexes: set[int]) -> _Piece:
    """A panel's piece; the points of side darts, by the vertices of their tips, are left out of its outline."""
    curves = [edge_curve(panel, i) for i in range(len(panel.edges))]
    kept = [c for c, e in zip(curves, panel.edges, strict=True) if e.start not in apexes]
    flat = np.concatenate([c.at(np.arange(n) / n) for c in kept for n in [1 if c.kind == "line" else SIDES]])
    piece = _Piece(panel, region, flat, flat)
    return replace(piece, seen=piece.front(flat))


def _side_darts(pattern: Pattern) -> dict[str, set[int]]:
    """Of each panel the vertices at the tips of darts whose mouth is rather upright than level."""
    panels = {p.name: p for p in pattern.panels}
    tips: dict[str, set[int]] = {p.name: set() for p in pattern.panels}
    for seam in pattern.seams:
        panel = panels[seam.a.panel]
        if seam.kind != "dart" or seam.b.panel != panel.name or max(seam.a.edge, seam.b.edge) >= len(panel.edges):
            continue
        a, b = (panel.edges[ref.edge] for ref in (seam.a, seam.b))
        for tip in {a.start, a.end} & {b.start, b.end}:
            ends = [e.end if e.start == tip else e.start for e in (a, b)]
            mouth = np.asarray(panel.placement.rotation, float)[:2, :2] @ np.subtract(*panel.vertices[ends])
            if abs(mouth[1]) > abs(mouth[0]):
                tips[panel.name].add(tip)
    return tips


def silhouette(pattern: Pattern, measurements: Mapping[str, Any]) -> dict[str, float]:
    """The figures of ``FIGURES``.

    Args:
        measurements: The body's, ISO names to metres or ``engine.core.types.Measurement``.
    """
    body = {k: float(getattr(v, "value", v)) for k, v in measurements.items()}
    tips = _side_darts(pattern)
    pieces = [_piece(p, r, tips[p.name]) for p, r in zip(pattern.panels, panel_regions(pattern), strict=True)
              if not any(word in r.name for word in _UPON)]  # fmt: skip
    worn = [p for p in pieces if p.region.part in (*_TRUNK, "leg")]
    out = dict.fromkeys(FIGURES, float("nan"))
    if not worn:
        return out
    legs = [p for p in worn if p.region.part == "leg"]
    trunk = [p for p in worn if p.region.part != "leg"]
    levels = {face: _waist_level([p for p in trunk if p.region.part == "torso" and _face(p) == face], face, body)
              for face in _FACES}  # fmt: skip
    seen = {face: [p.seen - (0.0, levels[face]) for p in worn if _face(p) == face] for face in _FACES}
    seen = {face: polygons for face, polygons in seen.items() if polygons}
    behind = seen.get("back", seen.get("front"))  # hems are level behind, where no bust lifts them
    bottom = min(float(p[:, 1].min()) for p in behind)
    top = max(float(p[:, 1].max()) for polygons in seen.values() for p in polygons)
    bust, hip = (body[f"{name}_height"] - body["waist_height"] for name in ("bust", "hip"))
    out["length"] = -bottom
    waist = _waist(pattern, pieces, seen)
    out["ease_waist"] = waist - body["waist_girth"]
    if top > bust:
        # flat, the armholes begin lower than the bust does on a body: its girth is the widest level above the waist
        upper = {face: np.arange(0.05, max(bust, body["bust_height"] - levels[face]), 0.01) for face in seen}
        widths = (max(_width(p, y) for y in upper[face]) for face, p in seen.items())
        out["ease_bust"] = sum(widths) - body["bust_girth"]
    pleats = {ref.panel for seam in pattern.seams if seam.kind == "pleat" for ref in (seam.a, seam.b)}
    closed = all(p.panel.name not in pleats for p in worn)  # what is worn of a pleated skirt's width, none can tell
    if closed and bottom < hip < top - INSIDE:
        out["ease_hip"] = sum(_hip(p, hip) for p in seen.values()) - body["hip_girth"]
    if trunk and not legs:
        out["hem_to_waist"] = _hem(pattern, pieces, _TRUNK) / waist
    if legs:
        out["leg_flare"] = _hem(pattern, pieces, ("leg",)) / _knee(pieces, body["knee_height"])
    out["sleeve_length"] = _sleeve_length(pieces) / body["arm_length"]
    out["neck_depth"] = _neck_depth(pieces)
    return out


def _face(piece: _Piece) -> str:
    """Front or back; a piece that goes all the way round counts as front."""
    return "back" if piece.region.face == "back" else "front"


def _waist_level(torso: list[_Piece], face: str, body: Mapping[str, float]) -> float:
    """Where the body's waist comes to lie on a face of the pattern [m]: below its shoulder by the body's length there.

    The front's length is taken over the bust from the side neck point, the back's from the neck's middle.
    """
    top = max((float(p.seen[:, 1].max()) for p in torso), default=np.nan)
    if face == "back":
        middle = [y for p in torso if (y := _top_at(p.seen, 0.0)) is not None]
        top = max(middle, default=top)
    length = body.get(f"{face}_waist_length", np.nan)
    return top - length if np.isfinite(top - length) else body["waist_height"]


def _width(polygons: Iterable[np.ndarray], level: float) -> float:
    """Cloth cut by a level line, all polygons added [m]."""
    total = 0.0
    for polygon in polygons:
        a, b = polygon, np.roll(polygon, -1, axis=0)
        cut = (a[:, 1] > level) != (b[:, 1] > level)
        x = a[cut, 0] + (level - a[cut, 1]) / (b[cut, 1] - a[cut, 1]) * (b[cut, 0] - a[cut, 0])
        x.sort()
        total += float((x[1::2] - x[::2]).sum())
    return total


def _hip(polygons: list[np.ndarray], level: float) -> float:
    """The widest cloth [m] at the hips or, where a curved hem cuts it off at the sides, a little above."""
    lowest = max(level, min(float(p[:, 1].min()) for p in polygons) + INSIDE)
    return max(_width(polygons, lowest + rise) for rise in np.arange(0.0, NEAR_WAIST, STEP))


def _waist(pattern: Pattern, pieces: list[_Piece], seen: dict[str, list[np.ndarray]]) -> float:
    """Length of the waistband or the waist seam, or the least girth near the body's waist [m].

    NaN where the garment has none of them.
    """
    bands = [float(np.ptp(p.flat, axis=0).max()) for p in pieces if p.region.part == "waistband"]
    if bands:
        return sum(bands)
    named = {p.panel.name: p for p in pieces}
    total = 0.0
    for seam in pattern.seams:
        refs = {named[r.panel].region.part: r for r in (seam.a, seam.b) if r.panel in named}
        if set(refs) in ({"torso", "skirt"}, {"torso", "leg"}):
            total += ref_length(named[refs["torso"].panel].panel, refs["torso"])
    if total:
        return total
    least = 0.0
    for polygons in seen.values():
        heights = np.concatenate(polygons)[:, 1]
        steps = np.arange(-NEAR_WAIST, NEAR_WAIST + STEP / 2, STEP)
        steps = steps[(heights.min() + INSIDE < steps) & (steps < heights.max())]
        if not len(steps) or heights.max() < 0.1:
            return float("nan")
        least += min(_width(polygons, y) for y in steps)
    return least


def _hem(pattern: Pattern, pieces: list[_Piece], parts: tuple[str, ...]) -> float:
    """Length of the level unsewn edges in the lower half of some parts of the garment [m]; NaN where there are none."""
    sewn = {(ref.panel, ref.edge) for seam in pattern.seams for ref in (seam.a, seam.b)}
    mine = [p for p in pieces if p.region.part in parts]
    heights = np.concatenate([p.seen for p in mine])[:, 1]
    middle, total = (heights.min() + heights.max()) / 2, 0.0
    for piece in mine:
        for i in range(len(piece.panel.edges)):
            if (piece.panel.name, i) not in sewn:
                curve = edge_curve(piece.panel, i)
                start, half, end = piece.front(curve.points(np.array([0.0, 0.5, 1.0])))
                level = abs(end[0] - start[0]) > abs(end[1] - start[1])  # not the edge of an opening
                total += curve.length if level and half[1] < middle else 0.0
    return total or float("nan")


def _knee(pieces: list[_Piece], knee: float) -> float:
    """Girth of both trouser legs at the knee, square to the legs [m]; NaN for shorter ones."""
    total = 0.0
    for piece in pieces:
        if piece.region.part == "leg":
            place = piece.panel.placement
            up = float(np.asarray(place.rotation)[1, 1])
            total += _width([piece.flat], (knee - place.translation[1]) / up) if abs(up) > 0.5 else 0.0
    return total if total > 0.1 else float("nan")


def _sleeve_length(pieces: list[_Piece]) -> float:
    """Longest sleeve panel of the left arm and the height of its cuff [m]; NaN without sleeves."""
    sizes = {part: [np.ptp(p.flat, axis=0) for p in pieces if (p.region.part, p.region.side) == (part, "l")]
             for part in ("sleeve", "cuff")}  # fmt: skip
    if not sizes["sleeve"]:
        return float("nan")
    return float(max(s[1] for s in sizes["sleeve"]) + max((s.min() for s in sizes["cuff"]), default=0.0))


def _neck_depth(pieces: list[_Piece]) -> float:
    fronts = [p.seen for p in pieces if p.region.part == "torso" and p.region.face == "front"]
    if not fronts:
        return float("nan")
    side = max(float(p[:, 1].max()) for p in fronts)
    centre = [y for p in fronts if (y := _top_at(p, 0.0)) is not None]
    return side - max(centre) if centre else float("nan")


def _top_at(polygon: np.ndarray, x: float) -> float | None:
    """Highest point of a polygon on a vertical line within a centimetre; None where it does not reach it."""
    inside = np.abs(polygon[:, 0] - x) < 0.01
    a, b = polygon, np.roll(polygon, -1, axis=0)
    cut = (a[:, 0] > x) != (b[:, 0] > x)
    y = a[cut, 1] + (x - a[cut, 0]) / (b[cut, 0] - a[cut, 0]) * (b[cut, 1] - a[cut, 1])
    return float(max([*y, *polygon[inside, 1]])) if cut.any() or inside.any() else None
