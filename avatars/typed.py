"""Bodies from a few typed measurements: the most likely shape of that sex which has them.

Maximum a posteriori under the population's Gaussian prior, by damped Gauss-Newton with the tape's exact derivatives.
What was not typed follows from the population, with the standard error that is left.
"""

from __future__ import annotations

import difflib
from pathlib import Path

import numpy as np

from avatars.body_model import BodyModel
from avatars.measure import measurement_jacobian
from avatars.open_body import load_open_body, make_body, prior
from engine.core.errors import InputError
from engine.core.measurements import ALIASES, MEASUREMENTS
from engine.core.safe_io import read_json, read_yaml
from engine.core.types import Body, Measurement

__all__ = ["body_from_measurements", "canonical_measurements", "fit_shape", "read_measurements"]

#: Standard error of what people type [m, kg or rad].
STDERR = {"girth": 0.002, "height": 0.002, "length": 0.003, "mass": 0.5, "angle": 0.02}

#: Values that adults can have, where wider or narrower than half to twice the mean [m, kg].
_RANGES = {
    "stature": (1.20, 2.30), "body_mass": (28.0, 250.0), "bust_girth": (0.60, 1.90), "underbust_girth": (0.55, 1.70),
    "waist_girth": (0.45, 2.00), "hip_girth": (0.60, 2.00), "thigh_girth": (0.30, 1.10), "neck_girth": (0.24, 0.60),
    "head_girth": (0.45, 0.68), "crotch_height": (0.50, 1.15), "shoulder_slope": (0.0, 0.9),
}  # fmt: skip
_ITERATIONS = 20
_RIDGE = 1e-4  #: keeps the prior's covariance invertible
_STRANGE = 9.0  #: standard deviations from the mean body beyond which nobody is
_APART = {"girth": 0.05, "height": 0.05, "length": 0.05, "mass": 8.0, "angle": 0.2}  #: further off is a contradiction


def body_from_measurements(
    values: dict[str, float], sex: str = "neutral", *, model: BodyModel | None = None, pose: str = "a_pose"
) -> Body:
    """The most likely body that has the typed measurements.

    Args:
        values: {name or alias: value} in metres, ``body_mass`` in kg, ``shoulder_slope`` in rad; at least one.
        sex: female, male or neutral.

    Returns:
        A body whose typed measurements are marked so and whose others carry standard errors.
    """
    model = model or load_open_body()
    wanted = canonical_measurements(values, model=model, sex=sex)
    betas, covariance, reached = fit_shape(model, wanted, sex=sex)
    mean, spread = prior(model, sex)
    strange = float(np.sqrt((betas - mean) @ np.linalg.solve(spread + _RIDGE * np.eye(len(mean)), betas - mean)))
    apart = {n: abs(reached[n] - v) / _APART[MEASUREMENTS[n].kind] for n, v in wanted.items()}
    if strange > _STRANGE or max(apart.values()) > 1:
        name, others = _odd_one_out(model, wanted, sex)
        raise InputError(
            "measurements.contradict",
            f"no adult has these measurements together: '{name}' {_shown(name, wanted[name])} stands out; "
            f"with the others it would be about {_shown(name, others)}",
            "check the numbers and their units",
        )
    typed = {n: Measurement(reached[n], STDERR[MEASUREMENTS[n].kind], "typed") for n in wanted}
    return make_body(model, betas, pose=pose, sex=sex, betas_covariance=covariance, typed=typed)


