"""Unlined box jacket (chore jacket): straight body, front opening, collar with stand, long set-in sleeves.

After the easy-fitting jacket blocks of Aldrich (Metric Pattern Cutting for Menswear; for women the overgarment block):
the bodice draft with ease that leaves room for a shirt beneath, shoulders drawn out a little, a lowered and widened
neckline, a deep armhole, straight side seams without darts, a wide sleeve of one line from the armhole to the hem.

The fronts meet edge to edge at the centre front and are fastened (a closure seam) from the hem up to ``closed``; above,
the fronts and the collar are open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.pattern_types import Pattern
from garments.blocks.balance import front_hem, hang_balance, hem_drop
from garments.blocks.bodice import NEEDED, Half, armhole, even_sides, neckline, side, upper_half
from garments.blocks.collar import COLLAR_GAP, FUSED, fall
from garments.blocks.draft import Draft, Outline, band, measured
from garments.blocks.frames import Stand
from garments.blocks.options import option
from garments.blocks.sleeve import Cap, fit_cap, set_in

__all__ = ["JACKET_NEEDS", "JacketOptions", "jacket"]

JACKET_NEEDS = (*NEEDED, "upper_arm_girth", "arm_length", "wrist_girth")

#: Half the distance of the fronts' edges [m].
EDGE = 0.002
#: How far the shoulder is drawn out [m].
SHOULDER = 0.012
#: How much longer the fall's outer edge is than its sewn edge: turned down, it lies 1.6 cm outside the stand [m].
SPREAD = 2 * np.pi * 0.016
#: Length of the stand's top edge over its bottom edge: it leans towards the neck [-].
LEAN = 0.975


@dataclass(frozen=True)
class JacketOptions:
    """Options of the jacket [m]."""

    ease: float = option(0.22, 0.08, 0.50, "ease on the bust girth")
    ease_hip: float = option(0.16, 0.04, 0.50, "least ease on the hip girth")
    length: float | None = option(None, 0.04, 0.70, "hem below the natural waist; by default a little below the hip")
    sleeve_length: float | None = option(None, 0.25, 0.90, "shoulder point to hem; by default the arm and 1 cm")
    sleeve_ease: float = option(0.14, 0.05, 0.35, "ease on the upper arm girth")
    hem_ease: float = option(0.13, 0.06, 0.30, "ease of the sleeve's hem on the wrist girth")
    armhole_drop: float = option(0.032, 0.01, 0.08, "depth of the armhole below the arm's pit")
    neck_ease: float = option(0.012, 0.004, 0.04, "how far the neckline leaves the neck at the shoulders")
    cap_ease: float = option(0.015, 0.0, 0.06, "sleeve cap over armhole, less one [-]", unit="")
    stand: float = option(0.025, 0.015, 0.06, "height of the collar's stand")
    fall: float = option(0.055, 0.03, 0.12, "height of the collar's fall at the back")
    collar_point: float = option(0.075, 0.03, 0.16, "length of the collar's front edge")
    closed: float = option(0.7, 0.0, 1.0, "share of the front that is fastened, from the hem up [-]", unit="")


def jacket(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
           options: JacketOptions | None = None) -> Pattern:
    """Drafts the jacket for a body. See ``JacketOptions``."""
    o = options or JacketOptions()
    m = measured(measurements, JACKET_NEEDS, "jacket")
    stand = Stand(measurements, landmarks)
    form = stand.upper_form(m)
    d = Draft("jacket")
    drop = 1.1 * m["waist_to_hip"] + 0.04 if o.length is None else o.length
    common = {"ease_bust": o.ease, "ease_waist": o.ease, "ease_hip": o.ease_hip, "neck_widen": o.neck_ease,
              "neck_lower": o.neck_ease, "armhole_lower": o.armhole_drop, "shoulder": SHOULDER}
    front, back = even_sides(*(upper_half(m, form, back=b, dart=False, **common) for b in (False, True)))
    front, back = (_boxy(h) for h in (front, back))
    level = stand.level("side_neck_point_l", "side_neck_point_r") + 0.01 - front.side_neck[1]
    low = {False: hem_drop(hang_balance(stand, m, form, drop), front, back), True: 0.0}
    _body(d, stand, m, o, {False: front, True: back}, {b: (drop, drop + low[b]) for b in low}, level)
    cap, hem = _sleeves(d, stand, m, o, back)
    _collar(d, stand, m, o)
    girth = {k: 2 * (getattr(front, f"{k}_x") + getattr(back, f"{k}_x")) for k in ("waist", "hip")}
    ease = {"bust_girth": o.ease, **{f"{k}_girth": girth[k] - m[f"{k}_girth"] for k in girth},
            "upper_arm_girth": cap.width - m["upper_arm_girth"], "wrist_girth": hem - m["wrist_girth"]}
    return d.pattern(kind="jacket", ease=ease, drafted_for=m, source="box jacket after Aldrich")


def _boxy(h: Half) -> Half:
    """Side seams hang straight from the bust, or from the bust out to wider hips."""
    hip = max(h.hip_x, h.bust_x - 0.01)
    return replace(h, hip_x=hip, waist_x=max(h.waist_x, 0.5 * (h.bust_x + hip) - 0.005))


def _body(d: Draft, stand: Stand, m: dict[str, float], o: JacketOptions, halves: dict[bool, Half],
          drops: dict[bool, tuple[float, float]], level: float) -> None:
    """Back on the fold, left and right front, and what joins them; ``drops`` of the hem at side and centre [m]."""
    radius = (m["bust_girth"] + o.ease) / (2 * np.pi)
    for back, h in halves.items():
        drop, middle = drops[back]
        start = np.array([0.0 if back else EDGE, -middle])
        hem = np.array([h.waist_x + (h.hip_x - h.waist_x) * min(drop / m["waist_to_hip"], 1.0) ** 0.7, -drop])
        path = Outline(start)
        front_hem(path, hem)
        side(path, h, waist_x=h.waist_x, hem=hem)
        armhole(path, h, back=back)
        path.line(h.side_neck, "shoulder")
        place = stand.trunk("torso_back" if back else "torso_front", back=back, y=level, radius=radius)
        if back:
            neckline(path, h)
            d.add("back", path.unfolded("r"), place)
            continue
        neckline(path, replace(h, centre_neck=h.centre_neck + [EDGE, 0.0]))
        fastened = _front_edge(path, o.closed)
        d.add("front_l", path, place)
        d.add("front_r", path.mirrored(), place)
    for s in "lr":
        for label in ("side_low", "side_up", "side_top", "shoulder"):
            d.sew([(f"front_{s}", label)], [("back", f"{label}_{s}")])
    if fastened:
        d.sew([("front_l", "closure")], [("front_r", "closure")], kind="closure")


def _front_edge(path: Outline, closed: float) -> bool:
    """The front's edge from the neck down to the hem, cut where the fastening begins; whether there is a fastening."""
    whole = path.at[1] - path.start[1]
    if closed * whole < 0.01 or (1 - closed) * whole < 0.01:
        path.line(path.start, "closure" if closed > 0.5 else "edge")
        return closed > 0.5
    path.line(path.start + [0.0, closed * whole], "edge").line(path.start, "closure")
    return True


