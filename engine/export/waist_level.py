"""Whether a skirt or trousers stay up: where the waistband hangs, against where it was cut to sit."""

from __future__ import annotations

import numpy as np

from engine.core.measurements import band_drop
from engine.core.types import Body, Drape, Garment

__all__ = ["slid_advice", "slid_by"]

BAND = ("waistband", "wb_")  #: in the names of panels that are waistbands (``wb_`` in GarmentCode's)
SLID = 0.035  #: a band that comes to rest so far down is not where it was cut to sit [m]


def slid_by(garment: Garment, drape: Drape, body: Body) -> float:
    """How far a waistband hangs below the level where it was placed, or where the body holds one [m].

    The less of the two: a pattern of another body may be placed too high, or be cut to sit low. 0 without a waistband.
    """
    band = [k for k, name in enumerate(garment.panel_names) if any(word in name for word in BAND)]
    mine = np.isin(garment.vertex_panel, band)
    if not mine.any() or "waist_front" not in body.landmarks:
        return 0.0
    now = float(drape.positions[mine, 1].mean())
    waist = float(np.mean([body.landmarks[name][1] for name in ("waist_front", "waist_back")]))
    waist -= band_drop(body.measurements)
    return min(float(garment.positions[mine, 1].mean()), waist) - now


def slid_advice(garment: Garment, drape: Drape, body: Body) -> str:
    """What to do about a waistband that has slid down; nothing if it stays."""
    by = slid_by(garment, drape, body)
    if by <= SLID:
        return ""
    return (f"The waistband has slid down by {100 * by:.0f} cm, and the hems with it: take it in until it stays, or "
            "hold it with a belt or braces.")
