"""What training draws for its pairs, and what is kept for tests."""

import colorsys

import numpy as np
import pytest
from small_scene import capsule_body, folded_skirt

from tools.refine.choices import TEST_AZIMUTH, TEST_HUES, crop_camera, dyed, lights, phone_camera, unsewn
from tools.refine.photo_lights import LEVEL, photo_light


@pytest.fixture(scope="module")
def body():
    return capsule_body()


@pytest.fixture(scope="module")
def cloth():
    return folded_skirt()


def test_colours_and_lights_of_tests_are_never_trained_on(cloth):
    for seed in range(200):
        rng = np.random.default_rng(seed)
        hues = {}
        for test in (False, True):
            hue, saturation, _ = colorsys.rgb_to_hsv(*dyed([cloth], rng, test=test)[0].material.base_color[:3])
            hues[test] = TEST_HUES[0] - 1e-6 <= hue <= TEST_HUES[1] + 1e-6 and saturation > 0.1
            studio = lights(rng, test=test)
            if studio.key_direction[0] != -0.52:  # else the usual ones
                azimuth = abs(np.arctan2(studio.key_direction[0], studio.key_direction[2]))
                assert (azimuth <= TEST_AZIMUTH) == test
        assert hues == {False: False, True: True}


@pytest.mark.parametrize("taken", [crop_camera, phone_camera])
def test_a_square_shows_the_clothes(body, cloth, taken):
    for seed in range(20):
        camera = taken([body, cloth], np.random.default_rng(seed), 64)
        points = cloth.vertices @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        pixel = points @ camera.K.T
        inside = (np.abs(pixel[:, :2] / pixel[:, 2:] - 32) < 32).all(1)
        assert inside.any() and camera.size == (64, 64)


def test_unsewn_cloth_has_no_seams_to_draw_and_is_else_the_same(cloth):
    plain = unsewn([cloth])[0]
    assert not {"hem", "seam"} & set(plain.maps) and np.array_equal(plain.vertices, cloth.vertices)


def test_photos_lights_are_such_as_photos_have():
    levels, behind, share = [], 0, []
    for seed in range(150):
        light = photo_light(np.random.default_rng(seed))
        again = photo_light(np.random.default_rng(seed))
        assert np.array_equal(light.radiance, again.radiance)
        assert np.isfinite(light.radiance).all() and light.radiance.min() >= 0
        tint = light.radiance.mean(0) / light.radiance.mean()
        assert (np.abs(np.log(tint)) < 0.45).all()
        direction, key, rest = light.split()
        behind += direction[2] < 0
        levels.append((4 / 160 * np.maximum(light.directions @ light.directions.T, 0) @ light.radiance.mean(1)).max())
        share.append(key.mean() / levels[-1])
        assert key.min() >= 0 and rest.min() >= 0
    assert np.exp(np.mean(np.log(levels))) == pytest.approx(LEVEL, rel=0.1)
    assert 0.15 < behind / 150 < 0.5
    assert min(share) < 0.3 and max(share) > 0.7  # from overcast to hard sun
