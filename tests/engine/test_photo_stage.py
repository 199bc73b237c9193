"""The photo's stage: views kept and found again, cameras moved into the body's world, clothes put into pictures."""

from dataclasses import replace
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from small_scene import capsule_body, folded_skirt

from engine.core.errors import InputError, JobError
from engine.core.types import Camera, PhotoView
from engine.photo.light import project
from engine.photo.posed import photo_camera
from engine.photo.stage import keep_views, load_views
from render.camera import look_at


def view_of(picture: np.ndarray, camera: Camera, silhouette: np.ndarray) -> PhotoView:
    return PhotoView(
        name="front", path="me.jpg", camera=camera, global_orient=np.zeros(3, np.float32),
        body_pose=np.zeros((21, 3), np.float32), picture=picture, person=255 * silhouette, contour=np.zeros((0, 2)),
        silhouette=silhouette, edge_blur=0.7, landmarks=np.zeros((33, 2)), focal_source="prior", contour_rms=0.003,
        contour_matched=0.9, landmark_rms=0.01,
    )  # fmt: skip


@pytest.fixture
def camera() -> Camera:
    return look_at(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.85, 0.0]), fov_y=0.75, size=(150, 200))


def test_views_are_found_again_only_for_their_body(tmp_path, camera):
    body = SimpleNamespace(betas=np.arange(4.0))
    kept = view_of(np.zeros((200, 150, 3), np.uint8), camera, np.zeros((200, 150), np.uint8))
    assert load_views(tmp_path, body) == ()
    keep_views(tmp_path, body, [kept])
    found = load_views(tmp_path, body)
    assert [v.name for v in found] == ["front"] and np.array_equal(found[0].camera.K, camera.K)
    assert load_views(tmp_path, SimpleNamespace(betas=np.ones(4))) == ()
    (tmp_path / "photos.npz").write_bytes(b"not a result")
    with pytest.raises(InputError, match="photos.npz"):
        load_views(tmp_path, body)


def test_the_bodys_lean_becomes_the_cameras_tilt(camera):
    view = replace(view_of(np.zeros((200, 150, 3), np.uint8), camera, np.zeros((200, 150), np.uint8)),
                   global_orient=np.array([0.15, -0.1, 0.02], np.float32))  # fmt: skip
    pelvis, points = np.array([0.1, 0.9, 0.05]), np.random.default_rng(0).normal(size=(20, 3)) * 0.3
    leaning = points @ Rotation.from_rotvec(view.global_orient).as_matrix().T
    expected, _ = project(camera, leaning)
    got, _ = project(photo_camera(view, pelvis), points + pelvis)
    assert got == pytest.approx(expected, abs=1e-2)


@pytest.fixture(scope="module")
def dressed():
    """A capsule photographed in a grey room, then dressed in a skirt of known colour."""
    from engine.photo import tryon
    from render.photo_light import LightEstimate, PhotoStudio
    from render.preview import Preview
    from render.studio import fibonacci_sphere

    ways = fibonacci_sphere(160)
    lamp = np.array([-0.6, 0.5, 0.62])
    near = np.maximum(ways @ lamp - np.cos(0.5), 0)[:, None]
    light = LightEstimate(ways, 0.45 + 40 * near / near.sum() * np.ones(3), np.ones((1, 3)), 0.0, 0.0)
    camera = look_at(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.85, 0.0]), fov_y=0.75, size=(150, 200))
    body, skirt = capsule_body(), folded_skirt()
    try:
        with Preview([body], quality="draft", backdrop="none", studio=PhotoStudio.of(light, camera)) as preview:
            bare = preview.view(camera)
    except JobError as error:
        pytest.skip(str(error))
    linear = bare.rgb * bare.alpha[..., None] + 0.2 * (1 - bare.alpha[..., None])
    picture = np.round(255 * np.clip(linear, 0, 1) ** (1 / 2.2)).astype(np.uint8)
    mask = (bare.alpha > 0.5).astype(np.uint8)
    person = SimpleNamespace(vertices=body.vertices, faces=body.faces, joints=np.tile([0, 1.55, 0.1], (55, 1)),
                             skinning_weights=np.eye(55)[np.zeros(len(body.vertices), int)])  # fmt: skip
    look = SimpleNamespace(body=person)
    view = view_of(picture, camera, mask)

    def dress(model=None):
        return tryon.dress_photo(look, view, camera, light, quality="draft", meshes=[body, skirt], model=model)

    return view, dress(), camera, dress


def test_clothes_cover_what_they_should_and_nothing_else(dressed):
    view, result, camera, _ = dressed
    where = result.alpha > 0.5
    pixels, _ = project(camera, folded_skirt().vertices)
    rows = np.nonzero(where.any(1))[0]
    assert abs(rows.min() - pixels[:, 1].min()) < 3 and abs(rows.max() - pixels[:, 1].max()) < 3
    head = result.picture[:40].astype(int) - view.picture[:40]
    assert np.abs(head).max() < 8 and np.abs(head).mean() < 0.3
    blue, red = result.picture[where][:, 2].mean(), result.picture[where][:, 0].mean()
    assert blue > 1.5 * red  # denim
    # the lamp is on the camera's left
    middle = int(np.median(np.nonzero(where)[1]))
    left, right = np.zeros_like(where), np.zeros_like(where)
    left[:, :middle], right[:, middle:] = True, True
    assert result.picture[where & left].mean() > 1.15 * result.picture[where & right].mean()


def test_clothes_throw_shadow_on_the_body(dressed):
    view, result, camera, _ = dressed
    hem = int(round(project(camera, np.array([[0.0, 0.55, 0.16]]))[0][0, 1]))
    below = (slice(hem + 5, hem + 12), slice(70, 80))
    assert result.alpha[below].max() < 0.05
    assert result.picture[below].mean() < 0.93 * view.picture[below].mean()


def test_the_network_changes_light_on_the_clothes_and_nothing_else(dressed):
    import torch

    from render.refine.network import CHROMA, Refiner

    view, plain, _, dress = dressed
    torch.manual_seed(1)
    model = Refiner().eval()
    torch.nn.init.normal_(model.head.weight, std=3.0)  # whatever has been learnt
    result = dress(model)
    assert np.array_equal(result.alpha, plain.alpha)
    reached = cv2.dilate((plain.alpha > 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0  # blurred as the photo
    assert np.array_equal(result.picture[~reached], plain.picture[~reached])
    # of all that is changed, light changes alone: colours keep their ratios
    core = cv2.erode((plain.alpha > 0.99).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    ratio = np.log([(p.picture[core] / 255.0) ** 2.2 + 1e-3 for p in (result, plain)])
    change = ratio[0] - ratio[1]
    assert np.abs(change.mean(1)).mean() > 0.05
    assert np.median(np.abs(change - change.mean(1, keepdims=True))) < 4 * CHROMA
    again = dress(model)
    assert np.array_equal(again.picture, result.picture)
