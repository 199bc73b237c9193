import numpy as np
import pytest

from engine.core.errors import InputError
from render.preview import Preview, PreviewQuality, Sampling
from render.views import close_up_camera, draw_scale, view_azimuth, view_camera

SMALL = PreviewQuality((150, 200), (90, 120), 4, Sampling(1, 1, 4, 256), Sampling(1, 1, 4, 256), 32)


def test_views_by_name_and_by_angle():
    assert view_azimuth("front") == 0 and view_azimuth("back") == pytest.approx(np.pi)
    assert view_azimuth("Three_Quarter") == view_azimuth("three-quarter") == pytest.approx(np.deg2rad(38))
    assert view_azimuth("-90") == view_azimuth("right") and view_azimuth("side") == pytest.approx(np.pi / 2)
    for wrong in ("sideways", "nan", "inf", ""):
        with pytest.raises(InputError, match="view"):
            view_azimuth(wrong)


def test_the_side_view_looks_along_x(body):
    camera = view_camera([body], "left", size=(100, 130))
    assert camera.world_to_camera[2, :3] == pytest.approx([-1, 0, 0], abs=0.1) and camera.size == (100, 130)


def test_close_up_finds_cloth_and_its_scale_is_true(opengl, body, cloth):
    with Preview([body, cloth], quality=SMALL) as preview:
        camera = close_up_camera(preview, "front", size=(120, 160), field=0.04)
        near, picture = preview.view(camera), preview.picture(camera)
    assert (near.material_id == 1).mean() > 0.99
    middle = near.depth[60:100, 45:75]
    assert np.median(middle) == pytest.approx(0.35, abs=0.01)
    assert np.median(middle) * 120 / camera.K[0, 0] == pytest.approx(0.04, rel=0.03)  # metres across the picture
    drawn = draw_scale(picture, camera)
    changed = np.abs(drawn.astype(int) - picture).sum(-1) > 60
    bar = changed[150:156].any(axis=0)  # 10 mm of 40 mm
    assert bar.sum() == pytest.approx(30, abs=5) and not changed[:, 60:].any()


def test_a_bare_body_has_no_cloth_to_come_close_to(opengl, body):
    with Preview([body], quality=SMALL) as preview, pytest.raises(InputError, match="no cloth"):
        close_up_camera(preview, "front", size=(60, 60))