def _sleeves(d: Draft, stand: Stand, m: dict[str, float], o: JacketOptions, back: Half) -> tuple[Cap, float]:
    """Both sleeves; returns the cap and the width of the hem [m]."""
    holes = {(s, False): [(f"front_{s}", "armhole_low"), (f"front_{s}", "armhole_up")] for s in "lr"}
    holes |= {(s, True): [("back", f"armhole_low_{s}"), ("back", f"armhole_up_{s}")] for s in "lr"}
    lengths = [d.length(*holes["l", b]) * (1 + o.cap_ease) for b in (False, True)]
    cap = fit_cap(*lengths, biceps=m["upper_arm_girth"] + o.sleeve_ease,
                  max_height=0.62 * (back.tip[1] - back.underarm[1]))
    length = m["arm_length"] + 0.01 if o.sleeve_length is None else o.sleeve_length
    hem = float(min(m["wrist_girth"] + o.hem_ease, 0.9 * cap.width))
    set_in(d, stand, cap, length=max(length, cap.height + 0.05), hem=hem, arm_girth=m["upper_arm_girth"], holes=holes)
    return cap, hem


def _collar(d: Draft, stand: Stand, m: dict[str, float], o: JacketOptions) -> None:
    """Stand in a back piece and two fronts, open at the centre front, and the fall."""
    level = stand.level("side_neck_point_l", "side_neck_point_r") + 0.012
    radius = m["neck_base_girth"] / (2 * np.pi)
    neck = [("back", "neck_r"), ("back", "neck_l")]
    length = d.length(*neck)
    d.add("collar_stand_back", band(length, LEAN * length, o.stand),
          stand.neck("collar", back=True, y=level, radius=radius), stiffness=FUSED)
    d.sew([("collar_stand_back", "bottom_1"), ("collar_stand_back", "bottom_2")], neck)
    for s, end in (("l", "end_minus"), ("r", "end_plus")):
        name, edge = f"collar_stand_front_{s}", d.length((f"front_{s}", "neck"))
        piece = Outline((EDGE, 0.0)).line((EDGE + edge, 0.0), "bottom")
        piece.line((EDGE + LEAN * edge, o.stand), "end").line((EDGE, o.stand), "top").line((EDGE, 0.0), "front")
        d.add(name, piece if s == "l" else piece.mirrored(),
              stand.neck("collar", back=False, y=level, radius=radius), stiffness=FUSED)
        d.sew([(name, "bottom")], [(f"front_{s}", "neck")])
        d.sew([(name, "end")], [("collar_stand_back", end)])
    share = 1 - COLLAR_GAP / d.length(("collar_stand_front_l", "top"))
    parts = {"l": (0.0, share), "r": (1 - share, 1.0)}
    fall(d, stand, height=o.fall, point=o.collar_point, spread=SPREAD,
         back=[("collar_stand_back", "top_2"), ("collar_stand_back", "top_1")],
         fronts={s: (f"collar_stand_front_{s}", "top", part) for s, part in parts.items()})
