"""Bodies made from the open body: surface, floor, landmarks, contact surface."""

import numpy as np
import pytest
import trimesh
from scipy.spatial import cKDTree

from avatars.contact_surface import self_intersections, untangle
from avatars.measure_topology import topology_of
from avatars.open_body import load_open_body, make_body, prior
from engine.core.errors import InputError
from engine.core.measurements import LANDMARKS, MEASUREMENTS
from engine.core.types import Body

SHAPES = ("mean_woman", "mean_man", "heavy", "slight")


@pytest.fixture(scope="module")
def bodies() -> dict[str, Body]:
    """A few shapes in the draping pose; the heavy and the slight one two standard deviations off."""
    model = load_open_body()
    out = {}
    for name, sex in (("mean_woman", "female"), ("mean_man", "male")):
        out[name] = make_body(model, prior(model, sex)[0], sex=sex)
    mean, covariance = prior(model, "female")
    value, vector = np.linalg.eigh(covariance)
    broad = vector[:, -1] * np.sqrt(value[-1])
    two = [make_body(model, mean + 2 * s * broad, sex="female") for s in (-1, 1)]
    two.sort(key=lambda b: b.measurements["body_mass"].value)
    out["slight"], out["heavy"] = two
    return out


@pytest.mark.parametrize("shape", SHAPES)
def test_contact_surface_is_closed_and_does_not_cut_itself(shape: str, bodies: dict[str, Body]) -> None:
    body = bodies[shape]
    surface = trimesh.Trimesh(body.contact_vertices, body.contact_faces, process=False)
    assert surface.is_watertight and surface.is_winding_consistent and surface.volume > 0.02
    assert surface.euler_number == 2
    pairs = self_intersections(body.contact_vertices, body.contact_faces, topology_of(load_open_body()).creases)
    assert len(pairs) == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_stands_on_the_floor_facing_forward(shape: str, bodies: dict[str, Body]) -> None:
    body = bodies[shape]
    assert abs(min(body.vertices[:, 1].min(), body.contact_vertices[:, 1].min())) < 1e-6
    mark = body.landmarks
    assert set(mark) == set(LANDMARKS) and all(np.isfinite(p).all() for p in mark.values())
    assert mark["bust_front"][2] > mark["bust_back"][2]
    assert mark["shoulder_point_l"][0] > 0 > mark["shoulder_point_r"][0]
    assert mark["hip_back"][2] < mark["hip_front"][2]
    down = mark["elbow_l"] - mark["shoulder_point_l"]
    assert np.degrees(np.arctan2(-down[1], down[0])) == pytest.approx(45, abs=12)
    ankles = body.joints[7] - body.joints[8]
    assert ankles[0] > 0.12


@pytest.mark.parametrize("shape", SHAPES)
def test_landmarks_lie_on_the_skin(shape: str, bodies: dict[str, Body]) -> None:
    body = bodies[shape]
    skin = np.concatenate([body.vertices, body.vertices[body.faces].mean(1)])
    distance, _ = cKDTree(skin).query(np.stack(list(body.landmarks.values())))
    for name, d in zip(body.landmarks, distance, strict=True):
        bridged = name.startswith(("bust_", "hip_", "waist_", "underbust_"))  # a tape spans hollows
        assert d < (0.04 if bridged else 0.012), name


def test_uncertain_shapes_have_uncertain_measurements() -> None:
    model = load_open_body()
    sure = make_body(model, np.zeros(3))
    unsure = make_body(model, np.zeros(3), betas_std=np.full(3, 0.5))
    assert set(sure.measurements) == set(MEASUREMENTS)
    assert sure.measurements["waist_girth"].stderr == 0
    assert 0.001 < unsure.measurements["waist_girth"].stderr < 0.2


def test_priors_of_the_sexes_differ_and_unknown_ones_are_named() -> None:
    model = load_open_body()
    woman, man = prior(model, "female")[0], prior(model, "male")[0]
    assert np.abs(woman - man).max() > 0.5
    with pytest.raises(InputError, match="sex 'x'"):
        prior(model, "x")


def test_untangling_parts_two_crossed_sheets() -> None:
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.1)
    v = ball.vertices.copy()
    v[(v[:, 0] > 0.08)] -= [0.19, 0, 0]  # push one cap through the other side
    faces = np.asarray(ball.faces)
    assert len(self_intersections(v, faces)) > 0
    mended, left = untangle(v, faces, np.arange(len(faces)))
    assert left == 0 and len(self_intersections(mended, faces)) == 0
