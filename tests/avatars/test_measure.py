"""The tape measure: against shapes whose girths are known, against itself, and for plain sense on bodies."""

import numpy as np
import pytest
import torch
import trimesh

from avatars.measure import measure, measure_vertices, measurement_jacobian, measuring_vertices
from avatars.measure_tape import Plane, girth, taut_line
from avatars.open_body import load_open_body, prior
from engine.core.measurements import MEASUREMENTS


def _tensor(a) -> torch.Tensor:
    return torch.as_tensor(np.asarray(a, np.float64))


@pytest.fixture(scope="module")
def women() -> tuple[np.ndarray, np.ndarray]:
    return prior(load_open_body(), "female")


def test_girth_of_a_cylinder_and_of_a_dented_one() -> None:
    tube = trimesh.creation.cylinder(radius=0.1, height=1.0, sections=256)
    plane = Plane(_tensor([0, 0, 0.1]), _tensor([0, 0, 1.0]))
    round_ = girth(_tensor(tube.vertices), tube.faces, plane)
    assert float(round_.length) == pytest.approx(2 * np.pi * 0.1, rel=1e-3)
    dented = tube.vertices.copy()
    dent = (dented[:, 0] > 0.09) & (np.abs(dented[:, 1]) < 0.04)
    dented[dent, 0] -= 0.05
    tape = girth(_tensor(dented), tube.faces, plane)  # a tape does not follow a dent
    chord = 2 * np.sqrt(0.1**2 - 0.0909**2)
    assert float(tape.length) < float(round_.length)
    assert float(tape.length) > 2 * np.pi * 0.1 * 0.86 + chord * 0.9


def test_taut_line_over_a_ball_is_an_arc() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.2)
    ends = (_tensor([-0.2, 0, 0]), _tensor([0.2, 0, 0]))
    line = taut_line(_tensor(ball.vertices), ball.faces, *ends, np.array([0, 0, 1.0]))
    assert float(line.length) == pytest.approx(np.pi * 0.2, rel=2e-3)


def test_the_waistband_lies_where_the_trunk_is_narrowest_from_the_waist_on_down() -> None:
    model = load_open_body()
    for sex in ("female", "male"):
        m = {k: v.value for k, v in measure(model, prior(model, sex)[0]).items()}
        drop = m["waist_height"] - m["waistband_height"]
        assert -1e-9 < drop < 0.0801
        assert m["waistband_girth"] <= m["waist_girth"] and m["back_waistband_width"] < m["waistband_girth"] / 2 + 0.02
        assert (drop > 0.02) == (sex == "male")


def test_every_measurement_is_there_and_sensible(women) -> None:
    m = {k: v.value for k, v in measure(load_open_body(), women[0]).items()}
    assert list(m) == list(MEASUREMENTS)
    expected = {  # mean women: ANSUR II and common size tables, wide margins
        "stature": (1.58, 1.68), "body_mass": (60, 80), "head_girth": (0.53, 0.58), "neck_girth": (0.31, 0.35),
        "bust_girth": (0.88, 1.0), "underbust_girth": (0.74, 0.88), "waist_girth": (0.74, 0.92),
        "hip_girth": (0.97, 1.1), "thigh_girth": (0.55, 0.68), "knee_girth": (0.34, 0.42), "calf_girth": (0.34, 0.41),
        "ankle_girth": (0.2, 0.24), "upper_arm_girth": (0.26, 0.33), "wrist_girth": (0.145, 0.17),
        "armscye_girth": (0.36, 0.46), "neck_base_girth": (0.36, 0.46), "back_neck_height": (1.34, 1.45),
        "crotch_height": (0.72, 0.82),
        "waist_height": (0.98, 1.08), "shoulder_length": (0.1, 0.14), "back_shoulder_width": (0.36, 0.44),
        "bust_point_distance": (0.16, 0.22), "back_waist_length": (0.34, 0.42), "arm_length": (0.5, 0.58),
        "shoulder_slope": (0.25, 0.5), "body_rise": (0.22, 0.3), "neck_to_bust_point": (0.24, 0.31),
    }  # fmt: skip
    off = {k: m[k] for k, (low, high) in expected.items() if not low <= m[k] <= high}
    assert not off
    assert m["knee_height"] < m["crotch_height"] < m["hip_height"] < m["waist_height"]
    assert m["waist_height"] < m["underbust_height"] < m["bust_height"] < m["shoulder_height"] < m["back_neck_height"]


def test_ansur_means_are_met() -> None:
    """The prior lies between soldiers and the heavier public, so lengths agree with ANSUR II closely."""
    means = {"female": (1.629, 1.403, 0.759), "male": (1.756, 1.518, 0.846)}
    for sex, (stature, cervicale, crotch) in means.items():
        m = measure(load_open_body(), prior(load_open_body(), sex)[0])
        assert m["stature"].value == pytest.approx(stature, abs=0.015)
        assert m["back_neck_height"].value == pytest.approx(cervicale, abs=0.015)
        assert m["crotch_height"].value == pytest.approx(crotch, abs=0.03)


def test_measurements_scale_with_the_body_and_ignore_where_it_stands(women) -> None:
    model = load_open_body()
    v = measuring_vertices(model, women[0])
    one, two = measure_vertices(model, v), measure_vertices(model, 1.1 * v + [0.0, 3.0, 0.0])
    for name, info in MEASUREMENTS.items():
        power = {"mass": 3, "angle": 0}.get(info.kind, 1)
        assert two[name].value == pytest.approx(one[name].value * 1.1**power, rel=5e-3), name


def test_jacobian_is_the_derivative(women) -> None:
    model = load_open_body()
    betas = women[0].copy()
    _, jacobian = measurement_jacobian(model, betas)
    for k in (0, 2, model.n_betas - 1):
        step = np.zeros(model.n_betas)
        step[k] = 1e-4
        up, down = measure(model, betas + step), measure(model, betas - step)
        slope = np.array([(up[n].value - down[n].value) / 2e-4 for n in MEASUREMENTS])
        assert np.abs(slope - jacobian[:, k]).max() < 2e-3 * max(1.0, np.abs(slope).max())


def test_random_people_have_finite_measurements() -> None:
    model = load_open_body()
    rng = np.random.default_rng(5)
    for sex in ("female", "male"):
        mean, covariance = prior(model, sex)
        for betas in rng.multivariate_normal(mean, covariance, 4):
            values = measure(model, betas)
            assert all(np.isfinite(v.value) and v.value > 0 for v in values.values())
            assert values["bust_girth"].value < 2 * values["stature"].value
