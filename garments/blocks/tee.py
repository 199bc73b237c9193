"""T-shirt: body in two pieces, set-in short sleeves, crew neck with a neckband.

After the tee shirt and knitwear blocks of Aldrich (Metric Pattern Cutting) and Armstrong (Patternmaking for Fashion
Design, knits): no darts, little ease, a shallow sleeve cap, and a neckband shorter than the neckline it is stretched
into. Over a full bust or belly the front is lengthened, see ``balance``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.pattern_types import Pattern
from garments.blocks.balance import EASED_MOST, front_hem, hang_balance, hem_drop, swing_angle
from garments.blocks.bodice import NEEDED, Half, armhole, even_sides, neckline, side, upper_half
from garments.blocks.draft import Draft, Outline, band, measured
from garments.blocks.frames import Stand
from garments.blocks.options import option
from garments.blocks.sleeve import fit_cap, set_in

__all__ = ["TEE_NEEDS", "TeeOptions", "tee"]

TEE_NEEDS = (*NEEDED, "upper_arm_girth", "arm_length")

#: Force per strain of the tape that keeps a knit's shoulder seams from growing [N]: a narrow woven tape. An estimate.
STAY = 400.0
#: How much of the way to lying flat a neckband is pressed, 0 upright to 1.
LEAN = 0.4


@dataclass(frozen=True)
class TeeOptions:
    """Options of the T-shirt [m]."""

    ease: float = option(0.08, -0.10, 0.40, "ease on the bust girth")
    ease_hip: float = option(0.06, -0.10, 0.40, "ease on the hip girth at the hem, less what a full bust or belly adds")
    length: float | None = option(None, 0.02, 0.60, "hem below the natural waist; by default just below the hip level")
    sleeve_length: float | None = option(None, 0.10, 0.75, "from the shoulder point; by default 0.37 of the arm")
    sleeve_ease: float = option(0.06, 0.0, 0.30, "ease on the upper arm girth")
    neck_drop: float = option(0.015, 0.0, 0.15, "neckline below the neck base at the front")
    neckband: float = option(0.02, 0.01, 0.08, "height of the neckband")
    neckband_ratio: float = option(0.86, 0.7, 1.0, "length of the neckband over that of the neckline [-]", unit="")
    cap_ease: float = option(0.01, 0.0, 0.06, "sleeve cap over armhole, less one [-]", unit="")


def tee(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
        options: TeeOptions | None = None) -> Pattern:
    """Drafts the T-shirt for a body. See ``TeeOptions``."""
    o = options or TeeOptions()
    m = measured(measurements, TEE_NEEDS, "T-shirt")
    stand = Stand(measurements, landmarks)
    form = stand.upper_form(m)
    d = Draft("tee")
    drop = m["waist_to_hip"] + 0.02 if o.length is None else o.length
    balance = hang_balance(stand, m, form, drop)
    common = {"ease_bust": o.ease, "ease_waist": o.ease, "ease_hip": o.ease_hip, "neck_widen": 0.012,
              "neck_lower": o.neck_drop, "armhole_lower": 0.008, "dart": False, "arm_girth": m["upper_arm_girth"]}
    swing = swing_angle(stand, m, upper_half(m, form, back=False, **common))
    common |= {"swing": swing, "eased": float(np.clip(0.4 * (balance - 0.015), 0.0, EASED_MOST))}
    front, back = even_sides(*(upper_half(m, form, back=b, **common) for b in (False, True)))
    halves = {False: _eased_evenly(front), True: back}
    low = {False: hem_drop(balance, front, back), True: 0.0}
    for is_back, h in halves.items():
        half = _body(h, drop, low[is_back], m["waist_to_hip"], is_back)
        d.add("back" if is_back else "front", half.unfolded("lr"[is_back]),
              stand.trunk("torso_back" if is_back else "torso_front", back=is_back, y=_waist_level(stand, front),
                          radius=m["bust_girth"] / (2 * np.pi)))
    for s in ("l", "r"):
        for label in ("side_low", "side_up", "side_top", "shoulder"):
            d.sew([("front", f"{label}_{s}")], [("back", f"{label}_{s}")])
        d.tape(("front", f"shoulder_{s}"), stiffness=STAY, label="shoulder stay")
    holes = {(s, b): [("back" if b else "front", f"armhole_{part}_{s}") for part in ("low", "up")]
             for s in "lr" for b in (False, True)}
    hole = [d.length(*holes["l", b]) * (1 + o.cap_ease) for b in (False, True)]
    cap = fit_cap(*hole, biceps=m["upper_arm_girth"] + o.sleeve_ease,
                  max_height=0.78 * (back.tip[1] - back.underarm[1]))
    sleeve = 0.37 * m["arm_length"] if o.sleeve_length is None else o.sleeve_length
    set_in(d, stand, cap, length=max(sleeve, cap.height + 0.03), hem=0.94 * cap.width, arm_girth=m["upper_arm_girth"],
           holes=holes)
    _neckband(d, stand, m, o, halves)
    waist, hip = (2 * sum(xs) for xs in ((_waist_x(h) for h in halves.values()), (h.hip_x for h in halves.values())))
    ease = {"bust_girth": o.ease, "waist_girth": waist - m["waist_girth"], "hip_girth": hip - m["hip_girth"],
            "upper_arm_girth": cap.width - m["upper_arm_girth"]}
    return d.pattern(kind="top", ease=ease, drafted_for=m, source="T-shirt after Aldrich and Armstrong")


def _waist_level(stand: Stand, front: Half) -> float:
    """World height of the draft's waist line, such that the side neck points meet those of the body."""
    return stand.level("side_neck_point_l", "side_neck_point_r") + 0.01 - front.side_neck[1]


