"""Where a waistband is cut to sit: at the natural waist, or at the narrowest place a little below it.

Many men are narrowest a hand's breadth below the natural waist. A band cut for the waist slides down there, and with it
the whole skirt or the trousers, whose rise and length are then that much too long. Trousers for men are therefore cut
from the level at which they are worn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.core.measurements import band_drop

__all__ = ["at_the_band"]


def at_the_band(
    measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None
) -> tuple[Mapping[str, Any], Mapping[str, Any] | None, str]:
    """A body whose waist is taken where a waistband stays.

    Args:
        measurements: Numbers or ``engine.core.types.Measurement`` by ISO name [m]. Without the waistband's girth,
            height and back width the natural waist is kept.
        landmarks: Points by name [m], or None.

    Returns:
        Measurements and landmarks of the waist at that level, and the name of its girth.
    """

    def value(name: str) -> float:
        return float(getattr(measurements[name], "value", measurements[name]))

    drop = band_drop(measurements)
    if not drop or any(name not in measurements for name in ("waistband_girth", "back_waistband_width")):
        return measurements, landmarks, "waist_girth"
    lower = {"waist_height": 1, "waist_to_hip": 1, "body_rise": 1, "outside_leg_length": 1, "total_crotch_length": 2}
    taken = {name: value(name) - times * drop for name, times in lower.items() if name in measurements}
    taken |= {"waist_girth": value("waistband_girth"), "back_waist_width": value("back_waistband_width")}
    marks = landmarks
    if landmarks is not None:
        down = np.array([0.0, drop, 0.0])
        marks = {n: np.asarray(p) - down if n.startswith("waist_") else p for n, p in landmarks.items()}
    return {**measurements, **taken}, marks, "waistband_girth"
