"""Measurements as people type and read them: centimetres, kilograms, degrees."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.measurements import ALIASES, MEASUREMENTS
from engine.core.safe_io import read_yaml
from engine.core.types import Body, Measurement

__all__ = ["read_measurements", "measurements_for_people"]

SEXES = ("female", "male", "neutral")


def read_measurements(path: str | Path) -> tuple[dict[str, float], str]:
    """Reads a YAML file of ``name: centimetres`` lines (``weight``: kg, ``sex``: female, male or neutral).

    Returns:
        Values in SI units by their canonical name where it is known (other names are left for the caller to refuse),
        and the sex.

    Raises:
        InputError: names the file and the field that is wrong.
    """
    values = read_yaml(path, what="measurements file")
    if not isinstance(values, dict) or not values:
        raise InputError(
            "measurements.shape", f"{path}: is not a list of 'name: centimetres' lines", "write e.g. 'stature: 172'"
        )
    sex = values.pop("sex", "neutral")
    if sex not in SEXES:
        raise InputError("measurements.sex", f"{path}: sex: '{sex}' is not known", f"one of {', '.join(SEXES)}")
    result: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
            raise InputError(
                "measurements.number", f"{path}: {name}: {value!r} is not a positive number", "give centimetres"
            )
        key = str(name).strip().lower().replace(" ", "_").replace("-", "_")
        key = key.removesuffix("_cm").removesuffix("_kg").removesuffix("_deg")
        key = ALIASES.get(key, key)
        if key in result:
            raise InputError("measurements.twice", f"{path}: {name}: {key} is given twice", "keep one of them")
        result[key] = _to_si(key, float(value))
    return result, sex


def _to_si(name: str, value: float) -> float:
    kind = MEASUREMENTS[name].kind if name in MEASUREMENTS else "length"
    return value if kind == "mass" else math.radians(value) if kind == "angle" else value / 100


def _row(name: str, m: Measurement) -> dict[str, Any]:
    info = MEASUREMENTS[name]
    factor, unit = {"mass": (1.0, "kg"), "angle": (180 / math.pi, "deg")}.get(info.kind, (100.0, "cm"))
    value, error = m.value * factor, m.stderr * factor
    return {
        "label": info.label,
        f"value_{unit}": round(value, 2),
        f"stderr_{unit}": round(error, 2),
        f"interval95_{unit}": [round(value - 1.96 * error, 2), round(value + 1.96 * error, 2)],
        "source": m.source,
    }


def measurements_for_people(body: Body) -> dict[str, Any]:
    """The body's measurements in cm (kg, degrees) with standard errors and 95 % intervals, by name."""
    return {name: _row(name, body.measurements[name]) for name in MEASUREMENTS if name in body.measurements}
