"""Sheath dress: sleeveless, a fitted bodice with bust and waist darts, joined at the waist to a straight skirt.

After the close fitting bodice block of Aldrich (Metric Pattern Cutting) and the basic dress foundation of Armstrong:
the front's extra length over the bust is a dart in the side seam that ends before the bust point, the difference from
bust to waist is shared by the side seam and waist darts under the bust points and the shoulder blades, and the back
has a centre seam.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.pattern_types import Pattern
from garments.blocks.bodice import NEEDED, Half, armhole, bust_point, neckline, side, upper_half
from garments.blocks.draft import Draft, Outline, measured
from garments.blocks.frames import Stand
from garments.blocks.options import option
from garments.blocks.skirts import (
    SKIRT_NEEDS,
    Shares,
    dart_places,
    skirt_panels,
    skirt_shares,
    waist_chain,
    waist_edge_up,
)

__all__ = ["SHEATH_NEEDS", "SheathOptions", "sheath"]

SHEATH_NEEDS = tuple(dict.fromkeys((*NEEDED, *SKIRT_NEEDS, "bust_point_distance", "neck_to_bust_point")))

#: Distance of a dart's tip from the bust point: side dart, waist dart [m].
SIDE_DART_SHORT, WAIST_DART_SHORT = 0.025, 0.03
MAX_DART, MAX_SIDE, MIN_DART = 0.045, 0.03, 0.006


@dataclass(frozen=True)
class SheathOptions:
    """Options of the sheath dress [m]."""

    ease: float = option(0.06, -0.06, 0.30, "ease on the bust girth")
    ease_waist: float = option(0.04, -0.06, 0.30, "ease on the waist girth")
    ease_hip: float = option(0.05, -0.06, 0.40, "ease on the hip girth")
    length: float | None = option(None, 0.25, 1.30, "waist to hem; by default to the middle of the knee")
    neck_drop: float = option(0.035, 0.0, 0.18, "neckline below the neck base at the front")


def sheath(measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
           options: SheathOptions | None = None) -> Pattern:
    """Drafts the sheath dress for a body. See ``SheathOptions``."""
    o = options or SheathOptions()
    m = measured(measurements, SHEATH_NEEDS, "sheath dress")
    stand = Stand(measurements, landmarks)
    form = stand.upper_form(m)
    d = Draft("sheath")
    skirt = skirt_shares(m, ease_hip=o.ease_hip, ease_waist=o.ease_waist, max_darts={False: 2, True: 3})
    halves = {
        b: upper_half(m, form, back=b, ease_bust=o.ease, ease_waist=o.ease_waist, ease_hip=o.ease_hip, neck_widen=0.02,
                      neck_lower=o.neck_drop, armhole_lower=0.002, dart=True, shoulder=-0.012) for b in (False, True)
    }
    shares = _bodice_shares(halves, skirt)
    level = stand.level("side_neck_point_l", "side_neck_point_r") + 0.01 - halves[False].side_neck[1]
    front, back = (_bodice(m, halves[b], shares[b], back=b) for b in (False, True))
    radius = m["bust_girth"] / (2 * np.pi)
    d.add("bodice_front", front.unfolded("l"), stand.trunk("torso_front", back=False, y=level, radius=radius))
    back.line(back.start, "centre")
    place = stand.trunk("torso_back", back=True, y=level, radius=radius)
    d.add("bodice_back_r", back, place)
    d.add("bodice_back_l", back.mirrored(), place)
    d.sew([("bodice_back_r", "centre")], [("bodice_back_l", "centre")])
    for name in list(d.panels):
        d.darts(name)
    for s in "lr":
        for label in ("side_up", "side_top", "shoulder"):
            d.sew([("bodice_front", f"{label}_{s}")], [(f"bodice_back_{s}", label)])
    skirt_panels(d, stand, m, skirt, length=o.length, split_back=True, y=level - 0.02,
                 first_dart=_first_dart(bust_point(m, halves[False]), shares[False]))
    d.sew(waist_chain(d, ["bodice_front"], "l"), waist_chain(d, ["skirt_front"], "l"))
    halves_of = {part: [f"{part}_back_r", f"{part}_back_l"] for part in ("bodice", "skirt")}
    d.sew(waist_chain(d, halves_of["bodice"], "r"), waist_chain(d, halves_of["skirt"], "r"))
    ease = {"bust_girth": o.ease, "waist_girth": o.ease_waist, "hip_girth": o.ease_hip}
    return d.pattern(kind="dress", ease=ease, drafted_for=m, source="bodice and skirt after Aldrich, Armstrong")


def _bodice_shares(halves: dict[bool, Half], skirt: dict[bool, Shares]) -> dict[bool, Shares]:
    """How each half comes from bust to waist; the waist is as wide as the skirt's, the side seams match."""
    surplus = {b: halves[b].bust_x - skirt[b].waist for b in (False, True)}
    side_in = min(0.4 * sum(surplus.values()) / 2, min(surplus.values()), MAX_SIDE)
    over = max(0.0, *(surplus[b] - side_in - 2 * MAX_DART for b in (False, True)))
    side_in += min(over, max(0.0, min(surplus.values()) - side_in))
    out = {}
    for b in (False, True):
        rest = surplus[b] - side_in
        count = 0 if rest < MIN_DART else int(np.clip(np.ceil(rest / MAX_DART), 1, 2))
        darts = (rest / count,) * count if count else ()
        out[b] = Shares(halves[b].bust_x, skirt[b].waist, side_in if count else surplus[b], darts)
    return out


def _first_dart(point: np.ndarray, s: Shares) -> float:
    """Place of the front waist dart on the sewn waist: under the bust point."""
    return float(np.clip((point[0] - 0.003) / s.waist, 0.3, 0.62))


def _bodice(m: dict[str, float], h: Half, s: Shares, *, back: bool) -> Outline:
    """Half a bodice, from the waist at the centre to the neck at the centre."""
    waist_x = h.bust_x - s.side
    point = bust_point(m, h)
    path = Outline((0.0, 0.0))
    corner = np.array([waist_x, 0.0])
    count = len(s.darts)
    if back:
        lengths = tuple(max(0.06, h.bust_y - 0.01 - 0.03 * i) for i in range(count))
        places = dart_places(count)
    else:
        lengths = tuple(max(0.05, point[1] - WAIST_DART_SHORT - 0.02 * i) for i in range(count))
        places = dart_places(count, _first_dart(point, s))
    waist_edge_up(path, corner, np.array([0.0, 1.0]), s.darts, lengths, places)
    tip = None
    if not back and h.extra > MIN_DART:
        tip = point + np.array([SIDE_DART_SHORT, 0.0])
        tip[0] = min(tip[0], h.bust_x - 0.05)
    side(path, h, waist_x=waist_x, dart_tip=tip)
    armhole(path, h, back=back)
    path.line(h.side_neck, "shoulder")
    neckline(path, h)
    return path
