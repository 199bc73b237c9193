"""Bodies for drafting tests, made from a few girths by the proportions of size tables and anthropometric surveys."""

from __future__ import annotations

import numpy as np


def body(
    stature: float, bust: float, waist: float, hip: float, *, male: bool = False, **known: float
) -> dict[str, float]:
    """All measurements [m] that the blocks read; ``known`` overrides single ones, ``cup`` lengthens the front."""
    neck_base = 0.30 + 0.085 * bust + (0.03 if male else 0.0)
    back_waist = 0.245 * stature
    cup = known.pop("cup", 0.0 if male else 0.028)
    across = 0.19 + 0.17 * bust
    m = {
        "stature": stature, "bust_girth": bust, "waist_girth": waist, "hip_girth": hip,
        "underbust_girth": bust * (0.94 if male else 0.86), "neck_base_girth": neck_base,
        "neck_girth": 0.92 * neck_base, "neck_width": 0.31 * neck_base,
        "shoulder_length": 0.073 * stature + (0.012 if male else 0.0), "shoulder_slope": np.radians(21.5),
        "across_back_width": across, "across_front_width": 0.94 * across, "back_shoulder_width": 0.23 * stature,
        "back_bust_width": bust * (0.5 if male else 0.475), "back_waist_width": 0.47 * waist,
        "back_hip_width": 0.535 * hip, "bust_point_distance": 0.09 + 0.1 * bust,
        "back_neck_height": 0.852 * stature, "shoulder_height": 0.82 * stature, "bust_height": 0.72 * stature,
        "underbust_height": 0.68 * stature, "waist_height": 0.62 * stature, "hip_height": 0.5 * stature,
        "crotch_height": 0.452 * stature, "knee_height": 0.282 * stature, "back_waist_length": back_waist,
        "front_waist_length": back_waist + 0.02 + cup, "neck_to_bust_point": 0.155 * stature,
        "back_neck_to_bust_line": 0.135 * stature + 0.02, "armscye_depth": 0.045 + 0.09 * bust,
        "waist_to_hip": 0.12 * stature, "arm_length": 0.335 * stature, "upper_arm_length": 0.19 * stature,
        "body_rise": 0.168 * stature, "total_crotch_length": 0.36 * stature + 0.15 * hip,
        "upper_arm_girth": 0.10 + 0.19 * bust, "wrist_girth": 0.105 + 0.055 * bust, "thigh_girth": 0.57 * hip,
        "knee_girth": 0.365 * hip, "calf_girth": 0.36 * hip, "ankle_girth": 0.13 + 0.09 * hip,
    }
    m.update(known)
    return {k: float(v) for k, v in m.items()}


BODIES: dict[str, dict[str, float]] = {
    "small_woman": body(1.50, 0.80, 0.62, 0.86),
    "mean_woman": body(1.66, 0.97, 0.80, 1.04),
    "tall_woman": body(1.82, 0.90, 0.70, 0.97),
    "hourglass": body(1.65, 0.95, 0.64, 1.10, cup=0.04),
    "heavy_woman": body(1.63, 1.30, 1.20, 1.36, cup=0.05),
    "very_heavy_woman": body(1.58, 1.55, 1.50, 1.60, cup=0.06),
    "pregnant": body(1.66, 1.02, 1.08, 1.04, cup=0.06, back_waist_width=0.42),
    "athletic_man": body(1.80, 1.06, 0.80, 0.98, male=True),
    "tall_man": body(1.96, 1.04, 0.90, 1.05, male=True),
    "heavy_man": body(1.75, 1.25, 1.28, 1.20, male=True),
    "slim_man": body(1.70, 0.84, 0.70, 0.85, male=True),
    "very_small": body(1.38, 0.70, 0.56, 0.74),
}
