"""Pleated skirt: knife, box or inverted pleats pressed over their whole length, stitched down from the waist.

After Aldrich (Metric Pattern Cutting, pleated skirts) and Armstrong: hips and ease are shared out over the visible
widths of the pleats; what the waist is smaller goes into the pleats, which are deeper there, so that their folds slant
from the hips up and run straight below. The layers are caught in the waistband's seam; the side seams are hidden in
the pleats.

Coordinates of a panel: x across, from its middle, y up from the natural waist [m]. A pleated unit is as wide as a
visible face and what is folded behind it, and begins and ends where the cloth lies hindmost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.core.pattern_types import EdgeRef, PanelLine, Pattern, Seam
from garments.blocks.band_level import at_the_band
from garments.blocks.draft import Draft, Outline, measured
from garments.blocks.frames import Stand
from garments.blocks.options import choice, count, option
from garments.blocks.skirts import SKIRT_NEEDS, add_waistband

__all__ = ["PleatedOptions", "pleated_skirt"]

#: Share of what fits under a face that pleats are deep by default.
USUAL_DEPTH = 0.75
#: Of a face's width, what its pleats may take at most at the waist: all of it under knife pleats, which lie one over
#: the other; not quite half from each side under the others.
ROOM = {"knife": 1.0, "box": 0.46, "inverted": 0.46}
LEAST_FACE = 0.012  #: narrowest visible face that can be pressed [m]


@dataclass(frozen=True)
class PleatedOptions:
    """Options of the pleated skirt [m]."""

    length: float | None = option(None, 0.25, 1.30, "waist to hem; by default to the middle of the knee")
    ease_waist: float = option(0.01, -0.08, 0.20, "ease on the waist girth")
    ease_hip: float = option(0.04, -0.08, 0.50, "ease on the hip girth, with the pleats closed")
    waistband: float = option(0.035, 0.02, 0.10, "height of the waistband")
    kind: str = choice("knife", ("knife", "box", "inverted"), "knife: all turned one way; box: faces raised at the "
                       "centre front; inverted: folds meeting at the centre front")
    pleats: int = count(20, 4, 80, "number of pleats all round; made even, and to suit the centre front")
    depth: float | None = option(None, 0.005, 0.15, "how far a pleat's cloth goes under, at the hips; by default three "
                                 "quarters of what fits")
    stitched: float = option(0.10, 0.0, 0.30, "how far the pleats are stitched down from the waist")


@dataclass(frozen=True)
class _Plan:
    """Measures of the pleats."""

    kind: str
    units: int  #: of one panel
    face: np.ndarray  #: width of a visible face at hip and waist [m], shape [2]
    deep: np.ndarray  #: depth of a pleat at hip and waist [m], shape [2]
    length: float  #: waist to hem [m]
    to_hip: float
    stitched: float

    @property
    def unit(self) -> float:
        """Cloth in one unit, the same at every height [m]."""
        return float(self.face[0] + (2 if self.kind == "knife" else 4) * self.deep[0])

    def left(self, unit: int) -> float:
        """Where a unit begins [m]."""
        return (unit - 0.5 * self.units) * self.unit


def pleated_skirt(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
                  options: PleatedOptions | None = None) -> Pattern:
    """Drafts the pleated skirt for a body. See ``PleatedOptions``."""
    o = options or PleatedOptions()
    body = measured(measurements, SKIRT_NEEDS, "pleated skirt")
    measurements, landmarks, band = at_the_band(measurements, landmarks)
    m = measured(measurements, SKIRT_NEEDS, "pleated skirt")
    stand = Stand(measurements, landmarks)
    plan = _plan(m, o)
    d = Draft("skirt_pleated")
    level = stand.level("waist_front", "waist_back")
    for back in (False, True):
        name = "skirt_back" if back else "skirt_front"
        place = stand.trunk(name, back=back, y=level, radius=m["hip_girth"] / (2 * np.pi))
        d.add(name, _outline(plan), place, lines=tuple(_lines(plan)))
    angle = -np.pi if plan.kind == "knife" else 0.0
    for a, b in (("skirt_front", "skirt_back"), ("skirt_back", "skirt_front")):
        d.sew([(a, "side_plus")], [(b, "side_minus")], angle=angle)
        _catch(d, plan, a, b)
        if plan.stitched:
            _stitch(d, plan, a, b)
    faces = {n: [(n, f"face_{k}") for k in range(plan.units - 1, -1, -1)] for n in ("skirt_front", "skirt_back")}
    add_waistband(d, stand, height=o.waistband, front=faces["skirt_front"], back=faces["skirt_back"],
                  y=level + 0.005, radius=m["waist_girth"] / (2 * np.pi))
    ease = {band: o.ease_waist}
    return d.pattern(kind="skirt", ease=ease, drafted_for=body, source="pleated skirt after Aldrich and Armstrong")


def _plan(m: Mapping[str, float], o: PleatedOptions) -> _Plan:
    """Shares hips and waist out over the pleats; an InputError says what does not fit."""
    units = max(int(round(o.pleats / 2)), 2)
    if o.kind != "knife" and (units % 2 == 1) == (o.kind == "inverted"):
        units += 1
    waist = m["waist_girth"] + o.ease_waist
    hip = max(m["hip_girth"] + o.ease_hip, waist)
    length = max(m["waist_height"] - m["knee_height"], 0.3) if o.length is None else o.length
    face = np.array([hip, waist]) / (2 * units)
    if face[1] < LEAST_FACE:
        raise InputError("garment.pleats", f"pleated skirt: {2 * units} pleats leave {100 * face[1]:.1f} cm for each",
                         "take fewer pleats")
    taper = (face[0] - face[1]) / (2 if o.kind == "knife" else 4)
    most = ROOM[o.kind] * face[1] - taper
    deep = USUAL_DEPTH * most if o.depth is None else o.depth
    if not 0.004 < deep <= most:
        raise InputError(
            "garment.pleats", f"pleated skirt: pleats {100 * deep:.1f} cm deep do not fit under {100 * face[1]:.1f} cm "
            f"at the waist ({100 * max(most, 0.0):.1f} cm do)", "take fewer or shallower pleats",
        )
    to_hip = min(m["waist_to_hip"], length - 0.05)
    return _Plan(o.kind, units, face, np.array([deep, deep + taper]), length, to_hip, min(o.stitched, to_hip))


def _marks(plan: _Plan, deep: float) -> dict[str, float]:
    """Where the folds of a unit lie for a depth, from its beginning [m]; ``front`` and ``end`` bound its face."""
    if plan.kind == "knife":
        return {"front": deep, "end": plan.unit - deep}
    return {"valley_1": deep, "front": 2 * deep, "end": plan.unit - 2 * deep, "valley_2": plan.unit - deep}


def _outline(plan: _Plan) -> Outline:
    """A panel; its top edge in pieces that are caught in the waist seam one by one."""
    wide = 0.5 * plan.units * plan.unit
    path = Outline((-wide, -plan.length)).line((wide, -plan.length), "hem").line((wide, 0.0), "side_plus")
    for k in range(plan.units - 1, -1, -1):
        marks = [plan.unit, *sorted(_marks(plan, plan.deep[1]).values(), reverse=True), 0.0]
        names = ("under", "face", "over") if plan.kind == "knife" else ("far_2", "under_2", "face", "under_1", "far_1")
        for name, x in zip(names, marks[1:], strict=True):
            path.line((plan.left(k) + x, 0.0), f"{name}_{k}")
    return path.line((-wide, -plan.length), "side_minus")


def _fold(plan: _Plan, unit: int, name: str, down_to: float) -> np.ndarray:
    """A fold of a unit from the waist down to a depth below it: slanted to the hips, then straight [m]."""
    hip, waist = (plan.left(unit) + _marks(plan, deep)[name] for deep in plan.deep)
    points = [(waist, 0.0)]
    if down_to > plan.to_hip + 1e-3:
        return np.array([*points, (hip, -plan.to_hip), (hip, -down_to)])
    share = down_to / plan.to_hip
    return np.array([*points, (waist + share * (hip - waist), -down_to)])


def _lines(plan: _Plan) -> list[PanelLine]:
    """Folds of a panel, mountains (which point outwards) and valleys; and the lines that knife pleats are sewn to."""
    lines = []
    for k in range(plan.units):
        if plan.kind == "knife":
            lines.append(PanelLine(_fold(plan, k, "end", plan.length), np.pi, f"end_{k}"))
            if k:
                x = plan.left(k)
                lines.append(PanelLine(np.array([(x, 0.0), (x, -plan.length)]), -np.pi, f"valley_{k}"))
            if plan.stitched:
                lines.append(PanelLine(_fold(plan, k, "front", plan.stitched), 0.0, f"front_{k}"))
            continue
        for name, angle in (("valley_1", -np.pi), ("front", np.pi), ("end", np.pi), ("valley_2", -np.pi)):
            lines.append(PanelLine(_fold(plan, k, name, plan.length), angle, f"{name}_{k}"))
    return lines


def _catch(d: Draft, plan: _Plan, panel: str, following: str) -> None:
    """Catches what lies behind a panel's faces at the waist; behind its last one lies cloth of the following panel."""
    share = float(plan.deep[1] / plan.face[1])

    def caught(under: tuple[str, str], face: tuple[str, str], start: float, end: float) -> None:
        refs = EdgeRef(under[0], d.edge(*under)), EdgeRef(face[0], d.edge(*face), start, end)
        d.seams.append(Seam(*refs, kind="pleat"))

    # edges run from +x to -x: a face from its end to its front
    for k in range(plan.units):
        face = (panel, f"face_{k}")
        if plan.kind == "knife":
            after = (panel, f"over_{k + 1}") if k + 1 < plan.units else (following, "over_0")
            caught((panel, f"under_{k}"), face, share, 0.0)
            caught(after, face, 0.0, share)
        else:
            for name, start, end in (("far_2", 0.0, share), ("under_2", share, 0.0), ("under_1", 1.0, 1 - share),
                                     ("far_1", 1 - share, 1.0)):
                caught((panel, f"{name}_{k}"), face, start, end)


def _stitch(d: Draft, plan: _Plan, panel: str, following: str) -> None:
    """Sews every face's end onto the next face's front, from the waist down."""
    def line(name: str, label: str) -> tuple[int, float]:
        """Number of a line as EdgeRef counts, and the fraction of it that is stitched."""
        p = d.panels[name]
        k = next(i for i, x in enumerate(p.lines) if x.label == label)
        length = float(np.linalg.norm(np.diff(p.lines[k].points, axis=0), axis=1).sum())
        sewn = _fold(plan, 0, "front", plan.stitched)
        return len(p.edges) + k, min(float(np.linalg.norm(np.diff(sewn, axis=0), axis=1).sum()) / length, 1.0)

    for k in range(plan.units):
        other, front = (panel, f"front_{k + 1}") if k + 1 < plan.units else (following, "front_0")
        (a, share_a), (b, share_b) = line(panel, f"end_{k}"), line(other, front)
        d.seams.append(Seam(EdgeRef(panel, a, 0.0, share_a), EdgeRef(other, b, 0.0, share_b), kind="pleat"))
