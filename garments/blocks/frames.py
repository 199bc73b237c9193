"""Where each panel starts on the body: rigid placements from the landmarks of a body in the draping pose.

Fronts lie before the body facing +Z, backs behind it facing -Z, so that a panel's right side looks away from the body.
Sleeves lie before and behind the arm along its axis, trouser panels before and behind the leg. Distances are first
guesses; ``garments.placement`` adapts them until nothing intersects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.core.measurements import LANDMARKS
from engine.core.pattern_types import Placement

__all__ = ["Stand", "UpperForm", "estimated_landmarks"]

#: Gap between the body and a panel that starts flat before it [m].
TORSO_GAP, SLEEVE_GAP, LEG_GAP, NECK_GAP = 0.05, 0.035, 0.05, 0.035
#: Usual height of the back neck point over the shoulder points [m].
NAPE = 0.058
#: What the way down the curved back is longer than its height, and the armpits are lower when the arms hang [m]. With
#: it the depths come out within 1 cm of a tenth of the bust girth + 10.5 cm (Mueller & Sohn).
HANGING = 0.015
_NECK_MARKS = ("side_neck_point_l", "side_neck_point_r", "front_neck_point", "back_neck_point")


def estimated_landmarks(m: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Landmarks of a body in the draping pose when only measurements are known (a pattern to be cut, not draped).

    Heights come from the measurements, or as fractions of the stature (Drillis & Contini 1966); depths from girths
    of ellipses 0.75 as deep as wide.
    """

    def get(name: str, share: float) -> float:
        if name in m:
            return float(getattr(m[name], "value", m[name]))
        return share * stature

    stature = float(getattr(m.get("stature", 1.7), "value", m.get("stature", 1.7)))
    depth = {k: get(f"{k}_girth", share) / np.pi * 0.85 for k, share in
             (("bust", 0.54), ("waist", 0.44), ("hip", 0.57), ("underbust", 0.46), ("neck", 0.21))}
    width = {k: get(f"{k}_girth", share) / np.pi * 1.14 for k, share in
             (("bust", 0.54), ("waist", 0.44), ("hip", 0.57))}
    level = {"bust": get("bust_height", 0.72), "waist": get("waist_height", 0.62), "hip": get("hip_height", 0.50),
             "underbust": get("underbust_height", 0.68)}
    slope, shoulder = get("shoulder_slope", 0.0) or 0.37, get("shoulder_length", 0.074)
    neck_half, back_neck = get("neck_width", 0.07) / 2, get("back_neck_height", 0.85)
    point = {
        "head_top": (0, stature, 0), "back_neck_point": (0, back_neck, -0.06),
        "front_neck_point": (0, back_neck - 0.06, 0.05), "crotch_point": (0, get("crotch_height", 0.46), 0),
        "underbust_front": (0, level["underbust"], depth["underbust"] / 2),
    }
    for k in ("bust", "waist", "hip"):
        point[f"{k}_front"] = (0, level[k], depth[k] / 2)
        point[f"{k}_back"] = (0, level[k], -depth[k] / 2)
    arm, upper = get("arm_length", 0.33), get("upper_arm_length", 0.186)
    down = np.array([np.cos(np.pi / 4), -np.sin(np.pi / 4), 0])
    for side, s in (("l", 1), ("r", -1)):
        flip = np.array([s, 1, 1])
        for k in ("bust", "waist", "hip"):
            point[f"{k}_side_{side}"] = (s * width[k] / 2, level[k], 0)
        point[f"bust_point_{side}"] = (s * get("bust_point_distance", 0.11) / 2, level["bust"], depth["bust"] / 2)
        neck = np.array([neck_half, back_neck + 0.01, -0.01])
        tip = neck + shoulder * np.array([np.cos(slope), -np.sin(slope), 0])
        point[f"side_neck_point_{side}"] = neck * flip
        point[f"shoulder_point_{side}"] = tip * flip
        point[f"armpit_{side}"] = (tip - [0.02, get("armscye_depth", 0.075), 0]) * flip
        point[f"elbow_{side}"] = (tip + down * upper) * flip
        point[f"wrist_{side}"] = (tip + down * arm) * flip
        hip = np.array([width["hip"] / 4, level["hip"], 0])
        leg = np.array([np.sin(0.1), -np.cos(0.1), 0])
        for k, share in (("knee", 0.285), ("ankle", 0.045)):
            point[f"{k}_{side}"] = (hip + leg * (hip[1] - get(f"{k}_height", share)) / np.cos(0.1)) * flip
    return {k: np.asarray(v, float) for k, v in point.items()}


@dataclass(frozen=True)
class UpperForm:
    """Figures of the upper body on the flat draft [m]; rules of thumb where no landmarks are known."""

    rise: float  #: of the side neck point over the back neck point
    front_depth: float  #: of the front neck point below the side neck point
    back_neck: float  #: half width of the back neck, over its curve
    armpit: float  #: half distance of the armpits; 0 if unknown
    scye_depth: float  #: from the back neck point down the back to the level of the armpits, arms hanging


