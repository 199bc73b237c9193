"""The upper body's draft: shoulder, neckline, armhole and side line that tee, shirt and dress share.

The construction follows the flat-pattern method as H. Aldrich (Metric Pattern Cutting) and M. Mueller & Sohn teach it:
widths at bust level from the body's back and front shares plus ease, across-back and across-front at the pitch points,
a back neck rise of about 2 cm, a front neck depth of a fifth of the neck girth, and the front's extra length over the
bust taken into a side dart. Where those books estimate from the bust girth, we use the body's own measurement.
Coordinates: x from the centre line outward, y up from the natural waist [m].
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from garments.blocks.draft import Outline, smooth, unit
from garments.blocks.frames import UpperForm

__all__ = ["NEEDED", "Half", "armhole", "bust_point", "even_sides", "neckline", "side", "upper_half"]

#: Measurements that the upper body's draft reads.
NEEDED = (
    "bust_girth", "waist_girth", "hip_girth", "neck_base_girth", "neck_width", "shoulder_length", "shoulder_slope",
    "across_back_width", "across_front_width", "back_bust_width", "back_waist_width", "back_hip_width",
    "front_waist_length", "back_waist_length", "back_neck_to_bust_line", "armscye_depth", "waist_to_hip", "neck_girth",
    "neck_to_bust_point", "bust_point_distance",
)

#: Length of the back shoulder over the front one [m].
BLADE_EASE = 0.006
#: Smallest width of the armhole between pitch point and side seam [m].
MIN_SCYE_WIDTH = 0.035
#: The back's share of a girth. A side seam in the middle of the armhole leaves it 0.46 to 0.48 for women and about half
#: for men (from Mueller & Sohn's widths); armholes stay balanced between front and back with it. Without a bust dart a
#: front is hardly wider than its back, or its armhole grows too long.
BACK_SHARE = {True: (0.475, 0.52), False: (0.495, 0.52)}
#: Half width and front depth of the neck that a fifth of the neck girth allows [m]. The draft takes a fifth of the neck
#: for both (Aldrich: less 0.2 cm in women's blocks, 0.5 cm in men's shirts, of a neck size with 1 to 2 cm of ease);
#: the rest is what the tape's way around the neck's base asks. Wider bases lie out on the shoulder muscle.
NECK_WIDTH, NECK_DEPTH = 0.003, 0.036
#: Width of the armhole in front or behind, over the arm's diameter, from which a full chest makes the hole too wide.
FULL_SCYE = 0.9
#: How far the armhole of a full chest reaches inside the shoulder's end, and the shoulder's extension at most [m].
FULL_INSET, FULL_SHOULDER = 0.010, 0.012
#: How far inside the shoulder's end the armhole reaches at most, front and back [m]. The lines across are measured in
#: the draping pose, whose raised arms draw them together.
PITCH_INSET = {False: 0.025, True: 0.015}


@dataclass(frozen=True)
class Half:
    """Named points of a half front or half back."""

    centre_neck: np.ndarray
    side_neck: np.ndarray
    tip: np.ndarray  #: end of the shoulder seam
    pitch: np.ndarray  #: narrowest point of the armhole
    underarm: np.ndarray
    bust_y: float
    bust_x: float
    waist_x: float
    hip_x: float
    extra: float  #: length of this half over the other at the side, to go into a bust dart [m]


def _share(m: dict[str, float], name: str, back: bool, dart: bool) -> float:
    """Half width of the body's front or back at a girth [m]; side lines far from the draft's are pulled to it."""
    girth = m[f"{name}_girth"]
    low, high = BACK_SHARE[dart]
    half = float(np.clip(m[f"back_{name}_width"], low * girth, high * girth))
    return half / 2 if back else (girth - half) / 2


def upper_half(m: dict[str, float], form: UpperForm, *, back: bool, ease_bust: float, ease_waist: float,
               ease_hip: float, neck_widen: float, neck_lower: float, armhole_lower: float, dart: bool,
               shoulder: float = 0.003, arm_girth: float = 0.0, eased: float = 0.0, swing: float = 0.0) -> Half:
    """Points of half a front or back.

    Args:
        form: What comes from the body's points, see ``Stand.upper_form``.
        ease_bust: Ease on the whole bust girth [m]; likewise waist and hip.
        neck_widen: How far the neckline leaves the neck at the shoulder [m].
        neck_lower: How far it is lowered at the centre [m].
        armhole_lower: Depth of the armhole below the arm's pit, arms hanging [m].
        shoulder: Ease of the shoulder seam; negative for a sleeveless armhole inside the shoulder point [m].
        dart: Whether the front's extra length goes into a side dart; else a third of it goes over the shoulder.
        arm_girth: Girth of the upper arm that the armhole's sleeve goes round [m]; 0 without a sleeve.
        eased: Length by which the front's side seam is eased onto the back's, without a dart [m].
        swing: Angle by which the front's side is swung about the bust point, out of the armhole and into the hem [rad]:
            where the fullness of a bust goes that gets no dart (Armstrong: the dart transferred to the hem).
    """
    balance = m["front_waist_length"] - (m["back_waist_length"] + form.rise)
    bust_x = _share(m, "bust", back, dart) + ease_bust / 4
    swing = 0.0 if back else swing
    raised = swing * (bust_x - m["bust_point_distance"] / 2)  # of the side against the shoulder
    taken = float(np.clip(balance, 0.0, 0.075)) if dart else float(np.clip(balance / 3, -0.01, 0.015)) + eased - raised
    lift = 0.0 if back else taken if dart else eased
    top = m["back_waist_length"] + form.rise + (0.0 if back else taken)
    mean_width = (m["bust_girth"] + ease_bust - m["across_back_width"] - m["across_front_width"]) / 4
    wide = mean_width - FULL_SCYE * arm_girth / np.pi if arm_girth else 0.0
    longer = shoulder + float(np.clip(0.25 * (wide - 0.02), 0.0, FULL_SHOULDER))
    side_neck, tip, depth = _shoulder(m, form, top, back, neck_widen, longer)
    depth += neck_lower * (0.35 if back else 1.0)
    bust_line = m["back_waist_length"] - m["back_neck_to_bust_line"]
    # the dart points at the bust from below the armhole
    under_y = max(m["back_waist_length"] - form.scye_depth - armhole_lower, bust_line + 0.01)
    bust_y = min(bust_line, under_y - 0.02)
    across = max(m["across_back_width" if back else "across_front_width"] / 2, 0.96 * form.armpit)
    across = max(across + ease_bust * (0.06 if back else 0.04), tip[0] - PITCH_INSET[back])
    over = bust_x - across - FULL_SCYE * arm_girth / np.pi
    if arm_girth and over > 0:  # a chest far wider than its shoulders would open the armhole beyond the arm
        across = max(across, min(across + over, tip[0] - FULL_INSET))
    pitch_x = min(across, bust_x - MIN_SCYE_WIDTH, tip[0] - 0.004)
    under = np.array([bust_x - swing * (under_y - bust_y), under_y + lift])
    return Half(
        centre_neck=np.array([0.0, side_neck[1] - depth]), side_neck=side_neck, tip=tip,
        pitch=np.array([pitch_x, under[1] + (0.40 if back else 0.36) * (tip[1] - under[1])]),
        underarm=under, bust_y=bust_y, bust_x=bust_x, extra=lift,
        waist_x=_share(m, "waist", back, dart) + ease_waist / 4 + swing * bust_y,
        hip_x=_share(m, "hip", back, dart) + ease_hip / 4 + swing * (bust_y + m["waist_to_hip"]),
    )


def _shoulder(m: dict[str, float], form: UpperForm, top: float, back: bool, widen: float,
              longer: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Side neck point, end of the shoulder seam, and depth of the neck below the side neck point before any lowering.

    The shoulder line runs through the body's side neck point at the height ``top``; where that lies farther out than
    the neck's girth allows, the seam goes on up the line to where the neck is.
    """
    slope = m["shoulder_slope"]
    along = np.array([np.cos(slope), -np.sin(slope)])
    neck_x = form.back_neck if back else m["neck_width"] / 2
    tip = np.array([neck_x, top]) + along * (m["shoulder_length"] + longer + (BLADE_EASE if back else 0.0))
    inwards = max(m["neck_width"] / 2 - m["neck_girth"] / 5 - NECK_WIDTH, 0.0)
    rise = (inwards - widen) * np.tan(slope)
    side_neck = np.array([neck_x - inwards + widen, top + rise])
    up = inwards * np.tan(slope)
    depth = form.rise + up if back else min(form.front_depth + up, m["neck_girth"] / 5 + NECK_DEPTH)
    # the back shoulder is eased onto the front one: room for the shoulder blade
    return side_neck, tip, depth


