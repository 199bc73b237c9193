"""The silhouette of a drawn pattern in a tailor's figures, measured on its panels as they are placed, not on options.

Girths are the widths of the cloth at a level, all panels of the trunk added (darts are cut out of the outline, so what
they take in does not count); lengths run along the panels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.types import Panel, Pattern
from garments.panels import edge_curve
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
#: How far inside an edge a width is measured [m], and into how many sides a curve is drawn.
INSIDE, SIDES = 0.015, 24


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


def _piece(panel: Panel, region: PanelRegion) -> _Piece:
    curves = [edge_curve(panel, i) for i in range(len(panel.edges))]
    flat = np.concatenate([c.at(np.arange(n) / n) for c in curves for n in [1 if c.kind == "line" else SIDES]])
    piece = _Piece(panel, region, flat, flat)
    return replace(piece, seen=piece.front(flat))


def silhouette(pattern: Pattern, measurements: Mapping[str, Any]) -> dict[str, float]:
    """The figures of ``FIGURES``.

    Args:
        measurements: The body's, ISO names to metres or ``engine.core.types.Measurement``.
    """
    body = {k: float(getattr(v, "value", v)) for k, v in measurements.items()}
    regions = panel_regions(pattern)
    pieces = [_piece(p, r) for p, r in zip(pattern.panels, regions, strict=True) if "pocket" not in r.name]
    trunk = [p.seen for p in pieces if p.region.part in _TRUNK]
    legs = [p.seen for p in pieces if p.region.part == "leg"]
    out = dict.fromkeys(FIGURES, float("nan"))
    if not trunk and not legs:
        return out
    cloth = np.concatenate(trunk + legs)
    bottom, top = float(cloth[:, 1].min()), float(cloth[:, 1].max())
    out["length"] = body["waist_height"] - bottom
    waist = _waist(pieces, trunk + legs, body["waist_height"])
    out["ease_waist"] = waist - body["waist_girth"]
    if top > body["bust_height"]:
        # flat, the armholes begin lower than the bust does on a body: its girth is the widest level above the waist
        levels = np.arange(body["waist_height"] + 0.05, body["bust_height"], 0.01)
        out["ease_bust"] = max(_width(trunk, y) for y in levels) - body["bust_girth"]
    if bottom < body["hip_height"] < top - INSIDE:
        out["ease_hip"] = _width(trunk + legs, body["hip_height"]) - body["hip_girth"]
    if trunk and not legs:
        out["hem_to_waist"] = _hem(pattern, pieces, _TRUNK) / waist
    if legs:
        out["leg_flare"] = _hem(pattern, pieces, ("leg",)) / _knee(pieces, body["knee_height"])
    out["sleeve_length"] = _sleeve_length(pieces) / body["arm_length"]
    out["neck_depth"] = _neck_depth(pieces)
    return out


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


def _waist(pieces: list[_Piece], polygons: list[np.ndarray], level: float) -> float:
    """Length of the waistband, or the least girth near the body's waist [m]; NaN where the garment has neither."""
    bands = [float(np.ptp(p.flat, axis=0).max()) for p in pieces if p.region.part == "waistband"]
    if bands:
        return sum(bands)
    heights = np.concatenate(polygons)[:, 1]
    bottom, top = heights.min(), heights.max()
    levels = [y for y in level + np.arange(-0.06, 0.061, 0.015) if bottom + INSIDE < y < top]
    widths = [_width(polygons, y) for y in levels]
    return min(widths) if widths and top > level + 0.1 else float("nan")


def _hem(pattern: Pattern, pieces: list[_Piece], parts: tuple[str, ...]) -> float:
    """Length of the unsewn edges in the lower half of some parts of the garment [m]; NaN where there are none."""
    sewn = {(ref.panel, ref.edge) for seam in pattern.seams for ref in (seam.a, seam.b)}
    mine = [p for p in pieces if p.region.part in parts]
    heights = np.concatenate([p.seen for p in mine])[:, 1]
    middle, total = (heights.min() + heights.max()) / 2, 0.0
    for piece in mine:
        for i in range(len(piece.panel.edges)):
            if (piece.panel.name, i) not in sewn:
                curve = edge_curve(piece.panel, i)
                total += curve.length if piece.front(curve.points(np.array([0.5])))[0, 1] < middle else 0.0
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
