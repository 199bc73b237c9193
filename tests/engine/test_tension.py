"""Principal tension, drag lines and seam loads on cloth whose stress is known."""

import dataclasses

import numpy as np
import pytest

from engine.core.types import Drape, Garment
from engine.export.fit_report import fit_report
from engine.export.report_html import write_report
from engine.export.tension import drag_lines, principal_tension, seam_fits
from tests.engine.test_fit_report import body, dressed, fabric


def sheet(stress, grain=np.pi / 2, stretch=(1.0, 1.0), turn=0.0):
    """A flat piece of 40 x 40 cm that faces +Z, stretched along weft and warp, then turned in its plane [rad]."""
    n = 21
    x, y = np.meshgrid(np.linspace(-0.2, 0.2, n), np.linspace(1.0, 1.4, n))
    uv = np.stack([x.ravel(), y.ravel()], 1)
    i = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate([np.stack([i, i + 1, i + n + 1], 1), np.stack([i, i + n + 1, i + n], 1)]).astype(np.int32)
    c, s = np.cos(turn), np.sin(turn)
    flat = (uv * stretch) @ np.array([[c, s], [-s, c]])
    points = np.column_stack([flat, np.zeros(len(uv))]).astype(np.float32)
    t, size = len(faces), len(uv)
    garment = Garment(
        uv.astype(np.float32), faces, points, np.zeros((0, 2), np.int32), np.zeros(0, np.int32), np.zeros(0),
        np.zeros(t, np.int32), np.zeros(size, np.int32), np.zeros(size, np.int32), np.array([grain]), np.ones(t),
        (fabric(),), ("front",), name="sheet",
    )  # fmt: skip
    drape = Drape(points, np.zeros((t, 3), np.float32), np.zeros(size, np.float32), "converged",
                  stress=np.tile(np.array(stress, np.float32), (t, 1)))
    return garment, drape


@pytest.mark.parametrize(("stress", "values", "way"), [
    ((50.0, 10.0, 0.0), (50.0, 10.0), (0, 1, 0)),  # the warp runs up
    ((10.0, 50.0, 0.0), (50.0, 10.0), (1, 0, 0)),
    ((0.0, 0.0, 30.0), (30.0, -30.0), (np.sqrt(0.5), np.sqrt(0.5), 0)),
])
def test_principal_tension_of_known_stress(stress, values, way):
    garment, drape = sheet(stress)
    tension, along = principal_tension(garment, drape)
    assert tension == pytest.approx(np.tile(values, (len(tension), 1)), rel=1e-4, abs=1e-3)
    assert np.abs(along @ np.array(way)) == pytest.approx(np.ones(len(along)), abs=1e-4)


def test_tension_is_over_the_width_as_it_hangs():
    """100 N/m of flat width along the weft, the cloth half again as long and a tenth narrower: 100 x 1.5 / (1.5 x 0.9)
    of the second Piola-Kirchhoff stress is the force over the present width."""
    garment, drape = sheet((0.0, 100.0 / 1.5, 0.0), stretch=(1.5, 0.9), turn=0.3)
    tension, way = principal_tension(garment, drape)
    assert tension[:, 0] == pytest.approx(np.full(len(tension), 100.0 / 0.9), rel=1e-4)
    assert np.abs(way @ [np.cos(0.3), np.sin(0.3), 0]) == pytest.approx(np.ones(len(way)), abs=1e-5)


def test_drag_lines_run_along_the_tension():
    garment, drape = sheet((0.0, 60.0, 0.0), turn=0.4)
    lines = drag_lines(garment, drape)
    assert 5 < len(lines) < 40
    for line in lines:
        way = line.points[-1] - line.points[0]
        assert 0.04 <= np.linalg.norm(way) <= 0.31
        assert abs(way @ [np.cos(0.4), np.sin(0.4), 0]) == pytest.approx(np.linalg.norm(way), rel=0.02)
        assert line.tension == pytest.approx(60.0, rel=1e-3) and line.panel == "front"


def test_even_or_weak_tension_draws_no_lines():
    for stress in ((60.0, 60.0, 0.0), (0.0, 15.0, 0.0), (-40.0, -1.0, 0.0)):
        assert drag_lines(*sheet(stress)) == ()
    garment, drape = sheet((0.0, 60.0, 0.0))
    assert drag_lines(garment, dataclasses.replace(drape, stress=np.zeros((0, 3), np.float32))) == ()


def test_seams_are_summed_up_and_held_against_the_yarns_slippage(tmp_path):
    garment, drape = dressed(0.15, 0.14)
    weak = dataclasses.replace(garment, fabrics=(fabric(seam_slippage=500.0),))
    load = np.linspace(0, 800, len(garment.seam_pairs)).astype(np.float32)
    drape = dataclasses.replace(drape, seam_load=load)
    (fit,) = seam_fits(garment, drape)
    assert fit.panels == ("front", "front") and fit.slippage == 0.0
    assert (fit.load_mean, fit.load_max) == (pytest.approx(400, rel=1e-3), pytest.approx(800))
    assert not any("slip" in w for w in fit_report(garment, drape, body(0.14), fabric()).warnings)
    report = fit_report(weak, drape, body(0.14), fabric())
    assert any("slip from 500 N/m" in w for w in report.warnings)
    value = write_report(tmp_path, [report], {}, {}, {})
    assert value["seams"] == [{"garment": "tube", "seam": "front", "load_mean_n_m": 400.0, "load_max_n_m": 800.0,
                               "slips_from_n_m": 500.0}]
    assert "What the seams carry" in (tmp_path / "fit_report.html").read_text()
