"""Fit of a draped garment, zone by zone: ease against the pattern's intent, strain, pressure, advice.

A garment's girth at a zone is measured on its *unstretched* cloth: the drape is cut by the zone's plane and the cut's
segments are summed in the flat rest shape. Ease = that girth - the body's girth, as a pattern maker counts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from engine.core.measurements import band_drop
from engine.core.mesh import unique_edges, weld_map
from engine.core.types import Body, Drape, Fabric, FitReport, Garment, ZoneFit
from engine.export.hem_level import hem_advice, hem_level
from engine.export.tension import drag_lines, seam_fits
from engine.export.waist_level import slid_advice

__all__ = ["comfort_stretch", "fit_report", "stretch_percent"]

#: SMPL-X joints that drive the arms and hands, and each leg.
ARMS = frozenset({16, 17, 18, 19, 20, 21, *range(25, 55)})
PEAK_STRETCH = 0.5  #: at which the drape itself is doubted, a part caught in the wrong place perhaps [-]
OPENING = 0.03  #: ends of a cut closer than this are the two edges of a closed opening [m]
#: Length of a cut, as it lies, over the body's girth, below which it does not go round that: a few folds of a hem that
#: lies there, or a neckband higher up, where the neck is thinner than at its base.
ROUND = 0.92
BAND = 0.03  #: half height of the strip in which strain and pressure are read [m]
#: Skin pressure that wearers call uncomfortable: about 4 kPa in clothing-comfort studies
#: (Denton 1972: discomfort at 5.9-9.8 kPa; Makabe 1993: waistbands above 3.9 kPa).
PRESSURE_LIMIT = 4000.0


@dataclass(frozen=True)
class Zone:
    """Where a girth is taken: a plane, the body parts that count, and the measurement to compare with."""

    name: str
    label: str
    measurement: str
    point: np.ndarray
    normal: np.ndarray
    part: str  #: torso, arm_l, arm_r, leg_l or leg_r


def _zones(body: Body, kind: str) -> list[Zone]:
    marks, up = body.landmarks, np.array([0.0, 1.0, 0.0])
    zones = []
    for name, label, mark in (
        ("bust_girth", "Bust / chest", "bust_front"),
        ("underbust_girth", "Underbust", "underbust_front"),
        ("waist_girth", "Waist", "waist_front"),
        ("hip_girth", "Hip", "hip_front"),
    ):
        if mark in marks:
            zones.append(Zone(name, label, name, marks[mark], up, "torso"))
        if name == "waist_girth" and (drop := band_drop(body.measurements)):
            zones.append(Zone("waistband_girth", "Waistband", "waistband_girth", marks[mark] - drop * up, up, "torso"))
    neck = (marks["side_neck_point_l"] + marks["side_neck_point_r"]) / 2
    tilt = marks["back_neck_point"] - marks["front_neck_point"]
    normal = np.cross(np.array([1.0, 0.0, 0.0]), tilt)
    normal *= np.sign(normal[1]) / max(np.linalg.norm(normal), 1e-9)
    zones.append(Zone("neck_base_girth", "Neck base", "neck_base_girth", neck + 0.01 * normal, normal, "neck"))
    for side, word in (("l", "left"), ("r", "right")):
        shoulder, elbow, wrist = (marks[f"{n}_{side}"] for n in ("shoulder_point", "elbow", "wrist"))
        upper, fore = elbow - shoulder, wrist - elbow
        arm = f"arm_{side}"
        zones += [
            Zone(
                f"upper_arm_girth_{side}", f"Upper arm, {word}", "upper_arm_girth", shoulder + 0.45 * upper, upper, arm
            ),
            Zone(f"elbow_girth_{side}", f"Elbow, {word}", "elbow_girth", elbow, wrist - shoulder, arm),
            Zone(
                f"wrist_girth_{side}",
                f"Wrist, {word}",
                "wrist_girth",
                wrist - 0.02 * fore / np.linalg.norm(fore),
                fore,
                arm,
            ),
        ]
        if kind == "trousers":
            knee, ankle = marks[f"knee_{side}"], marks[f"ankle_{side}"]
            top = marks["crotch_point"].copy()
            top[0] = (marks[f"hip_side_{side}"][0] + top[0]) / 2
            leg, thigh = f"leg_{side}", knee - top
            zones += [
                Zone(f"thigh_girth_{side}", f"Thigh, {word}", "thigh_girth", top + 0.12 * thigh, up, leg),
                Zone(f"knee_girth_{side}", f"Knee, {word}", "knee_girth", knee, up, leg),
                Zone(f"ankle_girth_{side}", f"Ankle, {word}", "ankle_girth", ankle + 0.1 * (knee - ankle), up, leg),
            ]
    return zones


def _parts(garment: Garment, drape: Drape, body: Body) -> np.ndarray:
    """Body part of each triangle as text (torso, neck, arm_l, arm_r), from panel names, else from the nearest skin."""
    centre = drape.positions[garment.faces].mean(1)
    _, near = cKDTree(body.contact_vertices).query(centre, workers=1)
    on_arm = np.isin(body.contact_segment[near], list(ARMS))
    names = [n.lower() for n in garment.panel_names]
    sleeve = np.array([any(w in n for w in ("sleeve", "cuff")) for n in names])
    collar = np.array([any(w in n for w in ("collar", "neckband", "stand", "turtle")) for n in names])
    is_arm = sleeve[garment.panel_id] if sleeve.any() else on_arm
    part = np.where(is_arm, np.where(centre[:, 0] > 0, "arm_l", "arm_r"), "torso")
    return np.where(collar[garment.panel_id], "neck", part)


def _rest_girth(zone: Zone, garment: Garment, positions: np.ndarray, use: np.ndarray) -> tuple[float, float]:
    """Unstretched and present length [m] of the cut of the triangles ``use`` by the zone's plane; (0, 0) if none."""
    faces = garment.faces[use]
    if not len(faces):
        return 0.0, 0.0
    height = (positions - zone.point) @ (zone.normal / np.linalg.norm(zone.normal))
    h = height[faces]
    cut = (h.min(1) < 0) & (h.max(1) >= 0)
    faces, h = faces[cut], h[cut]
    rest_ends, now_ends = [], []
    for i in range(3):
        a, b = h[:, i], h[:, (i + 1) % 3]
        crosses = (a < 0) != (b < 0)
        t = np.where(crosses, a / np.where(crosses, a - b, 1), np.nan)[:, None]
        va, vb = faces[:, i], faces[:, (i + 1) % 3]
        rest_ends.append(garment.rest_uv[va] * (1 - t) + garment.rest_uv[vb] * t)
        now_ends.append(positions[va] * (1 - t) + positions[vb] * t)

    def length(ends: list[np.ndarray]) -> float:
        points = np.stack(ends, 1)
        rows = np.arange(len(points))[:, None]
        order = np.argsort(np.isnan(points[..., 0]), axis=1, kind="stable")[:, :2]
        pair = points[rows, order]
        return float(np.nansum(np.linalg.norm(pair[:, 0] - pair[:, 1], axis=-1)))

    if not len(faces):
        return 0.0, 0.0
    return length(rest_ends), length(now_ends)


