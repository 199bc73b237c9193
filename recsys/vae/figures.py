"""What is known of a garment beside its drawing: figures of its fabric, and of the body that it was drafted for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.core.pattern_types import Pattern
from engine.core.types import Fabric

__all__ = ["BODY", "FABRIC", "body_figures", "fabric_figures", "measured_figures", "nearest_fabric"]

#: Figures of a fabric, as decimal logarithms of SI units, and whether it is knitted.
FABRIC = ("areal_density", "thickness", "stretch_warp", "stretch_weft", "shear", "bend_warp", "bend_weft", "knit")
#: Of the body [m]: its girths, and what its levels and limbs are told by.
BODY = ("bust_girth", "waist_girth", "hip_girth", "waist_height", "back_waist_length", "arm_length")


def fabric_figures(fabric: Fabric) -> np.ndarray:
    """The figures named in ``FABRIC``, float32, shape [8]."""
    logs = [np.log10(max(getattr(fabric, name), 1e-9)) for name in FABRIC[:-1]]
    return np.array([*logs, float(fabric.weave == "knit")], np.float32)


def body_figures(pattern: Pattern) -> np.ndarray:
    """Measurements ``BODY`` of the body that a pattern was drafted for [m], NaN where it does not say, shape [6]."""
    return np.array([pattern.drafted_for.get(name, np.nan) for name in BODY], np.float32)


def measured_figures(measurements: Mapping[str, Any]) -> np.ndarray:
    """Measurements ``BODY`` of a body [m], NaN where it has none, float32, shape [6].

    Args:
        measurements: ISO names to metres or ``engine.core.types.Measurement``.
    """
    values = (measurements.get(name, np.nan) for name in BODY)
    return np.array([float(getattr(v, "value", v)) for v in values], np.float32)


def nearest_fabric(figures: np.ndarray, fabrics: Mapping[str, Fabric], scale: np.ndarray) -> str:
    """The name of the fabric whose figures are nearest.

    Args:
        figures: As of ``fabric_figures``, shape [8].
        scale: Spread by which each figure's distance is divided, shape [8].
    """
    return min(fabrics, key=lambda name: float(np.sum(((fabric_figures(fabrics[name]) - figures) / scale) ** 2)))
