import numpy as np
import pytest

from engine.core.errors import InputError
from engine.core.types import Camera
from render.camera import gl_matrices, look_at, resized, standard_cameras, turntable_cameras


def project(camera: Camera, points: np.ndarray) -> np.ndarray:
    eye = points @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
    pixel = eye @ camera.K.T
    return pixel[:, :2] / pixel[:, 2:]


def test_look_at_puts_the_target_in_the_middle_and_keeps_up_up():
    camera = look_at(np.array([0, 1, 4]), np.array([0, 1, 0]), fov_y=0.5, size=(300, 400))
    pixels = project(camera, np.array([[0, 1, 0], [0, 1.2, 0], [0.2, 1, 0]]))
    assert pixels[0] == pytest.approx([150, 200], abs=1e-3)
    assert pixels[1, 1] < pixels[0, 1]  # higher up in the world is further up in the picture
    assert pixels[2, 0] > pixels[0, 0]  # from the front, the wearer's left (+X) is at the picture's right


def test_standard_views_show_everything_from_the_side_they_are_named_after(body, cloth):
    points = np.concatenate([body.vertices, cloth.vertices])
    cameras = standard_cameras([body, cloth], size=(300, 400))
    assert set(cameras) == {"front", "back", "three_quarter"}
    for camera in cameras.values():
        pixels = project(camera, points)
        assert (pixels > [5, 5]).all() and (pixels < [295, 395]).all()
        assert np.ptp(pixels[:, 1]) > 0.7 * 400  # and fills the picture
    eye = {n: -c.world_to_camera[:3, :3].T @ c.world_to_camera[:3, 3] for n, c in cameras.items()}
    assert eye["front"][2] > 1 and eye["back"][2] < -1 and eye["three_quarter"][0] > 0.5


def test_turntable_frames_everything_at_one_distance(body, cloth):
    cameras = turntable_cameras([body, cloth], 8)
    eyes = np.array([-c.world_to_camera[:3, :3].T @ c.world_to_camera[:3, 3] for c in cameras])
    assert np.hypot(eyes[:, 0], eyes[:, 2]) == pytest.approx(np.hypot(*eyes[0, [0, 2]]), rel=1e-3)
    with pytest.raises(InputError):
        turntable_cameras([body], 0)


def test_opengl_matrices_agree_with_the_pinhole_camera():
    camera = look_at(np.array([1.0, 1.5, 3.0]), np.array([0, 1, 0]), fov_y=0.6, size=(320, 200))
    camera.K[0, 2] += 7
    points = np.random.default_rng(0).uniform(-0.4, 0.4, (20, 3)) + [0, 1, 0]
    view, projection = gl_matrices(camera, 0.5, 9)
    clip = np.column_stack([points, np.ones(20)]) @ (projection @ view).T
    ndc = clip[:, :3] / clip[:, 3:]
    pixels = np.column_stack([(ndc[:, 0] + 1) / 2 * 320, (1 - ndc[:, 1]) / 2 * 200])
    assert pixels == pytest.approx(project(camera, points), abs=1e-2)
    assert (np.abs(ndc[:, 2]) < 1).all()


def test_resizing_keeps_the_view():
    camera = look_at(np.array([0, 1, 4]), np.array([0, 1, 0]), fov_y=0.5, size=(300, 400))
    points = np.array([[0.1, 1.2, 0.0]])
    assert project(resized(camera, (600, 800)), points) == pytest.approx(2 * project(camera, points), rel=1e-5)