def _encircles(zone: Zone, garment: Garment, positions: np.ndarray, use: np.ndarray) -> bool:
    """Whether the cut runs all the way round: it ends nowhere, or only where another end is near (a closed front).

    A cut through a hem, or past the end of a sleeve, has ends far apart.
    """
    weld = weld_map(len(positions), garment.seam_pairs)
    faces = weld[garment.faces[use]]
    height = (positions - zone.point) @ (zone.normal / np.linalg.norm(zone.normal))
    level = np.zeros(weld.max() + 1)
    place = np.zeros((weld.max() + 1, 3))
    level[weld], place[weld] = height, positions
    edges, face_edges = unique_edges(faces)
    open_edge = np.bincount(face_edges.ravel(), minlength=len(edges)) == 1
    crossed = (level[edges[:, 0]] < 0) != (level[edges[:, 1]] < 0)
    if not crossed.any():
        return False
    a, b = edges[open_edge & crossed].T
    t = (level[a] / (level[a] - level[b]))[:, None]
    ends = place[a] * (1 - t) + place[b] * t
    if len(ends) == 0:
        return True
    if len(ends) == 1:
        return False
    nearest, _ = cKDTree(ends).query(ends, k=2, workers=1)
    return bool(nearest[:, 1].max() < OPENING)


def stretch_percent(strain: np.ndarray) -> np.ndarray:
    """Green strain in warp and weft -> engineering stretch [%], same shape."""
    return 100 * (np.sqrt(np.maximum(1 + 2 * strain, 0)) - 1)


def _weighted_percentile(values: np.ndarray, weights: np.ndarray, q: float) -> float:
    if not len(values):
        return 0.0
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(share, q * share[-1])])


def comfort_stretch(fabric: Fabric) -> float:
    """Stretch [-] that a fabric gives at a comfortable line tension of 25 N/m in the weft."""
    return float(np.clip(25.0 / max(fabric.stretch_weft, 1.0), 0.0, 0.20))


def _verdict(ease: float, sigma: float, intended: float | None, girth: float, stretch: float, pressure: float) -> str:
    """Names the fit. A difference counts when it is over 1.5 cm or 2 % of the girth, whichever is more."""
    room = max(0.015, 0.02 * girth)
    if ease < -stretch * girth - sigma or pressure > PRESSURE_LIMIT:
        return "too_tight"
    if intended is None:
        return "tight" if ease < -0.005 else "as_intended"
    if ease < intended - room:
        return "tight"
    return "loose" if ease > intended + room else "as_intended"


