"""Fabrics: the library's ten and those that users bring, in SI units with the source of every figure."""

from __future__ import annotations

import dataclasses
import difflib
import math
import re
from functools import cache
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.safe_io import read_yaml
from engine.core.types import Fabric

__all__ = ["FABRIC_ALIASES", "LIBRARY_FILE", "RANGES", "fabric", "load_fabrics", "read_fabric"]

LIBRARY_FILE = Path(__file__).with_name("fabrics.yaml")

#: Smallest and largest plausible value of each figure and its unit; outside, the unit is most likely wrong.
RANGES: dict[str, tuple[float, float, str]] = {
    "areal_density": (0.008, 2.0, "kg/m2"),
    "thickness": (2e-5, 0.012, "m"),
    "stretch_warp": (3.0, 2e5, "N/m"),
    "stretch_weft": (3.0, 2e5, "N/m"),
    "stretch_bias": (1.0, 2e5, "N/m"),
    "shear": (0.5, 2e4, "N/m"),
    "bend_warp": (1e-8, 5e-3, "N m"),
    "bend_weft": (1e-8, 5e-3, "N m"),
    "bend_bias": (1e-8, 5e-3, "N m"),
    "friction_static": (0.0, 1.5, "-"),
    "friction_dynamic": (0.0, 1.5, "-"),
    "damping": (0.0, 1.0, "-"),
    "poisson": (0.0, 0.49, "-"),
    "seam_slippage": (0.0, 1e5, "N/m"),
    "roughness": (0.0, 1.0, "-"),
    "sheen": (0.0, 1.0, "-"),
    "opacity": (0.02, 1.0, "-"),
}
#: What people type by habit -> (our figure, factor to SI); named in hints only, never applied silently.
_HABITS = {"areal_density": "g/m2: divide by 1000", "thickness": "mm: divide by 1000",
           "bend_warp": "gf cm2/cm: multiply by 9.80665e-5", "bend_weft": "gf cm2/cm: multiply by 9.80665e-5",
           "bend_bias": "gf cm2/cm: multiply by 9.80665e-5", "shear": "gf/(cm deg): multiply by 56.19"}
_WEAVES = ("plain", "twill", "satin", "knit")
_OPTIONAL = {"poisson", "seam_slippage", "stretch_curves", "base_color", "roughness", "sheen", "opacity", "weave",
             "sources", "label", "stretch_bias", "bend_bias", "damping", "friction_dynamic"}
_FIELDS = tuple(f.name for f in dataclasses.fields(Fabric) if f.name not in ("name", "sources"))

#: Other names people use for the library's fabrics.
FABRIC_ALIASES: dict[str, str] = {
    "cotton": "poplin", "cotton_poplin": "poplin", "shirting": "poplin", "cotton_shirting": "poplin",
    "broadcloth": "poplin", "cotton_jersey": "jersey", "single_jersey": "jersey", "knit": "jersey",
    "wool": "wool_suiting", "suiting": "wool_suiting", "worsted": "wool_suiting", "silk": "silk_charmeuse",
    "charmeuse": "silk_charmeuse", "chiffon": "silk_chiffon", "jeans": "denim", "chino": "twill",
    "gabardine": "twill", "cotton_twill": "twill", "polyester_satin": "satin", "ponte_roma": "ponte",
    "double_knit": "ponte",
}


@cache
def _library() -> dict[str, Fabric]:
    data = read_yaml(LIBRARY_FILE, what="fabric library")
    return {name: _fabric(name, entry, str(LIBRARY_FILE)) for name, entry in data.items()}


def load_fabrics() -> dict[str, Fabric]:
    """The library's fabrics by name, in the order of the file."""
    return dict(_library())