def even_sides(front: Half, back: Half) -> tuple[Half, Half]:
    """The same halves with equally shaped side seams: waist and hip leave the bust line by the same amount on both.

    The girths stay; only the side line moves. Front and back then match edge to edge.
    """
    waist = (front.waist_x + back.waist_x - front.bust_x - back.bust_x) / 2
    hip = (front.hip_x + back.hip_x - front.bust_x - back.bust_x) / 2
    return tuple(replace(h, waist_x=h.bust_x + waist, hip_x=h.bust_x + hip) for h in (front, back))


def armhole(path: Outline, h: Half, *, back: bool) -> None:
    """Draws the armhole from the end of the side seam to the shoulder tip, square to side seam and shoulder."""
    k = 0.58 if back else 0.68  # the front is hollowed out more
    u, p = path.at, h.pitch
    up = unit(u - path.steps[-2].end)
    leave = np.array([-up[1], up[0]]) * min(k * (u[0] - p[0]), 0.09)
    path.curve(p, u + leave, (p[0], p[1] - k * (p[1] - u[1])), label="armhole_low")
    square = unit(h.side_neck - h.tip)
    inward = np.array([-square[1], square[0]])  # square to the shoulder, pointing down
    reach = 0.36 * (h.tip[1] - p[1])
    path.curve(h.tip, (p[0], p[1] + reach), h.tip + inward * reach, label="armhole_up")


