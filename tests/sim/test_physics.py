"""The quick ones of benchmarks/sim/physics: the solver beside physics that can be looked up."""

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
import scenes
from test_elastic import nowhere

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks" / "sim"))

from physics import bending, discs, tension, touch  # noqa: E402

from garments.fabrics import fabric  # noqa: E402
from sim.cloth import stretch_tables  # noqa: E402
from sim.level import Level  # noqa: E402
from sim.solver import StepSettings  # noqa: E402


def test_the_elastica_is_the_tabled_one():
    """Against the values that shooting from the free end gives."""
    assert bending.elastica(1.0) == pytest.approx(0.1246, abs=2e-4)
    assert bending.elastica(8.0) == pytest.approx(0.8843, abs=5e-4)
    assert bending.elastica(50.0) == pytest.approx(3.7056, abs=3e-3)


@pytest.mark.parametrize(("gamma", "mesh"), [(1.0, "20"), (8.0, "50"), (8.0, "grid")])
def test_a_clamped_strip_hangs_as_the_elastica(gamma, mesh):
    value, _ = bending.cantilever(fabric("wool_suiting"), gamma, cells=16, mesh=mesh)
    assert value == pytest.approx(bending.elastica(gamma), rel=0.03)


@pytest.mark.parametrize("name", ["poplin", "jersey"])
def test_a_strip_pulls_with_the_fabrics_own_stiffness(name):
    strain, force = tension.pulled(fabric(name), 0.04)
    assert force == pytest.approx(fabric(name).stretch_warp * strain, rel=0.02)


def test_a_strip_pulls_along_its_measured_curve():
    curved = dataclasses.replace(fabric("wool_suiting"), stretch_curves={"warp": tension.CURVE})
    for wanted in (0.02, 0.05):
        strain, force = tension.pulled(curved, wanted)
        assert force == pytest.approx(np.interp(strain, *np.array(tension.CURVE).T), rel=0.02)


def test_a_bias_strip_pulls_as_its_least_energy_says():
    wool = fabric("wool_suiting")
    strain, force = tension.pulled(wool, 0.03, grain=np.pi / 4, length=0.4)
    assert force == pytest.approx(tension.bias_force(wool, strain), rel=0.02)
    assert tension.bias_force(wool, 1e-3) / 1e-3 == pytest.approx(wool.stretch_bias, rel=0.02)


def test_two_corners_carry_the_weight():
    up, weight, stray = tension.hanging(fabric("poplin"), corners=True)
    assert up == pytest.approx(weight, rel=0.005)
    assert stray < 0.005 * weight


def test_cloth_slips_at_the_angle_of_its_friction():
    wool = fabric("wool_suiting")
    angle = np.degrees(np.arctan(wool.friction_static))
    assert not touch.slides(wool, angle - 1.0)
    assert touch.slides(wool, angle + 1.0)


def test_pressure_and_friction_on_a_ball_are_the_weight_even_of_chiffon():
    up, _, weight = touch.carried(fabric("silk_chiffon"))
    assert up == pytest.approx(weight, rel=0.02)


def test_a_swinging_cloth_gains_no_energy():
    rise, lost = touch.energy_rise(fabric("poplin"), ball=False, steps=60)
    assert rise < 0.002 and lost > 0


def test_a_cloth_that_falls_on_a_ball_gains_no_energy():
    rise, lost = touch.energy_rise(fabric("poplin"), ball=True, steps=50)
    assert rise < 0.002 and lost > 0


def test_a_strip_on_edge_buckles_sideways_where_it_should():
    """The threshold by Timoshenko and Gere is for a strip without width; one of a sixteenth buckles 4 % later."""
    gamma = bending.buckling(fabric("wool_suiting"), cells=48, mesh="20")
    assert 0.97 < gamma / bending.BUCKLING_GAMMA < 1.1


def test_a_drape_coefficient_is_between_flat_and_plate():
    draped = discs.drape_disc(fabric("wool_suiting"), edge=0.015, speed=0.01, steps=200)
    assert 40 < discs.drape_coefficient(draped) < 70
    assert discs.folds(draped) > 3
    flat = dataclasses.replace(draped, positions=np.insert(draped.garment.rest_uv, 1, 0.0, axis=1))
    assert discs.drape_coefficient(flat) == pytest.approx(100, abs=0.1)


def test_friction_is_each_panels_own():
    rough = scenes.cotton(friction_static=0.6, friction_dynamic=0.5)
    smooth = scenes.cotton(friction_static=0.2, friction_dynamic=0.1)
    uv, faces, _ = scenes.rectangle(0.04, 0.04, 0.02)
    x = np.column_stack([uv, np.zeros(len(uv))])
    garment = scenes.assemble([(uv, faces, x), (uv, faces, x + [0, 0, 1])], [], rough)
    garment = dataclasses.replace(garment, fabrics=(rough, smooth))
    cloth = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool)).cloth
    half = len(uv)
    assert np.allclose(cloth.friction[:half], [0.6, 0.5]) and np.allclose(cloth.friction[half:], [0.2, 0.1])


def test_internal_damping_takes_the_energy_out_sooner():
    left = {}
    for damping in (0.0, 0.5):
        limp = dataclasses.replace(fabric("jersey"), damping=damping)
        uv, faces, (nx, _) = scenes.rectangle(0.06, 0.12, 0.02)
        garment = scenes.assemble([(uv, faces, np.column_stack([uv, np.zeros(len(uv))]))], [], limp)
        level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))
        level.solver.pin(np.arange(nx))
        settings = StepSettings(drag=0.0, dt=0.002, gravity=-9.81, tolerance=1e-4)
        left[damping] = sum(level.solver.step(settings).kinetic_energy for _ in range(30))
    assert left[0.5] < 0.9 * left[0.0]


def test_a_curve_with_a_slack_toe_keeps_the_energy_convex():
    soft = scenes.cotton(poisson=0.4, stretch_curves={"warp": ((0.0, 0.0), (0.05, 0.0), (0.1, 50.0))})
    linear, rows, curves = stretch_tables((soft,))
    assert rows.tolist() == [[0, -1]]
    slope = np.diff(curves[0, 1:]) * curves[0, 0]
    assert slope.min() > 0
    assert (linear[0, 0] + slope.min()) * linear[0, 1] > linear[0, 2] ** 2