def fit_shape(
    model: BodyModel, wanted: dict[str, float], *, sex: str = "neutral", stderr: dict[str, float] | None = None
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Most likely betas for measurements by their full names.

    Args:
        wanted: {name: value} [m, kg, rad].
        stderr: standard errors where they are not those of typed values.

    Returns:
        Betas [n], their posterior covariance [n, n], and all measurements of that shape by name.
    """
    mean, spread = prior(model, sex)
    precision = np.linalg.inv(spread + _RIDGE * np.eye(len(mean)))
    names = list(wanted)
    rows = [list(MEASUREMENTS).index(n) for n in names]
    goal = np.array([wanted[n] for n in names])
    sigma = np.array([(stderr or {}).get(n, STDERR[MEASUREMENTS[n].kind]) for n in names])

    def look(at: np.ndarray) -> tuple[dict[str, float], np.ndarray, np.ndarray, float]:
        values, jacobian = measurement_jacobian(model, at)
        left = (goal - np.array([values[n] for n in names])) / sigma
        return values, jacobian[rows] / sigma[:, None], left, float(left @ left + (at - mean) @ precision @ (at - mean))

    betas = mean.copy()
    values, a, left, cost = look(betas)
    damping = 1e-3
    for _ in range(_ITERATIONS):
        normal = a.T @ a + precision
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), a.T @ left - precision @ (betas - mean))
        trial = look(betas + step)
        if trial[3] < cost:
            done = cost - trial[3] < 1e-3
            betas, damping = betas + step, damping / 4
            values, a, left, cost = trial
            if done:
                break
        else:
            damping *= 8
            if damping > 1e6:
                break
    return betas, np.linalg.inv(a.T @ a + precision), values


def _odd_one_out(model: BodyModel, wanted: dict[str, float], sex: str) -> tuple[str, float]:
    """The measurement least likely given the others, to first order, and what the others say it is."""
    mean, spread = prior(model, sex)
    values, jacobian = measurement_jacobian(model, mean)
    names = list(wanted)
    a = jacobian[[list(MEASUREMENTS).index(n) for n in names]]
    sigma = np.diag([STDERR[MEASUREMENTS[n].kind] ** 2 for n in names])
    inverse = np.linalg.inv(a @ spread @ a.T + sigma)
    pull = inverse @ np.array([wanted[n] - values[n] for n in names])
    worst = int(np.argmax(np.abs(pull) / np.sqrt(np.diag(inverse))))
    return names[worst], wanted[names[worst]] - pull[worst] / inverse[worst, worst]


def canonical_measurements(
    values: dict[str, float], *, model: BodyModel | None = None, sex: str = "neutral"
) -> dict[str, float]:
    """Full names and checked values; InputError names the field, and what would be allowed."""
    if not values:
        raise InputError("measurements.none", "no measurements were given", "give at least one, e.g. stature: 170")
    model = model or load_open_body()
    usual, _ = measurement_jacobian(model, prior(model, sex)[0])
    out: dict[str, float] = {}
    for given, value in values.items():
        name = _canonical(str(given))
        if name in out:
            raise InputError("measurements.twice", f"'{name}' is given twice (as '{given}' too)", "keep one of them")
        if isinstance(value, bool) or not isinstance(value, (int, float, np.floating, np.integer)):
            raise InputError("measurements.number", f"'{given}': '{value}' is not a number", "give a number")
        low, high = _RANGES.get(name, (0.5 * usual[name], 2.0 * usual[name]))
        if not np.isfinite(value) or not low <= value <= high:
            raise InputError(
                "measurements.range", f"'{given}': {_shown(name, float(value))} is not possible for an adult",
                f"allowed: {_shown(name, low)} to {_shown(name, high)}",
            )
        out[name] = float(value)
    return out


def read_measurements(path: str | Path) -> tuple[dict[str, float], str]:
    """Reads a measurement file (YAML or JSON): names to centimetres, kg for mass, degrees for angles; ``sex`` if known.

    Names may end in ``_cm`` or ``_kg``. Returns values in SI units and the sex (neutral when not given).
    """
    p = Path(path)
    reader = read_json if p.suffix.lower() == ".json" else read_yaml
    raw = reader(p, what="measurement file")
    if isinstance(raw, dict) and isinstance(raw.get("measurements"), dict):
        raw = {**raw["measurements"], **({"sex": raw["sex"]} if "sex" in raw else {})}
    if not isinstance(raw, dict) or not raw:
        raise InputError("measurements.file", f"{p}: is not a list of 'name: value' lines", "write e.g. stature: 170")
    sex = raw.pop("sex", "neutral")
    if sex not in ("female", "male", "neutral"):
        raise InputError("body.sex", f"{p}: sex '{sex}' is not known", "use female, male or neutral")
    out: dict[str, float] = {}
    for key, value in raw.items():
        name = str(key)
        for suffix in ("_cm", "_kg"):
            name = name.removesuffix(suffix)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError("measurements.number", f"{p}: '{key}': '{value}' is not a number", "give a number in cm")
        kind = MEASUREMENTS[_canonical(name)].kind
        out[name] = float(value) * {"mass": 1.0, "angle": np.pi / 180}.get(kind, 0.01)
    return out, sex


def _canonical(name: str) -> str:
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    plain = ALIASES.get(plain, plain)
    if plain in MEASUREMENTS:
        return plain
    known = [*MEASUREMENTS, *ALIASES]
    near = [k for k in known if sorted(k) == sorted(plain)] or difflib.get_close_matches(plain, known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else "the names are listed by 'toile measure --list'"
    raise InputError("measurements.name", f"'{name}' is not a measurement that Toile knows", hint)


def _shown(name: str, value: float) -> str:
    kind = MEASUREMENTS[name].kind
    if kind == "mass":
        return f"{value:.1f} kg"
    return f"{np.degrees(value):.0f} degrees" if kind == "angle" else f"{value * 100:.1f} cm"
