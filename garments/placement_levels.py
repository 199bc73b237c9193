"""How far up a pattern's coordinates go, so that its neck or its waist meets the body's."""

from __future__ import annotations

import numpy as np

from engine.core.pattern_types import Pattern
from engine.core.types import Body
from garments.panels import ref_points
from garments.placement_regions import PanelRegion

__all__ = ["has_shoulders", "level_shift"]

#: Heights of the body that GarmentCode's absolute coordinates refer to [m] (its mean female body).
GARMENTCODE_LEVELS = {"back_neck_height": 1.407, "bust_height": 1.151, "waist_height": 1.049, "hip_height": 0.823}


def has_shoulders(pattern: Pattern, members: list[int]) -> bool:
    """Whether a top has shoulder seams: rather level seams near its top between panels that face front and back."""
    spans, top = [], -np.inf
    panels = {pattern.panels[k].name: pattern.panels[k] for k in members}
    for panel in panels.values():
        world = panel.vertices @ np.asarray(panel.placement.rotation, float)[1, :2] + panel.placement.translation[1]
        top = max(top, float(world.max()))
    for seam in pattern.seams:
        if seam.a.panel not in panels or seam.b.panel not in panels:
            continue
        a, b = panels[seam.a.panel], panels[seam.b.panel]
        if a.placement.rotation[2, 2] * b.placement.rotation[2, 2] < 0:
            ends = ref_points(a, seam.a, np.array([0.0, 1.0])) @ np.asarray(a.placement.rotation, float)[:2, :2].T
            level = float(ends[:, 1].mean()) + a.placement.translation[1]
            spans.append((abs(ends[1, 0] - ends[0, 0]) > abs(ends[1, 1] - ends[0, 1]), top - level))
    return any(flat and below < 0.12 for flat, below in spans)


def level_shift(pattern: Pattern, regions: list[PanelRegion], body: Body) -> float:
    """How far up the pattern's coordinates go so that its neck, or else its waist, meets the body's [m]."""
    levels = dict(pattern.drafted_for) if "waist_height" in pattern.drafted_for else {}
    if pattern.source == "garmentcode":
        levels = GARMENTCODE_LEVELS
    elif any(p.placement.region for p in pattern.panels):
        return 0.0  # drafted on a body, whose coordinates it already has
    marks = body.landmarks
    if any(r.part in ("torso", "collar") for r in regions):
        name, mark = "back_neck_height", "back_neck_point"
    else:
        name, mark = "waist_height", "waist_front"
    shift = float(marks[mark][1]) - levels[name] if name in levels and mark in marks else 0.0
    return shift + _mend_level(pattern, regions, shift, marks)


def _mend_level(pattern: Pattern, regions: list[PanelRegion], shift: float, marks: dict[str, np.ndarray]) -> float:
    """What brings a garment to the neck or waist that the file puts far from them (drafted for another body) [m]."""
    tops: dict[str, float] = {}
    for panel, region in zip(pattern.panels, regions, strict=True):
        world = panel.vertices @ np.asarray(panel.placement.rotation, float)[1, :2] + panel.placement.translation[1]
        tops[region.part] = max(tops.get(region.part, -np.inf), float(world.max()) + shift)
    torso = [k for k, r in enumerate(regions) if r.part == "torso"]
    if "torso" in tops and not has_shoulders(pattern, torso):
        return 0.0
    if "torso" in tops and "side_neck_point_l" in marks:
        wanted, now, slack = float(marks["side_neck_point_l"][1]), tops["torso"], 0.12
    elif "waist_front" in marks and any(k in tops for k in ("waistband", "skirt", "leg")):
        now = max(tops.get(k, -np.inf) for k in ("waistband", "skirt", "leg"))
        wanted, slack = float(marks["waist_front"][1]), 0.2
    else:
        return 0.0
    return wanted - now if abs(wanted - now) > slack else 0.0
