"""Fitted long-sleeve shirt: yoke, buttoned placket, collar with stand and fall, cuffs.

After the classic shirt block of Aldrich (Metric Pattern Cutting, and the menswear edition) and the shirt foundations of
Armstrong: a back yoke, side seams shaped to the waist, a side bust dart where the body's front is longer than its back,
a stand as long as the neckline and slightly shorter at its top, a fall that covers the stand, sleeves with little cap
height whose fullness is pleated into the cuffs.

One front reaches under the placket that is sewn to the other's edge; six buttons on the centre line join the two, and
a seventh, at the collar, the ends of its stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.pattern_types import EdgeRef, PanelLine, Pattern, Seam
from garments.blocks.balance import hang_balance, hem_drop
from garments.blocks.bodice import NEEDED, Half, armhole, bust_point, even_sides, neckline, side, upper_half
from garments.blocks.collar import COLLAR_GAP, FUSED, fall
from garments.blocks.draft import Draft, Outline, band, measured
from garments.blocks.frames import Stand
from garments.blocks.options import choice, count, option
from garments.blocks.sleeve import Cap, fit_cap, set_in

__all__ = ["SHIRT_NEEDS", "ShirtOptions", "shirt"]

SHIRT_NEEDS = (*NEEDED, "neck_girth", "upper_arm_girth", "arm_length", "wrist_girth", "bust_point_distance",
               "neck_to_bust_point")

#: Smallest bust dart worth sewing, and how far its tip stays off the bust point [m].
MIN_DART, DART_SHORT = 0.012, 0.03
#: How much longer the fall's outer edge is than its sewn edge: turned down, it lies about 1.2 cm outside the stand [m].
SPREAD = 2 * np.pi * 0.012
#: Length of the stand's top over that of its seam: it leans towards the neck.
LEAN = 0.965
BUTTONS = 6  #: on the front, below the collar's


@dataclass(frozen=True)
class ShirtOptions:
    """Options of the shirt [m]."""

    ease: float = option(0.10, 0.0, 0.40, "ease on the bust girth")
    ease_waist: float = option(0.12, 0.0, 0.50, "least ease on the waist girth")
    ease_hip: float = option(0.10, 0.0, 0.40, "ease on the hip girth")
    length: float | None = option(None, 0.04, 0.60, "hem below the natural waist; by default just below the hip level")
    sleeve_length: float | None = option(None, 0.25, 0.85, "shoulder point to wrist; by default the arm's length")
    sleeve_ease: float = option(0.09, 0.02, 0.30, "ease on the upper arm girth")
    cuff_ease: float = option(0.065, 0.02, 0.20, "ease on the wrist girth")
    cuff: float = option(0.06, 0.03, 0.12, "height of the cuff")
    cap_ease: float = option(0.015, 0.0, 0.06, "sleeve cap over armhole, less one [-]", unit="")
    stand: float = option(0.03, 0.015, 0.06, "height of the collar's stand")
    fall: float = option(0.042, 0.025, 0.10, "height of the collar's fall at the back")
    collar_point: float = option(0.07, 0.03, 0.14, "length of the collar's front edge")
    placket: float = option(0.03, 0.02, 0.06, "width of the placket")
    over: str = choice("right", ("right", "left"), "which front lies over the other, the wearer's right or left")
    open_buttons: int = count(0, 0, 7, "buttons left open, from the collar's down")


def shirt(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
          options: ShirtOptions | None = None) -> Pattern:
    """Drafts the shirt for a body. See ``ShirtOptions``."""
    o = options or ShirtOptions()
    m = measured(measurements, SHIRT_NEEDS, "shirt")
    stand = Stand(measurements, landmarks)
    form = stand.upper_form(m)
    # a collar closes above the neck base: front neck depth by the neck's own girth (Aldrich), where that is less
    form = replace(form, front_depth=min(form.front_depth, m["neck_girth"] / 5 + 0.02))
    d = Draft("shirt")
    drop = 1.1 * m["waist_to_hip"] if o.length is None else o.length
    common = {"ease_bust": o.ease, "ease_waist": o.ease_waist, "ease_hip": o.ease_hip, "neck_widen": 0.004,
              "neck_lower": 0.004, "armhole_lower": 0.014}
    dart = upper_half(m, form, back=False, dart=True, **common).extra >= MIN_DART
    front, back = even_sides(*(upper_half(m, form, back=b, dart=dart, **common) for b in (False, True)))
    front, back = (_semi_fitted(h) for h in (front, back))
    level = stand.level("side_neck_point_l", "side_neck_point_r") + 0.01 - front.side_neck[1]
    low = hem_drop(hang_balance(stand, m, form, drop), front, back)
    _fronts(d, stand, m, o, front, (drop, drop + low), level)
    _back_and_yoke(d, stand, m, back, drop, level)
    for s in "lr":
        for label in ("side_low", "side_up", "side_top"):
            d.sew([(f"front_{s}", label)], [("back", f"{label}_{s}")])
        d.sew([(f"front_{s}", "shoulder")], [("yoke", f"shoulder_{s}")])
    cap = _sleeves(d, stand, m, o, back)
    _collar(d, stand, m, o)
    waist = 2 * (front.waist_x + back.waist_x)
    ease = {"bust_girth": o.ease, "waist_girth": waist - m["waist_girth"], "hip_girth": o.ease_hip,
            "upper_arm_girth": cap.width - m["upper_arm_girth"], "wrist_girth": o.cuff_ease}
    return d.pattern(kind="shirt", ease=ease, drafted_for=m, source="shirt after Aldrich and Armstrong")


def _semi_fitted(h: Half) -> Half:
    """Side seams take in at most 2.5 cm each between bust or hip and waist: the cloth has no waist darts."""
    return replace(h, waist_x=max(h.waist_x, min(h.bust_x, h.hip_x) - 0.025))


def _side_and_hem(path: Outline, h: Half, drop: float, to_hip: float, tip: np.ndarray | None) -> None:
    """From the centre of the hem up to the underarm; the hem is curved up a little at the side."""
    share = min(drop / to_hip, 1.0) if to_hip > 0 else 1.0
    foot = np.array([h.waist_x + (h.hip_x - h.waist_x) * share**0.7, -drop + min(0.03, 0.15 * drop)])
    start = path.at
    path.curve(foot, (start[0] + 0.5 * (foot[0] - start[0]), start[1]),
               (foot[0] - 0.25 * (foot[0] - start[0]), foot[1] - 0.004), label="hem")
    side(path, h, waist_x=h.waist_x, hem=foot, dart_tip=tip)


def _fronts(d: Draft, stand: Stand, m: dict[str, float], o: ShirtOptions, h: Half, drops: tuple[float, float],
            level: float) -> None:
    """Both fronts, one over the other, and the placket on the upper one's edge; the buttons that are done up.

    ``drops`` are the hem's depths below the waist at the side and at the centre front [m].
    """
    w, (side_drop, drop) = o.placket / 2, drops
    tip = None
    if h.extra >= MIN_DART:
        tip = bust_point(m, h) + [DART_SHORT, 0.0]
        tip[0] = min(tip[0], h.bust_x - 0.05)
    over, under = ("r", "l") if o.over == "right" else ("l", "r")
    top = np.array([w, h.centre_neck[1] + 0.0008])
    radius = m["bust_girth"] / (2 * np.pi)
    places = [top[1] - 0.05 + (-0.6 * drop - top[1] + 0.05) * k / (BUTTONS - 1) for k in range(BUTTONS)]
    centre = np.array([(0.0, places[0] + 0.01), (0.0, places[-1] - 0.01)])
    buttons = (PanelLine(centre, 0.0, "buttons"),)
    for s in (over, under):
        path = Outline((w if s == over else -w, -drop))
        _side_and_hem(path, h, side_drop, m["waist_to_hip"], tip)
        armhole(path, h, back=False)
        path.line(h.side_neck, "shoulder")
        neckline(path, replace(h, centre_neck=top, side_neck=h.side_neck))
        if s == under:
            path.line((0.0, top[1]), "neck_inner").line((-w, top[1]), "neck_free")
        path.line(path.start, "edge")
        d.add(f"front_{s}", path if s == "l" else path.mirrored(),
              stand.trunk("torso_front", back=False, y=level, radius=radius), layer=int(s == over),
              lines=buttons if s == under else ())
        d.darts(f"front_{s}")
    strip = Outline((-w, -drop)).line((w, -drop), "hem").line((w, top[1]), "edge").line((0.0, top[1]), "neck_inner")
    strip.line((-w, top[1]), "neck_free").line((-w, -drop), "edge_free")
    d.add("placket", strip if over == "l" else strip.mirrored(),
          stand.trunk("placket", back=False, y=level, radius=radius), stiffness=2.0, layer=1, lines=buttons)
    d.sew([(f"front_{over}", "edge")], [("placket", "edge")])
    for y in places[max(o.open_buttons - 1, 0):]:
        f = float((centre[0, 1] - y) / (centre[0, 1] - centre[1, 1]))
        refs = (EdgeRef(p, len(d.panels[p].edges), f, f) for p in ("placket", f"front_{under}"))
        d.seams.append(Seam(*refs, kind="button"))


def _back_and_yoke(d: Draft, stand: Stand, m: dict[str, float], h: Half, drop: float, level: float) -> None:
    """The back below and the yoke above a level seam a little above the pitch points."""
    seam_y = h.pitch[1] + 0.45 * (h.tip[1] - h.pitch[1])
    path = Outline((0.0, -drop))
    _side_and_hem(path, h, drop, m["waist_to_hip"], None)
    armhole(path, h, back=True)
    upper = path.steps.pop()
    start = path.at
    t = _parameter_at(start, upper.controls, upper.end, seam_y)
    low, high = _split(start, upper.controls, upper.end, t)
    path.curve(low[3], low[1], low[2], label="armhole_up")
    path.line((0.0, low[3][1]), "yoke_seam")
    radius = m["bust_girth"] / (2 * np.pi)
    d.add("back", path.unfolded("r"), stand.trunk("torso_back", back=True, y=level, radius=radius))
    yoke = Outline((0.0, high[0][1])).line(high[0], "yoke_seam")
    yoke.curve(high[3], high[1], high[2], label="armhole_top").line(h.side_neck, "shoulder")
    neckline(yoke, h)
    d.add("yoke", yoke.unfolded("r"), stand.trunk("yoke_back", back=True, y=level + 0.012, radius=radius))
    d.sew([("back", "yoke_seam_r"), ("back", "yoke_seam_l")], [("yoke", "yoke_seam_r"), ("yoke", "yoke_seam_l")])


def _split(a: np.ndarray, controls: tuple, b: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
    """The two cubics into which t cuts a cubic, control points [4, 2] each (de Casteljau)."""
    points = [np.array([a, *controls, b])]
    while len(points[-1]) > 1:
        points.append(points[-1][:-1] * (1 - t) + points[-1][1:] * t)
    return np.array([p[0] for p in points]), np.array([p[-1] for p in points[::-1]])


def _parameter_at(a: np.ndarray, controls: tuple, b: np.ndarray, y: float) -> float:
    """Parameter at which a cubic that rises from a to b reaches height y."""
    low, high = 0.0, 1.0
    for _ in range(60):
        mid = (low + high) / 2
        low, high = (mid, high) if _split(a, controls, b, mid)[0][3][1] < y else (low, mid)
    return (low + high) / 2


def _sleeves(d: Draft, stand: Stand, m: dict[str, float], o: ShirtOptions, back: Half) -> Cap:
    holes = {(s, False): [(f"front_{s}", "armhole_low"), (f"front_{s}", "armhole_up")] for s in "lr"}
    holes |= {(s, True): [("back", f"armhole_low_{s}"), ("back", f"armhole_up_{s}"), ("yoke", f"armhole_top_{s}")]
              for s in "lr"}
    lengths = [d.length(*holes["l", b]) * (1 + o.cap_ease) for b in (False, True)]
    cap = fit_cap(*lengths, biceps=m["upper_arm_girth"] + o.sleeve_ease,
                  max_height=0.68 * (back.tip[1] - back.underarm[1]))
    whole = m["arm_length"] + 0.015 if o.sleeve_length is None else o.sleeve_length
    cuff = m["wrist_girth"] + o.cuff_ease
    length = max(whole - o.cuff, cap.height + 0.05)
    hem = float(np.clip(1.22 * cuff, cuff, 0.9 * cap.width))
    set_in(d, stand, cap, length=length, hem=hem, arm_girth=m["upper_arm_girth"], holes=holes)
    for s in "lr":
        for is_back in (False, True):
            face = "back" if is_back else "front"
            half = cap.share(is_back, hem)
            piece = Outline((0.0, -o.cuff)).line((cuff * half, -o.cuff), "hem").line((cuff * half, 0.0), "under")
            piece.line((0.0, 0.0), "top").line((0.0, -o.cuff), "centre")
            if (s == "l") != is_back:
                piece = piece.mirrored()
            place = stand.arm(s, back=is_back, cap=0.0, thickness=m["upper_arm_girth"] / np.pi, region=f"cuff_{s}",
                              along=length + 0.004)
            d.add(f"cuff_{s}_{face}", piece, place, stiffness=3.0)
            d.sew([(f"cuff_{s}_{face}", "top")], [(f"sleeve_{s}_{face}", "hem")])
        for label in ("centre", "under"):
            d.sew([(f"cuff_{s}_front", label)], [(f"cuff_{s}_back", label)])
    return cap


def _collar(d: Draft, stand: Stand, m: dict[str, float], o: ShirtOptions) -> None:
    """Stand in a back piece and two fronts that meet at the centre front, buttoned or open, and the fall."""
    level = stand.level("side_neck_point_l", "side_neck_point_r") + 0.012
    radius = m["neck_base_girth"] / (2 * np.pi)
    neck = [("yoke", "neck_r"), ("yoke", "neck_l")]
    length = d.length(*neck)
    d.add("collar_stand_back", band(length, LEAN * length, o.stand),
          stand.neck("collar", back=True, y=level, radius=radius), stiffness=FUSED)
    d.sew([("collar_stand_back", "bottom_1"), ("collar_stand_back", "bottom_2")], neck)
    over = "r" if o.over == "right" else "l"
    for s, end in (("l", "end_minus"), ("r", "end_plus")):
        inner = "placket" if s == over else f"front_{s}"
        chain = [(f"front_{s}", "neck"), (inner, "neck_inner")]
        name, edge = f"collar_stand_front_{s}", d.length(*chain)
        piece = Outline((0.0, 0.0)).line((edge, 0.0), "bottom").line((LEAN * edge, o.stand), "end")
        piece.line((0.0, o.stand), "top").line((0.0, 0.0), "front")
        d.add(name, piece if s == "l" else piece.mirrored(),
              stand.neck("collar", back=False, y=level, radius=radius), stiffness=FUSED)
        d.sew([(name, "bottom")], chain)
        d.sew([(name, "end")], [("collar_stand_back", end)])
    if not o.open_buttons:
        d.sew([("collar_stand_front_l", "front")], [("collar_stand_front_r", "front")], kind="closure")
    share = 1 - COLLAR_GAP / d.length(("collar_stand_front_l", "top"))
    parts = {"l": (0.0, share), "r": (1 - share, 1.0)}
    fall(d, stand, height=o.fall, point=o.collar_point, spread=SPREAD,
         back=[("collar_stand_back", "top_2"), ("collar_stand_back", "top_1")],
         fronts={s: (f"collar_stand_front_{s}", "top", part) for s, part in parts.items()})
