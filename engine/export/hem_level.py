"""Whether a garment hangs in balance: how high its hem lies in front, at the sides and behind.

A level hem, to 1 or 2 cm, is the trade's criterion of a balanced garment. One that rises in front lacks length over
the bust or belly; one that rises behind lacks it over the back or seat.
"""

from __future__ import annotations

import numpy as np

from engine.core.types import Drape, Garment, HemLevel

__all__ = ["LEVEL_WITHIN", "hem_advice", "hem_level"]

#: Differences of a hem that nobody calls uneven [m].
LEVEL_WITHIN = 0.02
SECTORS = 24  #: around the garment, 15 degrees each; the first has the centre front in its middle
#: Sectors of which each height is the mean: 45 degrees at the centres, 15 degrees at each side.
_PARTS = {"front": (23, 0, 1), "side": (6, 18), "back": (11, 12, 13)}


def hem_level(garment: Garment, drape: Drape, part: np.ndarray) -> HemLevel | None:
    """Heights of the hem of a top, skirt or dress over the floor; None for trousers and what is not all round.

    Args:
        part: body part of each triangle as text; only ``torso`` counts.
    """
    if garment.kind == "trousers" or not (part == "torso").any():
        return None
    points = drape.positions[np.unique(garment.faces[part == "torso"])].astype(np.float64)
    low = points[points[:, 1] < points[:, 1].min() + 0.3 * np.ptp(points[:, 1])]
    centre = (low.min(0) + low.max(0)) / 2
    azimuth = np.arctan2(points[:, 0] - centre[0], points[:, 2] - centre[2])
    sector = np.round(azimuth / (2 * np.pi / SECTORS)).astype(int) % SECTORS
    height = np.full(SECTORS, np.inf)
    np.minimum.at(height, sector, points[:, 1])
    levels = {name: float(height[list(chosen)].mean()) for name, chosen in _PARTS.items()}
    return HemLevel(**levels) if np.isfinite(list(levels.values())).all() else None


def hem_advice(hem: HemLevel | None) -> str:
    """What to alter where the hem is higher in front than behind or the other way round; nothing if it is level."""
    if hem is None or abs(hem.front - hem.back) <= LEVEL_WITHIN:
        return ""
    up, down = ("in front", "behind") if hem.front > hem.back else ("behind", "in front")
    where = "front" if hem.front > hem.back else "back"
    by = f"{100 * abs(hem.front - hem.back):.1f} cm"
    return (f"The hem hangs {by} higher {up} than {down}: if it is meant to be level, lengthen the {where} by {by} at "
            "the centre, running out to nothing at the side seams.")
