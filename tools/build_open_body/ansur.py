"""ANSUR II rows as targets for the bodies' measurements, and as a model of people heavier than soldiers."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import InputError

__all__ = ["TARGETS", "Survey", "general_public", "read_ansur"]

#: ANSUR II column -> (measurement of the fit, factor). Flexed limbs are brought to relaxed ones.
TARGETS: dict[str, tuple[str, float]] = {
    "stature": ("stature", 1.0),
    "cervicaleheight": ("cervicale_height", 1.0),
    "suprasternaleheight": ("suprasternale_height", 1.0),
    "acromialheight": ("acromial_height", 1.0),
    "axillaheight": ("axilla_height", 1.0),
    "chestheight": ("bust_height", 1.0),
    "waistheightomphalion": ("navel_height", 1.0),
    "buttockheight": ("hip_height", 1.0),
    "crotchheight": ("crotch_height", 1.0),
    "kneeheightmidpatella": ("knee_height", 1.0),
    "headcircumference": ("head_girth", 1.0),
    "headlength": ("head_length", 1.0),
    "headbreadth": ("head_breadth", 1.0),
    "neckcircumference": ("neck_girth", 1.0),
    "chestcircumference": ("bust_girth", 1.0),
    "chestbreadth": ("chest_breadth", 1.0),
    "chestdepth": ("chest_depth", 1.0),
    "waistcircumference": ("navel_girth", 1.0),
    "waistbreadth": ("navel_breadth", 1.0),
    "waistdepth": ("navel_depth", 1.0),
    "buttockcircumference": ("hip_girth", 1.0),
    "hipbreadth": ("hip_breadth", 1.0),
    "buttockdepth": ("hip_depth", 1.0),
    "thighcircumference": ("thigh_girth", 1.0),
    "lowerthighcircumference": ("lower_thigh_girth", 1.0),
    "calfcircumference": ("calf_girth", 1.0),
    "anklecircumference": ("ankle_girth", 1.0),
    "bicepscircumferenceflexed": ("upper_arm_girth", 0.94),
    "forearmcircumferenceflexed": ("forearm_girth", 0.96),
    "wristcircumference": ("wrist_girth", 1.0),
    "biacromialbreadth": ("acromial_breadth", 1.0),
    "acromionradialelength": ("upper_arm_length", 1.0),
    "radialestylionlength": ("forearm_length", 1.0),
    "handlength": ("hand_length", 1.0),
    "footlength": ("foot_length", 1.0),
}


@dataclass(frozen=True)
class Survey:
    """People's measurements of one sex. Columns of ``values`` follow TARGETS."""

    values: np.ndarray  #: [m], shape [N, len(TARGETS)]
    weight: np.ndarray  #: [kg], shape [N]


def read_ansur(folder: Path) -> dict[str, Survey]:
    """Reads the two public CSV files, {female, male}."""
    out = {}
    for sex in ("female", "male"):
        path = folder / f"ANSUR_II_{sex.upper()}_Public.csv"
        try:
            with open(path, encoding="latin-1", newline="") as stream:
                rows = list(csv.DictReader(stream))
            values = np.array([[float(r[c]) * f for c, (_, f) in TARGETS.items()] for r in rows]) / 1000
            weight = np.array([float(r["weightkg"]) for r in rows]) / 10
        except FileNotFoundError:
            hint = "give --ansur the folder of the CSV files"
            raise InputError("ansur.missing", f"{path}: no such file", hint) from None
        except (KeyError, ValueError) as error:
            raise InputError("ansur.damaged", f"{path}: {error}", "use ANSUR II's public CSV files") from None
        out[sex] = Survey(values, weight)
    return out


def general_public(survey: Survey, sex: str, count: int, rng: np.random.Generator) -> Survey:
    """People as heavy as the public at large, by power laws of stature and weight fitted to the survey.

    BMI is log-normal (women 28.5 +- 7, men 28.5 +- 5.5, as in adults of NHANES), between 16 and 50. What the two do
    not explain is taken from a random person of the survey.
    """
    log = np.log(survey.values)
    stature = log[:, list(TARGETS).index("stature")]
    known = np.stack([np.ones_like(stature), stature, np.log(survey.weight)], axis=1)
    law = np.linalg.lstsq(known, log, rcond=None)[0]
    residual = log - known @ law
    spread = {"female": 7.0, "male": 5.5}[sex] / 28.5
    bmi = 28.5 * np.exp(rng.normal(-(spread**2) / 2, spread, count)).clip(16 / 28.5, 50 / 28.5)
    height = rng.normal(np.exp(stature).mean(), 1.1 * np.exp(stature).std(), count)
    weight = bmi * height**2
    drawn = np.stack([np.ones(count), np.log(height), np.log(weight)], axis=1) @ law
    values = np.exp(drawn + residual[rng.integers(len(residual), size=count)])
    values[:, list(TARGETS).index("stature")] = height
    return Survey(values, weight)
