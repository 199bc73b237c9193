"""The fit itself, without any photo: silhouettes of known bodies must give their girths back."""

import dataclasses

import numpy as np
import pytest

from avatars.contours import trace
from avatars.fit import _knowledge, _settings, body_arrays, contour_weight, fit_photos
from avatars.fit_model import CENTRE, FOCAL, ORIENT, PARAMETERS, POSE, View, project_points, project_with_jacobian
from avatars.fit_model import view_parameters as parameters
from avatars.fit_silhouette import Topology, outline
from avatars.fit_solver import Observation, Problem
from avatars.landmarks33 import load_regressor
from avatars.measure import measure, measurement_jacobian
from avatars.open_body import load_open_body, prior
from engine.core.errors import InputError
from engine.core.measurements import MEASUREMENTS

SIZE, FOCAL_PX = (600, 800), 780.0
BASES = {
    "front": np.diag([1.0, -1.0, -1.0]),
    "side": np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]),
}
GIRTHS = ("bust_girth", "waist_girth", "hip_girth", "thigh_girth")
#: [m]; the arms hide the back of the chest from the side, so the prior has a say in the bust
ALLOWED = {"bust_girth": 0.015, "waist_girth": 0.010, "hip_girth": 0.013, "thigh_girth": 0.010}


@pytest.fixture(scope="module")
def model():
    return load_open_body()


@pytest.fixture(scope="module")
def body(model):
    return body_arrays(model)


def first_view(name):
    mean, std = parameters(name)
    mean[CENTRE], std[CENTRE], std[FOCAL] = (0.0, 0.35, 3.0), (1.0, 1.0, 2.0), 0.03
    return View(name, SIZE, FOCAL_PX, BASES[name], mean.copy(), 0.9, mean, std)


def exact_mask(pixels, faces, samples=4):
    """Coverage of a projected mesh by testing sample points against its triangles: no drawing routine's rounding."""
    w, h = SIZE[0] * samples, SIZE[1] * samples
    grid = np.zeros((h, w), bool)
    corners = pixels[faces] * samples - 0.5
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    low, high = np.floor(corners.min(1)).astype(int), np.ceil(corners.max(1)).astype(int)
    for k in np.nonzero(area < 0)[0]:
        (x0, y0), (x1, y1) = np.maximum(low[k], 0), np.minimum(high[k], [w - 1, h - 1])
        if x1 < x0 or y1 < y0:
            continue
        x, y = np.arange(x0, x1 + 1)[None], np.arange(y0, y1 + 1)[:, None]
        inside = True
        for p, q in ((a[k], b[k]), (b[k], c[k]), (c[k], a[k])):
            inside = inside & ((q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0]) <= 0)
        grid[y0 : y1 + 1, x0 : x1 + 1] |= inside
    return grid.reshape(SIZE[1], samples, SIZE[0], samples).mean((1, 3)).astype(np.float32)


def photographed(body, betas, name, rng):
    """What a perfect cut-out of this body would show, and a view that has not seen it yet."""
    truth, regressor = first_view(name), load_regressor()
    truth.q[ORIENT] += rng.normal(0, (0.03, 0.05, 0.01))
    truth.q[CENTRE] += rng.normal(0, (0.05, 0.03, 0.1))
    truth.q[FOCAL] += rng.normal(0, 0.02)
    truth.q[POSE] += rng.normal(0, 0.3, len(truth.q[POSE])) * truth.prior_std[POSE]
    for leg in truth.standing()[1][1:]:  # stands with flat soles
        bends = np.nonzero(leg)[0]
        truth.q[bends[-1]] = -truth.q[bends[:-1]].sum()
    pixels = project_points(body, betas, truth, slice(None), regressor.matrix)
    vertices, marks = pixels[: len(body.template)], pixels[len(body.template) :]
    contour = trace(exact_mask(vertices, body.faces))
    contour = dataclasses.replace(contour, std=np.full(len(contour.points), 0.3))
    std = regressor.std[0 if name == "front" else 1]
    noise = rng.normal(0, 0.5, marks.shape) * std[:, None] * FOCAL_PX / 3.0
    return first_view(name), Observation(contour, marks + noise, std, 2.0)


def fitted(model, body, betas, names, seed, *, photographed_body=None, **options):
    rng = np.random.default_rng(seed)
    seen = [photographed(photographed_body or body, betas, name, rng) for name in names]
    real = measure(model, betas)
    knowledge = _knowledge(model, "neutral", real["stature"].value, options.get("weight"), photos=len(names))
    problem = Problem(
        body, [v for v, _ in seen], [o for _, o in seen], knowledge, load_regressor().matrix, contour_weight(body),
        _settings(len(names)),
    )  # fmt: skip
    first = problem.solve()
    return real, problem.refine(first.betas)


def drawn(model, seed, spread=0.8):
    mean, covariance = prior(model, "female" if seed % 2 else "male")
    return mean + spread * np.linalg.cholesky(covariance) @ np.random.default_rng(seed).normal(size=len(mean))