def fabric(name: str) -> Fabric:
    """A library fabric by its name or a usual alias; InputError with the closest names for an unknown one."""
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = _library()
    key = FABRIC_ALIASES.get(key, key)
    if key in known:
        return known[key]
    close = difflib.get_close_matches(key, [*known, *FABRIC_ALIASES], n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"the fabrics are: {', '.join(known)}"
    raise InputError("fabric.unknown", f"there is no fabric '{name}'", hint)


def read_fabric(path: str | Path) -> Fabric:
    """Reads one fabric from a YAML file in the layout of the library's file.

    The file holds either the figures themselves or one fabric's name with the figures below it. A figure is a bare
    number or ``{value: number, source: text}``. Figures that the file leaves out and that follow from others
    (bias stretch and bending, dynamic friction) are derived, and their ``sources`` say so.
    """
    data = read_yaml(path, what="fabric file")
    if not isinstance(data, dict) or not data:
        raise InputError("fabric.layout", f"{path}: holds no fabric", "write lines such as 'areal_density: 0.15'")
    name = Path(path).stem
    if len(data) == 1 and isinstance(next(iter(data.values())), dict) and next(iter(data)) not in _FIELDS:
        name, data = next(iter(data.items()))
    elif "areal_density" not in data and all(isinstance(v, dict) and "areal_density" in v for v in data.values()):
        raise InputError(
            "fabric.several", f"{path}: holds {len(data)} fabrics", "put the one that you want in a file of its own"
        )
    return _fabric(str(data.pop("name", name)), data, str(path))


def _fabric(name: str, entry: Any, where: str) -> Fabric:
    if not isinstance(entry, dict):
        raise InputError("fabric.layout", f"{where}: '{name}' is not a list of figures", "write 'field: value' lines")
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key, item in entry.items():
        if key not in _FIELDS:
            close = difflib.get_close_matches(str(key), _FIELDS, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"the fields are: {', '.join(_FIELDS)}"
            raise InputError("fabric.unknown_field", f"{where}: fabric '{name}' has an unknown field '{key}'", hint)
        if isinstance(item, dict) and "value" in item:
            extra = set(item) - {"value", "source"}
            if extra:
                raise InputError(
                    "fabric.unknown_field", f"{where}: {name}.{key} has '{sorted(map(str, extra))[0]}' beside value "
                    "and source", "keep only value and source",
                )
            sources[key], item = str(item.get("source", "")), item["value"]
        values[key] = _checked(name, key, item, where)
    _derive(values, sources)
    missing = [f for f in _FIELDS if f not in values and f not in _OPTIONAL]
    if missing:
        raise InputError(
            "fabric.missing_field", f"{where}: fabric '{name}' lacks {', '.join(missing)}",
            "add them in SI units; 'toile fabrics' shows usual values",
        )
    values.setdefault("label", name)
    if values["friction_dynamic"] > values["friction_static"]:
        raise InputError(
            "fabric.friction", f"{where}: fabric '{name}' slides with more friction than it sticks with",
            "let friction_dynamic be at most friction_static",
        )
    return Fabric(name=name, sources={k: v for k, v in sources.items() if v}, **values)


def _checked(name: str, key: str, item: Any, where: str) -> Any:
    place = f"{where}: {name}.{key}"
    if key in RANGES:
        if isinstance(item, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?e[+-]?\d+", item.strip(), re.IGNORECASE):
            item = float(item)  # YAML 1.1 takes 4e-05 for text
        if isinstance(item, bool) or not isinstance(item, int | float):
            raise InputError("fabric.not_a_number", f"{place} is '{item}', not a number", "write a number alone")
        low, high, unit = RANGES[key]
        if not math.isfinite(item) or not low <= item <= high:
            habit = f"; if it is in {_HABITS[key]}" if key in _HABITS else ""
            raise InputError(
                "fabric.range", f"{place} is {item:g} {unit}; a cloth has {low:g} to {high:g} {unit}",
                f"give it in {unit}{habit}",
            )
        return float(item)
    if key == "weave":
        if item not in _WEAVES:
            raise InputError("fabric.weave", f"{place} is '{item}'", f"one of: {', '.join(_WEAVES)}")
        return item
    if key == "base_color":
        good = isinstance(item, list) and len(item) == 3
        if not good or not all(isinstance(c, int | float) and not isinstance(c, bool) and 0 <= c <= 1 for c in item):
            raise InputError("fabric.color", f"{place} is {item}", "give three linear RGB values, 0 to 1 each")
        return tuple(float(c) for c in item)
    if key == "stretch_curves":
        return _curves(item, place)
    return str(item)


def _curves(item: Any, place: str) -> dict[str, tuple[tuple[float, float], ...]]:
    hint = "write e.g. warp: [[0, 0], [0.02, 30], [0.05, 98]]: strain and force per width in N/m, both rising from 0"
    if not isinstance(item, dict) or not set(item) <= {"warp", "weft"}:
        raise InputError("fabric.curve", f"{place} is not a list of points for warp and weft", hint)
    curves = {}
    for direction, points in item.items():
        good = isinstance(points, list) and len(points) >= 2 and all(
            isinstance(p, list) and len(p) == 2
            and all(isinstance(v, int | float) and math.isfinite(v) and v >= 0 for v in p) for p in points
        )
        if not good or any(b[0] <= a[0] or b[1] < a[1] for a, b in zip(points, points[1:], strict=False)):
            raise InputError("fabric.curve", f"{place}.{direction} is not a rising curve", hint)
        curves[direction] = tuple((float(s), float(f)) for s, f in points)
    return curves


def _derive(values: dict[str, Any], sources: dict[str, str]) -> None:
    """Fills what follows from other figures: orthotropic bias stretch, Peirce's bias bending, dynamic friction."""
    if "stretch_bias" not in values and {"stretch_warp", "stretch_weft", "shear"} <= values.keys():
        values["stretch_bias"] = 4 / sum(1 / values[k] for k in ("stretch_warp", "stretch_weft", "shear"))
        sources["stretch_bias"] = "derived: 4 / (1/warp + 1/weft + 1/shear)"
    if "bend_bias" not in values and {"bend_warp", "bend_weft"} <= values.keys():
        values["bend_bias"] = 4 / (values["bend_warp"] ** -0.5 + values["bend_weft"] ** -0.5) ** 2
        sources["bend_bias"] = "derived from warp and weft by the formula of Peirce 1930"
    if "friction_dynamic" not in values and "friction_static" in values:
        values["friction_dynamic"] = 0.8 * values["friction_static"]
        sources["friction_dynamic"] = "derived: 0.8 of the static one"
    if "damping" not in values:
        values["damping"] = 0.05
        sources["damping"] = "default"