def _advice(zone: Zone, verdict: str, ease: float, intended: float | None, missing: float) -> str:
    if verdict == "as_intended":
        return ""
    target = intended if intended is not None else 0.0
    change = 100 * (target - ease)
    word = "Let out" if change > 0 else "Take in"
    seams = "the side seams" if zone.part == "torso" else "the seam"
    share = f" ({abs(change) / 4:.1f} cm at each of the four seam edges)" if zone.part == "torso" else ""
    lacking = f" The cloth lacks {100 * missing:.1f} cm here." if missing > 0 else ""
    return f"{word} {seams} at the {zone.label.lower()} by {abs(change):.1f} cm in all{share}.{lacking}"


def _zone_fit(
    zone: Zone, garment: Garment, drape: Drape, body: Body, fabric: Fabric, part: np.ndarray
) -> ZoneFit | None:
    measured = body.measurements.get(zone.measurement)
    if measured is None:
        return None
    side = zone.part[-1] if zone.part[-2] == "_" else ""
    if zone.part.startswith("leg"):
        x = drape.positions[garment.faces].mean(1)[:, 0] - body.landmarks["crotch_point"][0]
        use = (part == "torso") & ((x > 0) if side == "l" else (x < 0))
    else:
        use = part == zone.part
    if not _encircles(zone, garment, drape.positions, use):
        return None
    girth, now = _rest_girth(zone, garment, drape.positions, use)
    if now < ROUND * measured.value:
        return None
    centre = drape.positions[garment.faces].mean(1)
    normal = zone.normal / np.linalg.norm(zone.normal)
    strip = use & (np.abs((centre - zone.point) @ normal) < BAND)
    uv = garment.rest_uv[garment.faces[strip]]
    d1, d2 = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    area = 0.5 * np.abs(d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0])
    stretch = stretch_percent(drape.strain[strip, :2].max(1)) / 100
    pressure = drape.pressure[garment.faces[strip]].mean(1)
    mean_pressure = float(np.average(pressure, weights=area)) if len(area) else 0.0
    ease = girth - measured.value
    intended = garment.intended_ease.get(zone.measurement)
    give = comfort_stretch(fabric)
    missing = max(0.0, measured.value * (1 - give) - girth)
    p95 = _weighted_percentile(pressure, area, 0.95)
    verdict = _verdict(ease, measured.stderr, intended, measured.value, give, mean_pressure)
    return ZoneFit(
        zone=zone.name,
        label=zone.label,
        body=measured.value,
        body_stderr=measured.stderr,
        garment=girth,
        ease=ease,
        ease_intended=intended,
        strain_p95=_weighted_percentile(stretch, area, 0.95),
        pressure_mean=mean_pressure,
        pressure_p95=p95,
        verdict=verdict,
        missing=missing,
        advice=_advice(zone, verdict, ease, intended, missing),
    )


def fit_report(garment: Garment, drape: Drape, body: Body, fabric: Fabric) -> FitReport:
    """How a draped garment fits a body.

    Args:
        garment: The garment at the drape's resolution.
        drape: Its positions, strain and pressure on ``body``.
        body: The body with measurements and their standard errors.
        fabric: The garment's main fabric; its stretch decides what a negative ease means.

    Returns:
        Only zones that the garment goes all round are listed.
    """
    part = _parts(garment, drape, body)
    zones = [_zone_fit(z, garment, drape, body, fabric, part) for z in _zones(body, garment.kind)]
    zones = [z for z in zones if z is not None]
    short = [z for z in zones if z.missing > 0]
    tight = [z.label.lower() for z in zones if z.verdict in ("too_tight", "tight")]
    loose = [z.label.lower() for z in zones if z.verdict == "loose"]
    if short:
        words = ", ".join(f"{100 * z.missing:.1f} cm at the {z.label.lower()}" for z in short)
        summary = f"Too small for this body: it lacks {words}."
    elif tight or loose:
        parts = ([f"tighter than intended at {', '.join(tight)}"] if tight else []) + (
            [f"looser than intended at {', '.join(loose)}"] if loose else []
        )
        summary = f"The garment is {' and '.join(parts)}."
    else:
        summary = "The garment fits as intended."
    hem = hem_level(garment, drape, part)
    summary = " ".join(filter(None, (summary, hem_advice(hem), slid_advice(garment, drape, body))))
    warnings = tuple(dict.fromkeys(garment.warnings + drape.warnings))
    peak = drape.metrics.get("strain_max", 0.0)
    if peak > PEAK_STRETCH:
        warnings += (f"the cloth is stretched by {100 * peak:.0f} % somewhere, beyond what cloth bears: see the map",)
    if drape.status != "converged":
        warnings += (f"the drape is {drape.status.replace('_', ' ')}: read the figures with care",)
    seams = seam_fits(garment, drape)
    warnings += tuple(
        f"the seam between {' and '.join(s.panels)} carries {s.load_max:.0f} N/m: its yarns slip from "
        f"{s.slippage:.0f} N/m on" for s in seams if 0 < s.slippage < s.load_max
    )
    return FitReport(
        garment=garment.name, fabric=fabric.name, zones=tuple(zones), summary=summary, warnings=warnings, seams=seams,
        drag_lines=drag_lines(garment, drape), hem=hem,
    )
