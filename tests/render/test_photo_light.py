"""Light from a person's colours: a body of known shape under known lamps."""

from dataclasses import replace

import numpy as np
import pytest
from small_scene import capsule_body, revolved

from engine.core.errors import InputError
from engine.core.types import Material
from render.camera import look_at
from render.photo_light import LUMINANCE, PhotoStudio, estimate_light, visible_cosines
from render.studio import camera_azimuth, fibonacci_sphere, sh_basis

SKIN, SHIRT = np.array([0.45, 0.28, 0.20]), np.array([0.10, 0.20, 0.45])


def ball() -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Points, normals and surface of a smooth body that shows normals up and down too."""
    height = np.linspace(0, 1.7, 80)
    radius = 0.5 * np.sqrt(np.clip(1 - (2 * height / 1.7 - 1) ** 2, 0, 1)) + 1e-4
    mesh = revolved(radius, height, 80, "body", Material("skin"))
    return mesh.vertices.astype(float), mesh.normals.astype(float), (mesh.vertices, mesh.faces)


def seen_under(lamp: np.ndarray, *, sky=(0.3, 0.3, 0.3), power=(2.4, 2.2, 2.0), noise=0.03):
    """What a camera on +Z sees: points, normals, colours, classes, weights, surface."""
    points, normals, surface = ball()
    front = normals[:, 2] > 0.2
    points, normals = points[front], normals[front]
    ways = fibonacci_sphere(600)
    near = np.maximum(ways @ lamp - np.cos(0.3), 0)
    radiance = np.array(sky) + 600 / 4 * near[:, None] / near.sum() * np.array(power)
    classes = (points[:, 1] < 0.9).astype(int)
    white = visible_cosines(points, normals, surface, ways) @ radiance
    random = np.random.default_rng(1)
    colours = np.where(classes[:, None] == 0, SKIN, SHIRT) * white * (1 + noise * random.standard_normal(white.shape))
    return points, normals, 0.5 * colours, classes, np.full(len(points), 1 / len(points)), surface


@pytest.mark.parametrize("azimuth, elevation", [(-60, 20), (40, 40), (0, 60), (80, 10)])
def test_finds_the_lamp(azimuth, elevation):
    a, e = np.radians([azimuth, elevation])
    lamp = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    light = estimate_light(*seen_under(lamp))
    direction, key, rest = light.split()
    assert np.degrees(np.arccos(direction @ lamp)) < 6
    assert (light.radiance >= 0).all() and light.residual < 0.05
    # the lamp's power over the sky's, which no overall factor changes
    assert key.mean() / rest.mean() == pytest.approx(2.2 / 0.3, rel=0.35)


def test_colours_of_clothes_follow_from_that_of_skin():
    light = estimate_light(*seen_under(np.array([-0.6, 0.4, 0.69])))
    ratio = (light.albedo[1] / light.albedo[0]) / (SHIRT / SKIN)
    assert ratio == pytest.approx(np.ones(3), abs=0.06)
    assert (light.albedo < 1).all()


def test_studio_gives_the_same_light_back():
    points, normals, colours, classes, weights, surface = seen_under(np.array([-0.6, 0.4, 0.69]), noise=0.0)
    light = estimate_light(points, normals, colours, classes, weights, surface)
    camera = look_at(np.array([2.0, 1.0, 2.0]), np.zeros(3), fov_y=0.5, size=(30, 40))
    studio, turn = PhotoStudio.of(light, camera), camera_azimuth(camera)
    ways = fibonacci_sphere(2000)
    soft = visible_cosines(points, normals, surface, ways) @ sh_basis(ways) @ studio.environment(turn)
    key = np.array(studio.key_radiance) * np.maximum(normals @ studio.direction("key", turn), 0)[:, None]
    albedo = light.albedo[classes]
    error = np.abs(albedo * (soft + key) / colours - 1)
    assert np.median(error) < 0.12


def test_same_points_give_the_same_light():
    data = seen_under(np.array([0.3, 0.5, 0.81]))
    assert np.array_equal(estimate_light(*data).radiance, estimate_light(*data).radiance)


def test_too_little_skin_is_refused():
    points, normals, colours, classes, weights, surface = seen_under(np.array([0.0, 0.5, 0.87]))
    with pytest.raises(InputError, match="tell of the light"):
        estimate_light(points, normals, colours, np.ones_like(classes), weights, surface)


def test_a_hidden_point_sees_nothing_of_what_hides_it():
    mesh = capsule_body()
    under = visible_cosines(
        np.array([[0.0, 0.85, 0.0]]), np.array([[0.0, 0.0, 1.0]]), (mesh.vertices, mesh.faces), fibonacci_sphere(200)
    )
    assert under.sum() == 0


def test_two_photos_agree_on_the_colour_of_the_clothes():
    light = estimate_light(*seen_under(np.array([-0.6, 0.4, 0.69])))
    cast = np.array([0.85, 1.0, 1.12])
    cold = replace(light, radiance=light.radiance * cast, albedo=np.vstack([light.albedo[:1], light.albedo[1:] / cast]))
    mended = cold.in_clothes_of(light)
    tint = mended.radiance.sum(0) / light.radiance.sum(0)
    assert tint == pytest.approx(np.full(3, tint[1]), rel=1e-6)
    assert mended.radiance.mean(0) @ LUMINANCE == pytest.approx(cold.radiance.mean(0) @ LUMINANCE)
    other_clothes = replace(light, albedo=np.vstack([light.albedo[:1], light.albedo[1:] * 4]))
    assert cold.in_clothes_of(other_clothes) is cold
