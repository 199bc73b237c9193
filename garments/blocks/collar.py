"""The fall of a collar, turned down over its stand; shirt and jacket share it.

After the two-piece shirt collar of Aldrich (Metric Pattern Cutting) and Armstrong: a fall whose outer edge is longer
than its sewn edge, so that it lies outside the stand, open at the centre front.
"""

from __future__ import annotations

import numpy as np

from garments.blocks.draft import Draft, Outline, band, unit
from garments.blocks.frames import Stand

__all__ = ["COLLAR_GAP", "FUSED", "fall"]

#: Fold between stand and fall at their seam [rad]: over to the right side (negative), with a soft roll.
FOLD = -2.6
#: Bending stiffness of a collar over that of the cloth: two layers and a fused interlining.
FUSED = 8.0
#: Layer in which the fall starts: clear of the fronts and the back, over which it is drawn.
FALL_LAYER = 4
#: How far the fall's front edge stays off the centre front [m].
COLLAR_GAP = 0.004


def fall(d: Draft, stand: Stand, *, height: float, point: float, spread: float, back: list[tuple[str, str]],
         fronts: dict[str, tuple[str, str, tuple[float, float]]]) -> None:
    """Adds the fall in three pieces (fall_back, fall_front_l, fall_front_r) and sews it to the top of the stand.

    Args:
        height: Of the fall at the back [m].
        point: Length of the collar's front edge [m].
        spread: How much longer the outer edge is than the sewn one [m].
        back: Edges (panel, label) of the stand's back top.
        fronts: For each side the edge of the stand's front top (panel, label) and the part of it that is sewn.
    """
    length = d.length(*back)
    d.add("fall_back", band(length, length + 0.5 * spread, height), stand.fall("fall_back", side="", length=0.0),
          stiffness=FUSED, layer=FALL_LAYER)
    d.sew([("fall_back", "bottom_1"), ("fall_back", "bottom_2")], back, angle=FOLD)
    for s, end in (("l", "end_minus"), ("r", "end_plus")):
        panel, edge, part = fronts[s]
        sewn = d.length((panel, edge)) * (part[1] - part[0])
        shoulder = unit((0.25 * spread, height))
        path = Outline((COLLAR_GAP, 0.0)).line((COLLAR_GAP + sewn, 0.0), "sewn")
        path.line(path.at + shoulder * height, "shoulder_end")
        tip = np.array([COLLAR_GAP + 0.012, point])
        path.curve(tip, path.at + [-0.35 * sewn, 0.0], tip + [0.3 * sewn, -0.25 * (point - height)], label="outer")
        path.line(path.start, "front_edge")
        d.add(f"fall_front_{s}", path if s == "l" else path.mirrored(),
              stand.fall("fall_front", side=s, length=sewn), stiffness=FUSED, layer=FALL_LAYER)
        d.sew([(f"fall_front_{s}", "shoulder_end")], [("fall_back", end)])
        d.sew_part((f"fall_front_{s}", "sewn"), (panel, edge), part, angle=FOLD)
