"""Balance: how much more cloth a top needs from the shoulder to its hem in front than behind, and where it goes.

A garment is balanced when its hem is level. The cutter measures front and back length over the body (Mueller & Sohn's
front and back balance); over a full bust or belly the front is longer. Without a dart the extra length goes partly over
the shoulder, partly eased into the side seam, and the rest is added at the centre front's hem, running out to nothing
at the side: the full belly adjustment.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from garments.blocks.bodice import Half
from garments.blocks.draft import Outline
from garments.blocks.frames import Stand, UpperForm

__all__ = ["EASED_MOST", "front_hem", "hang_balance", "hem_drop", "swing_angle"]

#: Most that is eased into a side seam of about 18 cm above the waist [m]: 8 %, which a knit takes without puckers.
EASED_MOST = 0.015
#: Share of the bust's or belly's overhang that the hem is made wider for; the rest of a soft knit falls in under it.
OVERHANG_SHARE = 0.5
#: Most that the side is swung out [rad].
SWING_MOST = 0.14
#: Most that the centre front's hem is lowered [m], and the share of the missing length that it is: draped, a hem rides
#: up on the seat behind too, by about the rest (hems of six bodies lie most nearly level so).
DROP_MOST, DROP_SHARE = 0.10, 0.7


def hang_balance(stand: Stand, m: dict[str, float], form: UpperForm, drop: float) -> float:
    """Length of the front from the side neck point to the hem less that of the back, hem level all round [m].

    Over the chest and the upper back these are the tape's own lengths. Below, cloth is taut from the bust point or the
    blades over whatever lies farther out (belly, seat) and hangs straight down from the outermost point.

    Args:
        drop: From the waist to the hem at the side [m].
    """
    waist, hip = stand.level("waist_front", "waist_back"), stand.level("hip_front", "hip_back")
    hem = waist - drop * (waist - hip) / m["waist_to_hip"]
    at = stand.at
    apex = (at["bust_point_l"] + at["bust_point_r"]) / 2
    front = _hang(apex, [*_belly(stand), at["waist_front"], at["hip_front"]], hem, 1.0)
    back = _hang(at["bust_back"], [at["waist_back"], at["hip_back"]], hem, -1.0)
    return m["neck_to_bust_point"] + front - form.rise - m["back_neck_to_bust_line"] - back


def _belly(stand: Stand) -> list[np.ndarray]:
    """The belly's foremost point, on a parabola through underbust, waist and hip; nothing where the waist is hollow."""
    points = np.array([stand.at[f"{k}_front"] for k in ("underbust", "waist", "hip")])
    a, b, c = np.polyfit(points[:, 1], points[:, 2], 2)
    top = -b / (2 * a) if a < 0 else np.inf
    if not points[2, 1] < top < points[0, 1]:
        return []
    return [np.array([0.0, top, np.polyval((a, b, c), top)])]


def _hang(start: np.ndarray, over: Iterable[np.ndarray], hem: float, way: float) -> float:
    """Length of cloth from ``start`` down to the height ``hem``, taut outwards over points of the median plane [m]."""
    left = [p for p in over if p[1] > hem]
    at, length = start, 0.0
    while True:
        below = [p for p in left if p[1] < at[1] - 1e-6 and way * (p[2] - at[2]) > 0]
        if not below or at[1] <= hem:
            return length + max(float(at[1] - hem), 0.0)
        following = max(below, key=lambda p: way * (p[2] - at[2]) / (at[1] - p[1]))
        length += float(np.hypot(*(following - at)[1:]))
        at = following


def swing_angle(stand: Stand, m: dict[str, float], front: Half) -> float:
    """Angle by which a dartless front's side is to be swung out about the bust point [rad].

    Cloth that hangs from the bust or belly and over the seat needs a hem as wide as both, seen from above: about 1.2
    times the overhang more than the hips. A chest much wider than the arm at the armhole asks for more.
    """
    overhang = max(stand.at[f"{k}_front"][2] for k in ("bust", "waist", "hip")) - stand.at["hip_front"][2]
    wider = 1.2 * OVERHANG_SHARE * overhang / (2 * (front.bust_y + m["waist_to_hip"]))
    gaping = front.underarm[0] - front.pitch[0] - m["upper_arm_girth"] / np.pi
    closed = gaping / (front.bust_x - m["bust_point_distance"] / 2)
    return float(np.clip(max(wider, closed), 0.0, SWING_MOST))


def hem_drop(balance: float, front: Half, back: Half) -> float:
    """How far the centre front's hem goes below the side's [m]: of the balance, what shoulder and side did not take."""
    return float(np.clip(DROP_SHARE * (balance - (front.side_neck[1] - back.side_neck[1])), 0.0, DROP_MOST))


def front_hem(path: Outline, side: np.ndarray) -> None:
    """Draws the hem from a centre front that may lie lower than the side: square to both."""
    x, y = path.at
    if side[1] - y < 1e-4:
        path.line(side, "hem")
        return
    path.curve(side, (x + 0.55 * (side[0] - x), y), (x + 0.75 * (side[0] - x), side[1]), label="hem")