class Stand:
    """The body as a dress stand: landmarks by name, and a placement for every kind of panel."""

    def __init__(self, measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None) -> None:
        marks = estimated_landmarks(measurements)
        for name, p in (landmarks or {}).items():
            if name in LANDMARKS:
                p = np.asarray(p, float)
                if p.shape != (3,) or not np.isfinite(p).all():
                    raise InputError("garment.landmark", f"landmark '{name}' is not a point", "give three numbers")
                marks[name] = p
        self.at = marks

        self._measured = all(k in (landmarks or {}) for k in _NECK_MARKS)

    def upper_form(self, m: Mapping[str, float]) -> UpperForm:
        """What the flat draft of the upper body takes from the body's points, over the surface; else by rule."""
        neck = m["neck_base_girth"]
        if not self._measured:
            rise = 0.02 + 0.004 * float(np.clip((neck - 0.36) / 0.06, -1, 1))
            return UpperForm(rise, neck / 5 - 0.002, 0.53 * m["neck_width"], 0.0, m["armscye_depth"] + NAPE + HANGING)
        side = (self.at["side_neck_point_l"] * [1, 1, 1] + self.at["side_neck_point_r"] * [-1, 1, 1]) / 2
        front, back = self.at["front_neck_point"] - side, self.at["back_neck_point"] - side
        rise = float(np.clip(0.012 - back[1] + 0.3 * abs(back[2]), 0.012, 0.03))
        half = m["neck_width"] / 2
        return UpperForm(
            rise=rise, front_depth=float(np.clip(np.hypot(front[1], front[2]), 0.055, 0.14)),
            back_neck=float(np.clip(1.04 * np.hypot(side[0], back[2]), half, half + 0.02)),
            armpit=float(self.at["armpit_l"][0] - self.at["armpit_r"][0]) / 2,
            scye_depth=self.at["back_neck_point"][1] - self.level("armpit_l", "armpit_r") + HANGING,
        )

    def level(self, *names: str) -> float:
        """Mean height of landmarks [m]."""
        return float(np.mean([self.at[n][1] for n in names]))

    def _depth(self, back: bool) -> float:
        face = "back" if back else "front"
        values = [self.at[f"{k}_{face}"][2] for k in ("bust", "waist", "hip")]
        return min(values) - TORSO_GAP if back else max(values) + TORSO_GAP

    @staticmethod
    def _facing(back: bool, up: np.ndarray | None = None) -> np.ndarray:
        """Rotation whose columns are the panel's x, y and right side in the world."""
        up = np.array([0.0, 1.0, 0.0]) if up is None else up / np.linalg.norm(up)
        out = np.array([0.0, 0.0, -1.0 if back else 1.0])
        out = out - (out @ up) * up
        out /= np.linalg.norm(out)
        return np.stack([np.cross(up, out), up, out], axis=1)

    def trunk(self, region: str, *, back: bool, y: float, radius: float = 0.0, gap: float = 0.0) -> Placement:
        """A panel of the trunk whose local origin is on the centre line at height ``y``."""
        z = self._depth(back) + (-gap if back else gap)
        return Placement(self._facing(back), np.array([0.0, y, z]), radius, region)

    def neck(self, region: str, *, back: bool, y: float, radius: float) -> Placement:
        """A band around the neck, its local origin at the middle of its bottom edge."""
        z = self.at["back_neck_point"][2] - NECK_GAP if back else self.at["front_neck_point"][2] + NECK_GAP
        return Placement(self._facing(back), np.array([0.0, y, z]), radius, region)

    def fall(self, region: str, *, side: str, length: float) -> Placement:
        """Where a collar's fall starts: turned down outside all of the trunk's panels, its right side to the body.

        The back piece (``side`` empty) hangs level behind the neck. A front piece, sewn along its x axis from the
        centre front over ``length``, slants up towards its shoulder end, as it will lie when worn, so that it is
        drawn in over the front's shoulder and not under it.
        """
        shoulder = self.level("side_neck_point_l", "side_neck_point_r")
        if not side:
            r = self._facing(True) @ np.diag([1.0, -1.0, -1.0])
            return Placement(r, np.array([0.0, shoulder + 0.08, self._depth(True) - 0.045]), 0.0, region)
        low = self.at["front_neck_point"][1] + 0.035
        rise = float(np.clip((shoulder + 0.075 - low) / length, 0.3, 0.85))
        run, turn = np.sqrt(1 - rise**2), 1.0 if side == "l" else -1.0
        r = np.array([[run, turn * rise, 0.0], [turn * rise, -run, 0.0], [0.0, 0.0, -1.0]])
        return Placement(r, np.array([0.0, low, self._depth(False) + 0.045]), 0.0, region)

    def arm(self, side: str, *, back: bool, cap: float, thickness: float, region: str = "",
            along: float = 0.0) -> Placement:
        """A sleeve's half whose point (0, ``cap``) lies at the shoulder point, ``along`` further down the arm.

        Its y axis runs up the arm; its centre line (x = 0) lies along the arm's upper side.
        """
        shoulder, wrist = self.at[f"shoulder_point_{side}"], self.at[f"wrist_{side}"]
        up = (shoulder - wrist) / np.linalg.norm(shoulder - wrist)
        r = self._facing(back, up)
        outward = r[:, 0] * (1 if (side == "l") != back else -1)
        start = shoulder + outward * 0.025 + r[:, 2] * (thickness / 2 + SLEEVE_GAP) - up * along
        return Placement(r, start - r @ np.array([0.0, cap, 0.0]), thickness / 2 + SLEEVE_GAP,
                         region or f"sleeve_{side}")

    def leg(self, side: str, *, back: bool, crotch: float, radius: float) -> Placement:
        """A trouser panel whose crease (x = 0) runs down the leg; ``crotch`` is the local y of the crotch level."""
        hip, fork = self.at[f"hip_side_{side}"], self.at["crotch_point"]
        top = np.array([(hip[0] + fork[0]) / 2, fork[1], (hip[2] + fork[2]) / 2])
        up = top - self.at[f"ankle_{side}"]
        up[2] = 0.0
        r = self._facing(back, up)
        start = top - r @ np.array([0.0, crotch, 0.0])
        start[2] = self._depth(back) - LEG_GAP if back else self._depth(back) + LEG_GAP
        return Placement(r, start, radius, f"leg_{side}_{'back' if back else 'front'}")