def _waist_x(h: Half) -> float:
    """Half width at the waist: hangs from bust to hip with a slight shaping, never tighter than its own ease."""
    return max(h.waist_x, min(h.bust_x, h.hip_x) - 0.02)


def _eased_evenly(front: Half) -> Half:
    """The front with what its side seam is longer shared out between the parts above and below the bust line."""
    whole = front.underarm[1] - front.extra
    return replace(front, bust_y=front.bust_y * (1 + front.extra / whole), extra=0.0)


def _body(h: Half, drop: float, low: float, to_hip: float, back: bool) -> Outline:
    """Half a front or back; its hem lies ``low`` deeper at the centre than at the side."""
    waist = _waist_x(h)
    hem = np.array([waist + (h.hip_x - waist) * min(drop / to_hip, 1.0) ** 0.7, -drop])
    path = Outline((0.0, -drop - low))
    front_hem(path, hem)
    side(path, h, waist_x=waist, hem=hem)
    armhole(path, h, back=back)
    path.line(h.side_neck, "shoulder")
    neckline(path, h)
    return path


def _neckband(d: Draft, stand: Stand, m: dict[str, float], o: TeeOptions, halves: dict[bool, Half]) -> None:
    """Sews on the band. It is cut straight and pressed to the neck's curve: here, drawn as pressed, its free edge is
    shorter than its seam, by LEAN of what a band lying flat all round would lose in half a turn."""
    level = stand.level("side_neck_point_l", "side_neck_point_r")
    lean = LEAN * np.pi * o.neckband
    for back in (False, True):
        body, name = ("back", "neckband_back") if back else ("front", "neckband_front")
        chain = [(body, f"neck_{'r' if back else 'l'}"), (body, f"neck_{'l' if back else 'r'}")]
        length = d.length(*chain) * o.neckband_ratio
        drop = 0.3 * (halves[back].side_neck[1] - halves[back].centre_neck[1])
        d.add(name, band(length, length - lean, o.neckband),
              stand.neck("neckband", back=back, y=level + 0.01 - drop, radius=m["neck_base_girth"] / (2 * np.pi)))
        d.sew([(name, "bottom_1"), (name, "bottom_2")], chain)
    d.sew([("neckband_front", "end_plus")], [("neckband_back", "end_minus")])
    d.sew([("neckband_front", "end_minus")], [("neckband_back", "end_plus")])
