"""Cloth, light and camera of a pair at random; what tests are made of is never drawn for training."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.core.types import Camera, SceneMesh
from render.camera import orbit_camera
from render.studio import Studio

__all__ = ["crop_camera", "dyed", "lights", "phone_camera", "unsewn"]

WEAVES = ("plain", "twill", "satin", "knit")
TEST_HUES = (0.45, 0.62)  #: of the colour circle, kept for tests
TEST_AZIMUTH = np.radians(12.0)  #: key lights nearer to the camera than this are kept for tests
USUAL = 0.4  #: share of pairs under the studio's own lights, which is what pictures mostly have


def dyed(meshes: Sequence[SceneMesh], rng: np.random.Generator, *, test: bool) -> list[SceneMesh]:
    """The meshes with every garment in some other opaque cloth."""
    return [_cloth(m, rng, test) if m.material.double_sided else m for m in meshes]


def _cloth(mesh: SceneMesh, rng: np.random.Generator, test: bool) -> SceneMesh:
    low, high = TEST_HUES
    hue = rng.uniform(low, high) if test else (high + rng.uniform(0, 1 - high + low)) % 1
    saturation = rng.uniform(0.25, 0.8) if test or rng.random() < 0.6 else rng.uniform(0, 0.08)
    value = np.exp(rng.uniform(np.log(0.05), np.log(0.85)))
    colour = colorsys.hsv_to_rgb(hue, saturation, value)
    smooth = rng.random() < 0.25
    weave = "satin" if smooth else str(rng.choice(WEAVES))
    material = replace(
        mesh.material, base_color=(*colour, 1.0), weave=weave,
        roughness=float(rng.uniform(0.28, 0.5) if smooth else rng.uniform(0.75, 0.97)),
        sheen=float(rng.uniform(0.05, 0.4)),
    )  # fmt: skip
    return replace(mesh, material=material)


def lights(rng: np.random.Generator, *, test: bool) -> Studio:
    """The studio with its lights moved, softened and dimmed; often as it is."""
    usual = Studio()
    if rng.random() < USUAL:
        return usual
    azimuth = rng.uniform(-1, 1) * TEST_AZIMUTH
    if not test:
        azimuth = rng.choice([-1, 1]) * rng.uniform(TEST_AZIMUTH, np.radians(80))
    height = np.radians(rng.uniform(15, 60))
    key = (np.cos(height) * np.sin(azimuth), np.sin(height), np.cos(height) * np.cos(azimuth))
    dim = lambda radiance, share: tuple(float(c * share) for c in radiance)  # noqa: E731
    boxes = tuple(replace(b, radiance=dim(b.radiance, rng.uniform(0.5, 1.4))) for b in usual.softboxes)
    return replace(
        usual, key_direction=tuple(map(float, key)), key_tan_radius=float(rng.uniform(0.06, 0.2)),
        key_radiance=dim(usual.key_radiance, rng.uniform(0.7, 1.2)), softboxes=boxes,
        rim_radiance=dim(usual.rim_radiance, rng.uniform(0.3, 1.4)),
    )  # fmt: skip


def crop_camera(meshes: Sequence[SceneMesh], rng: np.random.Generator, size: int) -> Camera:
    """A square cut out of a product picture around some point of the clothes, ``size`` [px] wide."""
    height = int(rng.uniform(800, 1300))
    whole = orbit_camera(
        meshes, float(rng.uniform(-np.pi, np.pi)), size=(height * 3 // 4, height),
        elevation=float(np.radians(rng.uniform(-4, 20))),
    )  # fmt: skip
    return _square(whole, meshes, rng, size)


def phone_camera(meshes: Sequence[SceneMesh], rng: np.random.Generator, size: int) -> Camera:
    """A square cut out of a photo of the whole person, from the front or the side, ``size`` [px] wide."""
    height = int(rng.uniform(1000, 1700))
    azimuth = rng.choice((0.0, 0.0, -90.0, 90.0)) + rng.normal(0, 15)
    whole = orbit_camera(
        meshes, float(np.radians(azimuth)), size=(height * 3 // 4, height),
        elevation=float(np.radians(rng.uniform(-8, 8))), fov_y=float(np.radians(rng.uniform(30, 55))),
    )  # fmt: skip
    return _square(whole, meshes, rng, size)


def _square(whole: Camera, meshes: Sequence[SceneMesh], rng: np.random.Generator, size: int) -> Camera:
    cloth = np.concatenate([m.vertices for m in meshes if m.material.double_sided])
    point = np.append(cloth[rng.integers(len(cloth))], 1.0)
    x, y, z = whole.K @ (whole.world_to_camera @ point)[:3]
    k = np.array(whole.K)
    k[:2, 2] += size / 2 - np.array([x, y]) / z + rng.uniform(-0.2, 0.2, 2) * size
    return Camera(k, whole.world_to_camera, (size, size))


def unsewn(meshes: Sequence[SceneMesh]) -> list[SceneMesh]:
    """The meshes without the seams and hems that the preview draws into the light, which no ray tracer sees."""
    drawn = ("hem", "seam")
    return [replace(m, maps={k: v for k, v in m.maps.items() if k not in drawn}) for m in meshes]