@pytest.mark.parametrize("seed", [3, 4])
def test_two_silhouettes_give_the_girths_back(model, body, seed):
    betas = drawn(model, seed)
    real, solution = fitted(model, body, betas, ("front", "side"), seed)
    found = measure(model, solution.betas)
    for name in GIRTHS:
        assert found[name].value == pytest.approx(real[name].value, abs=ALLOWED[name]), name
    assert found["stature"].value == pytest.approx(real["stature"].value, abs=0.006)
    assert max(solution.contour_rms) < 0.0025
    assert min(solution.matched) > 0.6


def test_one_silhouette_is_less_certain(model, body):
    betas = drawn(model, 4)
    real, both = fitted(model, body, betas, ("front", "side"), 4)
    _, front = fitted(model, body, betas, ("front",), 4)
    _, jacobian = measurement_jacobian(model, betas)
    names = list(MEASUREMENTS)
    for name in GIRTHS[:3]:
        row = jacobian[names.index(name)]
        wide, narrow = (np.sqrt(row @ s.covariance @ row) for s in (front, both))
        assert wide > 1.2 * narrow
        assert abs(measure(model, front.betas)[name].value - real[name].value) < 4 * wide


def test_outline_of_one_photo_does_not_bend_the_depth(model, body):
    """Folds of flesh that the shape space lacks, seen from the front alone, say nothing of the depth."""
    betas = drawn(model, 4)
    folded = body_arrays(model)
    trunk = np.abs(folded.template[:, 0]) < 0.22
    folded.template[trunk, 0] *= 1 + 0.025 * np.sin(2 * np.pi * folded.template[trunk, 1] / 0.16)
    smooth, folds = (
        measure(model, fitted(model, body, betas, ("front",), 4, photographed_body=b)[1].betas) for b in (body, folded)
    )
    for name in GIRTHS[:3]:
        assert folds[name].value == pytest.approx(smooth[name].value, abs=0.015), name


def test_jacobian_agrees_with_differences(model, body):
    rng = np.random.default_rng(0)
    betas = 0.5 * rng.normal(size=model.n_betas)
    view = first_view("side")
    view.q = view.q + 0.05 * rng.normal(size=PARAMETERS)
    ids, regressor = rng.integers(0, len(body.template), 60), load_regressor().matrix
    _, slopes = project_with_jacobian(body, betas, view, ids, regressor, np.arange(PARAMETERS))
    for column in (0, 7, 30, model.n_betas + 2, model.n_betas + 5, model.n_betas + FOCAL, model.n_betas + 40):
        ends = []
        for sign in (1e-5, -1e-5):
            b, q = betas.copy(), view.q.copy()
            (b if column < len(b) else q)[column if column < len(b) else column - len(b)] += sign
            ends.append(project_points(body, b, dataclasses.replace(view, q=q), ids, regressor))
        assert np.allclose((ends[0] - ends[1]) / 2e-5, slopes[..., column], atol=0.02)


def test_posing_agrees_with_the_body_model(model, body):
    import torch

    rng = np.random.default_rng(1)
    betas, view = rng.normal(size=model.n_betas), first_view("front")
    view.q = view.q + 0.1 * rng.normal(size=PARAMETERS)
    orient, pose = body.angles(view.q)
    vertices, joints = (
        x[0].numpy() for x in model.forward(
            torch.tensor(betas)[None], global_orient=torch.tensor(orient)[None], body_pose=torch.tensor(pose)[None]
        )
    )  # fmt: skip
    mine, my_joints = body.posed(betas, view.q, view.base)
    assert np.allclose((vertices - joints[0]) @ view.base.T, mine - my_joints[0], atol=2e-6)


def test_outline_lies_on_the_border_of_the_mask(body):
    view = first_view("front")
    view.q[CENTRE] = (0.0, 0.35, 3.0)
    pixels = project_points(body, np.zeros(body.shape_count), view, slice(None), np.zeros((0, 55)))
    line = outline(pixels, Topology(body.faces))
    mask = exact_mask(pixels, body.faces)
    middle = 0.5 * (line.a + line.b)
    for sign, level in ((2.5, 0), (-2.5, 1)):
        x, y = np.floor(middle + sign * line.normals).astype(int).T
        assert (np.abs(mask[y, x] - level) < 0.5).mean() > 0.97


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"height": 0.5}, "fit.height"),
        ({"height": float("nan")}, "fit.height"),
        ({"height": 172.0}, "fit.height"),
        ({"height": 1.72, "weight": 3.0}, "fit.weight"),
        ({"height": 1.72, "sex": "x"}, "fit.sex"),
        ({"height": 1.72}, "photo.none"),
    ],
)
def test_wrong_numbers_are_refused(options, code):
    with pytest.raises(InputError) as caught:
        fit_photos(None if code == "photo.none" else "a.jpg", None, **options)
    assert caught.value.code == code
    assert caught.value.hint
