"""What a size on a body is like, in figures: its ease against the intended one, in steps of a size, zone by zone.

Of one zone: ``deviation`` (ease less the intended ease; a size step is 4 % of a girth, 2.5 % of a length, or half the
intended ease where that is more: in a roomy cut a centimetre is not felt), ``beyond`` (what the cloth lacks though it
stretches as far as is comfortable), ``forgiven`` (a lack, times the stretch) and ``drape`` (what a simulated drape says
of strain and pressure). Overall: the same at the tightest zones (soft minimum), and the mean deviation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.measurements import MEASUREMENTS
from recsys.size_chart import SizeChart

__all__ = ["BodyEstimate", "FEATURES", "OVERALL", "PRIOR_MEAN", "PRIOR_SPREAD", "body_noise", "figures", "shape_of"]

#: (name, prior mean, prior spread) of the weights. The prior is a tailor's rule: a size too small is felt as tight by
#: four in ten, two sizes by most.
_OF_ZONE = (("deviation", 0.9, 0.4), ("beyond", 0.6, 0.3), ("forgiven", -0.25, 0.2), ("drape", 0.6, 0.3))
_OF_ALL = (("tightest", 0.6, 0.4), ("mean", 0.35, 0.3), ("beyond", 0.6, 0.3), ("forgiven", -0.25, 0.2),
           ("drape", 0.6, 0.3))  # fmt: skip
FEATURES = tuple(f"zone {n}" for n, *_ in _OF_ZONE) + tuple(f"overall {n}" for n, *_ in _OF_ALL)
#: a and b of the two pairs of cuts (overall, zone): three in four find the intended ease right.
_CUTS = ((1.2, 0.4),) * 4
PRIOR_MEAN = np.array([row[-2] for row in (*_OF_ZONE, *_OF_ALL, *_CUTS)])
PRIOR_SPREAD = np.array([row[-1] for row in (*_OF_ZONE, *_OF_ALL, *_CUTS)])
OVERALL = -1  #: index of the zone "overall"

STEP_GIRTH, STEP_LENGTH = 0.04, 0.025
FURTHEST = 6.0  #: steps beyond which a difference says no more
SHARPNESS = 1.5  #: of the soft minimum over zones
#: Intended ease as a share of the body's measure where the chart does not say it (usual day wear).
_USUAL_EASE = {
    "bust_girth": 0.08, "underbust_girth": 0.06, "waist_girth": 0.07, "waistband_girth": 0.07, "hip_girth": 0.06,
    "thigh_girth": 0.10, "knee_girth": 0.15, "upper_arm_girth": 0.18, "wrist_girth": 0.25, "neck_girth": 0.04,
}  # fmt: skip
#: Mean and spread of adults' proportions: log hip/waist, log bust/waist, log stature [m] (ANSUR II, both sexes).
_SHAPE = np.array([[0.16, 0.09], [0.12, 0.08], [0.53, 0.055]])
_RATIOS = (("hip_girth", "waist_girth"), ("bust_girth", "waist_girth"))


@dataclass(frozen=True)
class BodyEstimate:
    """A body at the chart's zones, as far as it is known.

    Attributes:
        value: [m], shape [zone].
        stderr: Standard error of each [m], shape [zone].
        shape: Standardised proportions, see ``shape_of``, shape [3].
    """

    value: np.ndarray
    stderr: np.ndarray
    shape: np.ndarray


def shape_of(values: dict[str, float]) -> np.ndarray:
    """Hip to waist, bust to waist and stature against other adults' [standard deviations], 0 where unknown."""
    logs = [np.log(values[a] / values[b]) if a in values and b in values else np.nan for a, b in _RATIOS]
    logs.append(np.log(values["stature"]) if "stature" in values else np.nan)
    return np.clip(np.nan_to_num((np.array(logs) - _SHAPE[:, 0]) / _SHAPE[:, 1]), -3, 3)


def figures(
    chart: SizeChart, rows: np.ndarray, zone: np.ndarray, body: np.ndarray, drape: np.ndarray | None = None
) -> np.ndarray:
    """Figures of sizes on bodies, 0 in the columns that do not apply.

    Args:
        rows: Rows of the chart, shape [n].
        zone: Zone of each, ``OVERALL`` for the whole garment, shape [n].
        body: Bodies [m], shape [n, zone].
        drape: What a drape says of each zone, 0 nothing, below 0 tight, shape [n, zone].

    Returns:
        Shape [n, len(FEATURES)].
    """
    deviation, beyond, forgiven = _of_zones(chart, rows, body)
    drape = np.zeros_like(body) if drape is None else drape
    parts = [deviation, beyond, forgiven, drape]
    out = np.zeros((len(rows), len(FEATURES)))
    here, n = zone >= 0, np.arange(len(rows))
    for column, part in enumerate(parts):
        out[here, column] = part[n[here], zone[here]]
    known = np.isfinite(deviation)
    at = np.where(known, np.exp(-SHARPNESS * np.where(known, deviation, 0)), 0)
    share = at / np.maximum(at.sum(1, keepdims=True), 1e-12)
    count = np.maximum(known.sum(1), 1)
    whole = [(share * np.nan_to_num(part)).sum(1) for part in parts]
    whole.insert(1, np.nan_to_num(deviation).sum(1) / count)
    for column, part in enumerate(whole, len(parts)):
        out[~here, column] = part[~here]
    return np.nan_to_num(out)


def body_noise(
    chart: SizeChart, rows: np.ndarray, zone: np.ndarray, body: np.ndarray, stderr: np.ndarray, weights: np.ndarray,
    drape: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Variance of the latent by what is not known of the body, to first order, zones taken as independent, [n]."""
    base, total = figures(chart, rows, zone, body, drape) @ weights, np.zeros(len(rows))
    for k in range(body.shape[1]):
        moved = body.copy()
        moved[:, k] += stderr[:, k]
        total += (figures(chart, rows, zone, moved, drape) @ weights - base) ** 2
    return total


def _of_zones(chart: SizeChart, rows: np.ndarray, body: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Deviation, lack and forgiven lack of each zone [steps], NaN where the chart does not have it, [n, zone]."""
    girth = np.array([MEASUREMENTS[z].kind == "girth" for z in chart.zones])
    usual = np.array([_USUAL_EASE.get(z, 0.08 if g else 0.0) for z, g in zip(chart.zones, girth, strict=True)])
    meant, cloth = chart.body[rows], chart.garment[rows]
    ease = np.where(np.isfinite(meant), (cloth - meant) / meant, usual)
    step = np.fmax(np.where(girth, STEP_GIRTH, STEP_LENGTH), ease / 2) * body
    stretch = np.minimum(chart.stretch[rows], 0.3)[:, None]
    deviation = np.clip((cloth - body * (1 + ease)) / step, -FURTHEST, FURTHEST)
    lack = np.clip(np.minimum((cloth * (1 + stretch) - body) / step, 0), -FURTHEST, 0)
    forgiven = np.minimum(deviation, 0) * stretch / 0.1
    return deviation, np.where(girth, lack, 0), np.where(girth, forgiven, 0)