def neckline(path: Outline, h: Half) -> None:
    """Draws the neckline from the side neck point to the centre: square to the shoulder and to the centre line.

    It turns low and wide: an oval that is narrow at its foot hangs in a V once a band pulls at it.
    """
    square = unit(h.tip - h.side_neck)
    down = np.array([square[1], -square[0]])
    depth, width = h.side_neck[1] - h.centre_neck[1], h.side_neck[0]
    path.curve(h.centre_neck, h.side_neck + down * 0.47 * depth, (0.8 * width, h.centre_neck[1]), label="neck")


def side(path: Outline, h: Half, *, waist_x: float, hem: np.ndarray | None = None,
         dart_tip: np.ndarray | None = None) -> None:
    """Draws the side seam from the hem (or the waist) up to the underarm, with the bust dart if a tip is given.

    Labels: side_low (hem to waist, if there is a hem), side_up (waist to bust level), dart9_a and dart9_b, side_top.
    """
    waist, bust = np.array([waist_x, 0.0]), np.array([h.bust_x, h.bust_y])
    up = (0.0, 1.0)
    if hem is not None:
        path.curve(waist, *smooth(hem, waist, (waist - hem) * [0.5, 1.0], up, 0.3), label="side_low")
    path.curve(bust, *smooth(waist, bust, up, up, 0.36), label="side_up")
    high = bust + [0.0, h.extra]
    above = h.underarm - high
    if dart_tip is not None and h.extra > 0:
        # both legs as long: the upper one is stretched to the length of the lower, and takes the underarm along; the
        # seam above is turned by the dart's angle, so that it goes on straight once the dart is closed
        high = dart_tip + unit(high - dart_tip) * np.linalg.norm(bust - dart_tip)
        closed, opened = unit(bust - dart_tip), unit(high - dart_tip)
        cos, sin = closed @ opened, closed[0] * opened[1] - closed[1] * opened[0]
        above = np.array([[cos, -sin], [sin, cos]]) @ above
        path.line(dart_tip, "dart9_a").line(high, "dart9_b")
    path.line(high + above, "side_top")


def bust_point(m: dict[str, float], h: Half) -> np.ndarray:
    """Where the bust point lies on the flat front [m]."""
    x = m["bust_point_distance"] / 2
    reach = m["neck_to_bust_point"]
    across = x - m["neck_width"] / 2
    y = h.side_neck[1] - np.sqrt(max(reach**2 - across**2, 0.6 * reach**2))
    return np.array([x, float(np.clip(y, h.bust_y - 0.03, h.bust_y + h.extra + 0.03))])
