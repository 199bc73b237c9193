"""The report on shapes whose answer is known: a tube of cloth around an elliptic body with two arms."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.core.types import Body, Drape, Fabric, Garment, Measurement
from engine.export.fit_report import fit_report, stretch_percent
from engine.export.hem_level import hem_level
from engine.export.report_html import write_report

LEVELS = {"bust": 1.25, "underbust": 1.15, "waist": 1.05, "hip": 0.85}


def fabric(**changes) -> Fabric:
    values = dict(
        name="poplin", label="Poplin", areal_density=0.12, thickness=0.0003, stretch_warp=5000.0, stretch_weft=3000.0,
        stretch_bias=1000.0, shear=300.0, bend_warp=1e-5, bend_weft=1e-5, bend_bias=1e-5, friction_static=0.4,
        friction_dynamic=0.3, damping=0.1,
    )
    return Fabric(**{**values, **changes})


def tube(radius: float, top: float, bottom: float, around: int = 64, rows: int = 40):
    """Vertices [m], faces and flat rest shape of a vertical tube; the rest shape is one rectangle, open at +Z."""
    angle = np.linspace(0, 2 * np.pi, around + 1)
    height = np.linspace(bottom, top, rows + 1)
    a, y = np.meshgrid(angle, height)
    points = np.stack([radius * np.sin(a), y, radius * np.cos(a)], -1).reshape(-1, 3).astype(np.float32)
    i = (np.arange(rows)[:, None] * (around + 1) + np.arange(around)).ravel()
    faces = np.concatenate([np.stack([i, i + 1, i + around + 2], 1), np.stack([i, i + around + 2, i + around + 1], 1)])
    return points, faces.astype(np.int32), a.ravel(), y.ravel()


def body(radius: float, stderr: float = 0.01) -> Body:
    points, faces, _, _ = tube(radius, 1.6, 0.4)
    girth = 2 * np.pi * radius
    marks = {f"{n}_front": np.array([0, y, radius]) for n, y in LEVELS.items()}
    for side, x in (("l", 1), ("r", -1)):
        marks |= {f"side_neck_point_{side}": np.array([0.06 * x, 1.5, 0]),
                  f"shoulder_point_{side}": np.array([0.2 * x, 1.45, 0]), f"elbow_{side}": np.array([0.4 * x, 1.25, 0]),
                  f"wrist_{side}": np.array([0.6 * x, 1.05, 0])}
    marks |= {"back_neck_point": np.array([0, 1.52, -0.06]), "front_neck_point": np.array([0, 1.46, 0.06])}
    zero = np.zeros((0, 3), np.float32)
    return Body(
        points, faces, np.zeros((55, 3), np.float32), np.zeros((len(points), 55), np.float32), points, faces,
        np.zeros(len(points), np.int32), np.zeros(10), np.zeros(10), np.zeros(3), np.zeros((21, 3)), zero, zero,
        np.zeros(3), marks, {f"{n}_girth": Measurement(girth, stderr, "fitted") for n in LEVELS},
    )  # fmt: skip


def dressed(garment_radius: float, body_radius: float, intended: float | None = 0.06, pressure: float = 0.0):
    """A garment whose cloth is ``garment_radius`` round at rest, lying on a body of ``body_radius``."""
    shown = max(garment_radius, body_radius + 0.002)
    points, faces, a, y = tube(shown, 1.4, 0.8)
    uv = np.stack([garment_radius * a, y], -1).astype(np.float32)
    n, t = len(points), len(faces)
    first = np.arange(0, n, 65)
    seam = np.stack([first, first + 64], 1).astype(np.int32)
    garment = Garment(
        uv, faces, points, seam, np.zeros(len(seam), np.int32), np.zeros(len(seam)), np.zeros(t, np.int32),
        np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(1), np.ones(t), (fabric(),), ("front",), name="tube",
        kind="top", intended_ease={} if intended is None else {f"{name}_girth": intended for name in LEVELS},
    )  # fmt: skip
    stretch = shown / garment_radius
    strain = np.tile(np.array([0.0, (stretch**2 - 1) / 2, 0.0], np.float32), (t, 1))
    return garment, Drape(points, strain, np.full(n, pressure, np.float32), "converged")


def test_ease_is_the_flat_girth_minus_the_body():
    garment, drape = dressed(0.15, 0.14)
    report = fit_report(garment, drape, body(0.14), fabric())
    zones = {z.zone: z for z in report.zones}
    assert set(zones) == {"bust_girth", "underbust_girth", "waist_girth", "hip_girth"}
    for zone in zones.values():
        assert zone.ease == pytest.approx(2 * np.pi * 0.01, abs=0.0005)
        assert zone.garment == pytest.approx(2 * np.pi * 0.15, abs=0.0005)
        assert zone.verdict == "as_intended" and zone.missing == 0 and zone.body_stderr == 0.01
    assert report.summary == "The garment fits as intended."


def test_a_stretched_garment_reports_its_unstretched_girth_and_what_is_missing():
    garment, drape = dressed(0.13, 0.14)
    report = fit_report(garment, drape, body(0.14), fabric())
    zone = report.zones[0]
    assert zone.garment == pytest.approx(2 * np.pi * 0.13, abs=0.0005)
    assert zone.strain_p95 == pytest.approx(0.142 / 0.13 - 1, abs=0.002)
    assert zone.verdict == "too_tight"
    assert zone.missing == pytest.approx(2 * np.pi * 0.01 - 25 / 3000 * zone.body, abs=1e-3)
    assert "lacks" in report.summary and "cm at the" in report.summary and "Let out" in zone.advice


def test_a_knit_forgives_what_a_woven_does_not():
    garment, drape = dressed(0.135, 0.14, intended=None)
    assert fit_report(garment, drape, body(0.14, 0.0), fabric()).zones[0].verdict == "too_tight"
    assert fit_report(garment, drape, body(0.14, 0.0), fabric(stretch_weft=150.0)).zones[0].verdict == "tight"


def test_pressure_alone_can_be_too_much():
    garment, drape = dressed(0.15, 0.14, pressure=9000.0)
    assert fit_report(garment, drape, body(0.14), fabric()).zones[0].verdict == "too_tight"


def test_loose_and_unknown_intent():
    garment, drape = dressed(0.17, 0.14)
    assert fit_report(garment, drape, body(0.14), fabric()).zones[0].verdict == "loose"
    garment, drape = dressed(0.17, 0.14, intended=None)
    zone = fit_report(garment, drape, body(0.14), fabric()).zones[0]
    assert zone.verdict == "as_intended" and zone.ease_intended is None and zone.advice == ""


def test_a_garment_that_does_not_go_round_has_no_girth_there():
    garment, drape = dressed(0.15, 0.14)
    half = drape.positions[garment.faces].mean(1)[:, 2] > 0
    open_one = Garment(**{**garment.__dict__, "faces": garment.faces[half], "panel_id": garment.panel_id[half]})
    drape = Drape(drape.positions, drape.strain[half], drape.pressure, "converged")
    assert fit_report(open_one, drape, body(0.14), fabric()).zones == ()


def test_a_cut_through_a_slanting_hem_has_no_girth():
    garment, drape = dressed(0.15, 0.14)
    slant = drape.positions.copy()
    slant[:, 1] += 0.3 * np.clip((1.0 - slant[:, 1]) / 0.2, 0, 1) * slant[:, 0]
    slanted = Drape(slant, drape.strain, drape.pressure, "converged")
    zones = {z.zone for z in fit_report(garment, slanted, body(0.14), fabric()).zones}
    assert "waist_girth" in zones
    low = body(0.14)
    low.landmarks["hip_front"] = np.array([0, 0.8, 0.14])
    zones = {z.zone for z in fit_report(garment, slanted, low, fabric()).zones}
    assert "hip_girth" not in zones


def test_stretch_percent():
    np.testing.assert_allclose(stretch_percent(np.array([0.0, (1.1**2 - 1) / 2])), [0, 10], atol=1e-9)


def test_html_and_json(tmp_path):
    garment, drape = dressed(0.13, 0.14)
    b = body(0.14)
    report = fit_report(garment, drape, b, fabric())
    pictures, facts = {"Front": np.zeros((8, 8, 3), np.uint8)}, {"Drape": "converged <b>"}
    value = write_report(tmp_path, [report], {}, pictures, facts)
    page = (tmp_path / "fit_report.html").read_text()
    assert json.loads((tmp_path / "fit_report.json").read_text()) == value
    assert value["zones"][0]["body_interval95_cm"][0] < value["zones"][0]["body_cm"]
    assert "too tight" in page and "data:image/jpeg" in page and "converged &lt;b&gt;" in page
    assert "http://" not in page and "https://" not in page


def test_an_outfits_report_has_every_garment(tmp_path):
    reports = []
    for name, girth in (("shirt", 0.15), ("jacket", 0.17)):
        garment, drape = dressed(girth, girth)
        reports.append(fit_report(replace(garment, name=name), drape, body(0.14), fabric()))
    value = write_report(tmp_path, reports, {}, {}, {})
    page = (tmp_path / "fit_report.html").read_text()
    assert [g["garment"] for g in value["garments"]] == ["shirt", "jacket"]
    ease = {(z["garment"], z["zone"]): z["ease_cm"] for z in value["zones"]}
    assert ease["jacket", "bust_girth"] > ease["shirt", "bust_girth"] > 0
    assert "Shirt: " in value["summary"] and "Jacket: " in value["summary"]
    assert "Zone by zone: shirt" in page and "Zone by zone: jacket" in page


@pytest.mark.parametrize(("tilt", "word"), [(0.0, ""), (0.3, "lengthen the front"), (-0.3, "lengthen the back")])
def test_a_hem_that_is_not_level_asks_for_length_where_it_rides_up(tilt, word):
    garment, drape = dressed(0.15, 0.14)
    tilted = drape.positions + np.outer(tilt * drape.positions[:, 2], [0, 1, 0]).astype(np.float32)
    report = fit_report(garment, replace(drape, positions=tilted), body(0.14), fabric())
    rise = tilt * 0.15 * 0.977  # mean cosine over 45 degrees in three sectors, each at its lowest point
    assert report.hem.front == pytest.approx(0.8 + rise, abs=0.005)
    assert report.hem.back == pytest.approx(0.8 - rise, abs=0.005)
    assert report.hem.side == pytest.approx(0.8, abs=0.01)
    assert word in report.summary and ("hem" in report.summary) == bool(word)


def test_trousers_have_no_one_hem():
    garment, drape = dressed(0.15, 0.14)
    part = np.full(len(garment.faces), "torso")
    assert hem_level(garment, drape, part) is not None
    assert hem_level(replace(garment, kind="trousers"), drape, part) is None


def test_a_hem_that_only_dips_below_a_level_does_not_go_round_it():
    garment, drape = dressed(0.15, 0.14)
    positions = drape.positions.copy()
    positions[:, 1] = np.maximum(positions[:, 1], 0.86)
    positions[10:12, 1] = 0.84
    zones = {z.zone for z in fit_report(garment, replace(drape, positions=positions), body(0.14), fabric()).zones}
    assert "hip_girth" not in zones and "waist_girth" in zones


@pytest.mark.parametrize(("sinks", "said"), [(0.02, False), (0.06, True)])
def test_a_waistband_that_slides_down_is_told(sinks, said):
    garment, drape = dressed(0.15, 0.14)
    garment = replace(garment, panel_names=("waistband",) * len(garment.panel_names))
    garment = replace(garment, positions=garment.positions + [0.0, 0.5, 0.0])  # placed far above the waist
    at_waist = drape.positions - [0.0, drape.positions[:, 1].mean() - LEVELS["waist"], 0.0]
    wearer = body(0.14)
    wearer = replace(wearer, landmarks=wearer.landmarks | {"waist_back": np.array([0, LEVELS["waist"], -0.14])})
    report = fit_report(garment, replace(drape, positions=at_waist - [0.0, sinks, 0.0]), wearer, fabric())
    assert ("slid down by 6 cm" in report.summary) == said


def test_the_waistbands_own_level_is_a_zone_on_bodies_narrowest_below_the_waist():
    garment, drape = dressed(0.15, 0.14)
    heights = {"waist_height": 1.05, "waistband_height": 1.0, "waistband_girth": 2 * np.pi * 0.14}
    wearer = body(0.14)
    wearer = replace(wearer, measurements=wearer.measurements | {k: Measurement(v, 0.0) for k, v in heights.items()})
    zones = {z.zone: z for z in fit_report(garment, drape, wearer, fabric()).zones}
    assert zones["waistband_girth"].ease == pytest.approx(2 * np.pi * 0.01, abs=1e-3)
    assert "waistband_girth" not in {z.zone for z in fit_report(garment, drape, body(0.14), fabric()).zones}
