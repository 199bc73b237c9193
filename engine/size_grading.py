"""Sizes of Toile's own garments: each drafted for the body that the size is made for, and tried on by simulation.

The bodies of the sizes are those of EN 13402-3 (women's bust, waist and hip; men's chest and waist), at its middle
statures; all other measurements follow from the population.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine import pipeline
from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.types import Body, Fabric, FitReport
from engine.export.fit_report import comfort_stretch, fit_report
from engine.runtime import Run
from recsys.size_chart import SizeChart

__all__ = ["Graded", "grade", "tried_on"]

#: Bust, waist and hip girth [cm] by size; stature [cm].
_WOMEN = {
    "34": (80, 64, 88), "36": (84, 68, 92), "38": (88, 72, 96), "40": (92, 76, 100), "42": (96, 80, 104),
    "44": (100, 84, 108), "46": (104, 88, 112), "48": (110, 94, 117), "50": (116, 100, 122), "52": (122, 106, 127),
    "54": (128, 112, 132),
}  # fmt: skip
#: Chest and waist girth [cm] by size.
_MEN = {
    "44": (88, 76), "46": (92, 80), "48": (96, 84), "50": (100, 88), "52": (104, 92), "54": (108, 98),
    "56": (112, 104), "58": (116, 110), "60": (120, 116), "62": (126, 123), "64": (132, 130),
}  # fmt: skip
_STATURE = {"female": 1.68, "male": 1.78}
_GIRTHS = ("bust_girth", "waist_girth", "hip_girth")
NEAR = 2  #: sizes drafted on either side of the nearest
#: Where the strain beyond comfort [-], and the pressure [Pa] beyond what is not felt, count one size step.
STRAIN_STEP, PRESSURE_FELT, PRESSURE_STEP, MOST = 0.05, 2000.0, 2000.0, 3.0


@dataclass(frozen=True)
class Graded:
    """A garment in several sizes.

    Attributes:
        item: Its name in the chart.
        patterns: By size.
        chart: What the sizes measure, from the drafts: each zone's body and its designed ease.
    """

    item: str
    patterns: dict[str, Pattern]
    chart: SizeChart


def grade(name: str, options: Mapping[str, Any], fabric: Fabric, body: Body) -> Graded:
    """A library garment drafted in the sizes around the one whose body is nearest.

    Raises:
        InputError: no size of it can be drafted with these options.
    """
    from avatars.open_body import load_open_body
    from avatars.typed import body_from_measurements
    from garments import library

    model, sex = load_open_body(), "male" if body.sex == "male" else "female"
    table = _MEN if sex == "male" else _WOMEN
    patterns, meant, eases = {}, [], []
    refusal: InputError | None = None
    for size in _near(table, body, library.entry(name).kind):
        typed = {g: cm / 100 for g, cm in zip(_GIRTHS, table[size], strict=False)} | {"stature": _STATURE[sex]}
        standard = body_from_measurements(typed, sex=sex, model=model)
        try:
            pattern = library.draft(name, standard.measurements, standard.landmarks, **options)
        except InputError as error:
            refusal = error
            continue
        patterns[size] = replace(pattern, name=f"{pattern.name}_{size}")
        meant.append({zone: standard.measurements[zone].value for zone in pattern.intended_ease})
        eases.append(pattern.intended_ease)
    if not patterns:
        raise refusal or InputError("size.none", f"{name}: has no sizes", "choose another garment")
    zones = tuple(dict.fromkeys(zone for one in meant for zone in one))
    made_for = np.array([[one.get(zone, np.nan) for zone in zones] for one in meant])
    ease = np.array([[one.get(zone, np.nan) for zone in zones] for one in eases])
    n = len(patterns)
    chart = SizeChart(
        (name,), np.array([0, n]), tuple(patterns), zones, made_for + ease, made_for,
        np.full(n, comfort_stretch(fabric)),
    )  # fmt: skip
    return Graded(name, patterns, chart)


def _near(table: Mapping[str, tuple[int, ...]], body: Body, kind: str) -> list[str]:
    """Sizes around the nearest, by the girths that decide for such a garment."""
    first = 1 if kind in ("trousers", "skirt") else 0
    columns = range(first, len(next(iter(table.values()))))
    own = np.array([100 * body.measurements[_GIRTHS[c]].value for c in columns])
    sizes = list(table)
    off = [np.abs(np.array([table[s][c] for c in columns]) - own).sum() for s in sizes]
    at = int(np.argmin(off))
    return sizes[max(at - NEAR, 0) : at + NEAR + 1]


def tried_on(
    run: Run, body: Body, graded: Graded, size: str, fabric: str
) -> tuple[Graded, np.ndarray, FitReport]:
    """Drapes one size on a body.

    Args:
        fabric: Library name or file.

    Returns:
        The sizes with that one's cloth as it was measured on the drape; what strain and pressure say of each zone,
        0 nothing, -1 a size step too tight, shape [zone]; the fit report.
    """
    from engine.library_names import load_fabric
    from garments.formats import write_toile

    path = write_toile(Path(run.out) / f"{graded.item}_{size}.json", graded.patterns[size])
    look = pipeline.dress(run, body, garments=[str(path)], fabrics=[fabric])
    cloth = load_fabric(fabric)
    report = fit_report(look.garment, look.drape, body, cloth)
    chart, row = graded.chart, graded.chart.sizes.index(size)
    garment, meant, said = chart.garment.copy(), chart.body.copy(), np.zeros(len(chart.zones))
    ease = garment[row] / meant[row]
    for k, zone in enumerate(chart.zones):
        seen = [z for z in report.zones if z.zone.removesuffix("_l").removesuffix("_r") == zone]
        if seen:
            worst = min(seen, key=lambda z: z.ease)
            garment[row, k], meant[row, k] = worst.garment, worst.garment / ease[k]
            over = max(worst.strain_p95 - comfort_stretch(cloth), 0) / STRAIN_STEP
            pressed = max(worst.pressure_p95 - PRESSURE_FELT, 0) / PRESSURE_STEP
            said[k] = -min(over + pressed, MOST)
    return replace(graded, chart=replace(chart, garment=garment, body=meant)), said, report
