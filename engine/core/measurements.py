"""The vocabulary of body measurements and landmarks that all stages share.

Names follow ISO 8559-1:2017 in snake case; the section is given where the standard
has one. ``avatars.measure`` produces them, garment blocks and the fit report read them.
Values are metres, except ``body_mass`` [kg] and ``shoulder_slope`` [rad].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["MeasurementInfo", "MEASUREMENTS", "LANDMARKS", "ALIASES", "band_drop"]

LEAST_DROP = 0.005  #: of a waistband's level below the natural waist, from which it is another level [m]


@dataclass(frozen=True)
class MeasurementInfo:
    """What a measurement is. ``kind`` is girth, height, length, angle or mass."""

    label: str
    kind: str
    definition: str


def _m(label: str, kind: str, definition: str) -> MeasurementInfo:
    return MeasurementInfo(label, kind, definition)


MEASUREMENTS: dict[str, MeasurementInfo] = {
    "stature": _m("Stature", "height", "floor to top of head (5.1.1)"),
    "body_mass": _m("Body mass", "mass", "kilograms (5.6.1)"),
    # girths: convex-hull (tape) lengths of horizontal or limb-normal sections
    "head_girth": _m("Head girth", "girth", "largest horizontal head girth (5.3.1)"),
    "neck_girth": _m("Mid-neck girth", "girth", "neck section just below the larynx (5.3.2)"),
    "neck_base_girth": _m("Neck base girth", "girth", "through back, side and front neck points (5.3.3)"),
    "bust_girth": _m("Bust/chest girth", "girth", "horizontal at the bust points (5.3.4)"),
    "underbust_girth": _m("Underbust girth", "girth", "horizontal just below the breasts (5.3.8)"),
    "waist_girth": _m("Waist girth", "girth", "horizontal at the natural waist (5.3.10)"),
    "waistband_girth": _m(
        "Waistband girth", "girth", "smallest from the natural waist to 8 cm below, where a waistband stays"
    ),
    "hip_girth": _m("Hip girth", "girth", "horizontal at the greatest buttock prominence (5.3.13)"),
    "thigh_girth": _m("Thigh girth", "girth", "horizontal just below the gluteal fold (5.3.20)"),
    "knee_girth": _m("Knee girth", "girth", "horizontal at mid-patella (5.3.22)"),
    "calf_girth": _m("Calf girth", "girth", "largest horizontal calf girth (5.3.24)"),
    "ankle_girth": _m("Ankle girth", "girth", "smallest girth above the ankle (5.3.25)"),
    "upper_arm_girth": _m("Upper arm girth", "girth", "largest girth below the armpit, limb-normal (5.3.16)"),
    "elbow_girth": _m("Elbow girth", "girth", "at the elbow, limb-normal (5.3.17)"),
    "wrist_girth": _m("Wrist girth", "girth", "at the wrist, limb-normal (5.3.19)"),
    "armscye_girth": _m("Armscye girth", "girth", "around the shoulder joint through the armpit (5.3.15)"),
    # heights above the floor, standing
    "back_neck_height": _m("Cervicale height", "height", "back neck point to floor (5.1.2)"),
    "shoulder_height": _m("Shoulder height", "height", "shoulder point to floor"),
    "bust_height": _m("Bust height", "height", "bust point level to floor"),
    "underbust_height": _m("Underbust height", "height", "underbust level to floor"),
    "waist_height": _m("Waist height", "height", "natural waist level to floor (5.1.10)"),
    "waistband_height": _m("Waistband height", "height", "level of the waistband girth to floor"),
    "hip_height": _m("Hip height", "height", "hip level to floor (5.1.13)"),
    "crotch_height": _m("Inside leg height", "height", "crotch to floor (5.1.15)"),
    "knee_height": _m("Knee height", "height", "mid-patella to floor (5.1.16)"),
    # lengths, widths
    "shoulder_length": _m("Shoulder length", "length", "side neck point to shoulder point (5.4.1)"),
    "back_shoulder_width": _m(
        "Back shoulder width", "length", "shoulder point to shoulder point over the back (5.4.3)"
    ),
    "across_back_width": _m("Across back", "length", "between the armscyes over the back (5.4.6)"),
    "across_front_width": _m("Across front", "length", "between the armscyes over the chest (5.4.9)"),
    "back_bust_width": _m("Back width at bust", "length", "side line to side line over the back at bust level"),
    "back_waist_width": _m("Back width at waist", "length", "side line to side line over the back at waist level"),
    "back_waistband_width": _m(
        "Back width at waistband", "length", "side line to side line over the back at the waistband girth"
    ),
    "back_hip_width": _m("Back width at hip", "length", "side line to side line over the back at hip level"),
    "bust_point_distance": _m("Bust point width", "length", "between the bust points (5.4.11)"),
    "neck_width": _m("Neck width", "length", "straight between the side neck points"),
    "neck_to_bust_point": _m("Side neck to bust point", "length", "over the surface (5.4.13)"),
    "front_waist_length": _m("Front waist length", "length", "side neck point over the bust point to waist (5.4.14)"),
    "back_waist_length": _m("Back waist length", "length", "back neck point to waist over the back (5.4.5)"),
    "back_neck_to_bust_line": _m("Scye depth to bust line", "length", "back neck point down the back to bust level"),
    "armscye_depth": _m("Armscye depth", "length", "vertical from shoulder point to armpit level (5.4.12)"),
    "waist_to_hip": _m("Waist to hip", "length", "waist level to hip level over the side (5.4.23)"),
    "arm_length": _m("Arm length", "length", "shoulder point over the elbow to the wrist (5.4.16)"),
    "upper_arm_length": _m("Upper arm length", "length", "shoulder point to elbow (5.4.15)"),
    "body_rise": _m("Body rise", "length", "waist level to crotch level, vertical (5.4.18)"),
    "total_crotch_length": _m("Total crotch length", "length", "front waist through the crotch to back waist (5.4.19)"),
    "outside_leg_length": _m("Outside leg length", "length", "side waist over the hip to the floor (5.4.22)"),
    "shoulder_slope": _m("Shoulder slope", "angle", "angle of the shoulder line below horizontal [rad] (5.5.1)"),
}

#: Names people type (measurement files, size tables) for the names above.
ALIASES: dict[str, str] = {
    "height": "stature",
    "weight": "body_mass",
    "mass": "body_mass",
    "bust": "bust_girth",
    "chest": "bust_girth",
    "chest_girth": "bust_girth",
    "underbust": "underbust_girth",
    "waist": "waist_girth",
    "trouser_waist": "waistband_girth",
    "waistband": "waistband_girth",
    "hip": "hip_girth",
    "hips": "hip_girth",
    "thigh": "thigh_girth",
    "knee": "knee_girth",
    "calf": "calf_girth",
    "ankle": "ankle_girth",
    "neck": "neck_girth",
    "upper_arm": "upper_arm_girth",
    "bicep": "upper_arm_girth",
    "wrist": "wrist_girth",
    "inseam": "crotch_height",
    "inside_leg": "crotch_height",
    "shoulder_width": "back_shoulder_width",
    "sleeve": "arm_length",
}

#: Landmarks that every body carries [m], in the body's current pose. ``_l``/``_r`` are the
#: wearer's left and right (left is +X).
LANDMARKS: tuple[str, ...] = (
    "head_top",
    "back_neck_point",
    "front_neck_point",
    "side_neck_point_l",
    "side_neck_point_r",
    "shoulder_point_l",
    "shoulder_point_r",
    "armpit_l",
    "armpit_r",
    "bust_point_l",
    "bust_point_r",
    "bust_front",
    "bust_back",
    "bust_side_l",
    "bust_side_r",
    "underbust_front",
    "waist_front",
    "waist_back",
    "waist_side_l",
    "waist_side_r",
    "hip_front",
    "hip_back",
    "hip_side_l",
    "hip_side_r",
    "crotch_point",
    "elbow_l",
    "elbow_r",
    "wrist_l",
    "wrist_r",
    "knee_l",
    "knee_r",
    "ankle_l",
    "ankle_r",
)


def band_drop(measurements: Mapping[str, Any]) -> float:
    """How far below the natural waist a waistband stays [m]; 0 where that is the waist, or unknown.

    Args:
        measurements: Numbers or ``engine.core.types.Measurement`` by name [m].
    """
    known = [measurements.get(name) for name in ("waist_height", "waistband_height")]
    if None in known:
        return 0.0
    waist, band = (float(getattr(value, "value", value)) for value in known)
    return waist - band if waist - band >= LEAST_DROP else 0.0
