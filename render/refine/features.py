"""What the refining network sees of a view: the drawn picture, geometry, materials and light, antialiased together.

All light is seen relative to the scene's own (:func:`white_ball`), brightness and colour: a network sees no difference
between a dim photo and a bright one, nor between a warm and a cool one.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np

from engine.core.types import Camera
from render.camera import resized
from render.preview import Preview
from render.studio import Studio, camera_azimuth, fibonacci_sphere, turn_matrix

__all__ = ["FLOOR", "PLANES", "Features", "Sphere", "demodulated", "planes", "relit", "view_features", "white_ball"]

FLOOR = 0.04  #: added to the albedo when light is told from colour: what any surface mirrors straight on
DARK = 1e-3  #: radiance below which all is black, where light is white_ball's unit
LUMA = np.array([0.2126, 0.7152, 0.0722])
#: names of the network's input planes, in their order
PLANES = (
    "light_r", "light_g", "light_b", "albedo_r", "albedo_g", "albedo_b", "normal_x", "normal_y", "normal_z", "facing",
    "softboxes", "sky", "key", "rim", "depth", "roughness", "sheen", "cloth", "skin",
    "key_side", "key_mirror", "key_width",
)  # fmt: skip
Sphere = tuple[np.ndarray, float]


@dataclass(frozen=True)
class Features:
    """A view from the preview. Everything is a mean over each pixel, premultiplied by what of it the subject covers."""

    rgb: np.ndarray  #: linear, without backdrop, shape [H, W, 3]
    alpha: np.ndarray  #: shape [H, W]
    albedo: np.ndarray  #: linear, shape [H, W, 3]
    normal: np.ndarray  #: in the studio's frame (the camera on its +Z side), shape [H, W, 3]
    light: np.ndarray  #: softboxes, visible sky, key and rim light, see :func:`_lights`, shape [H, W, 4]
    depth: np.ndarray  #: from the middle of the subject in view, towards the eye [m], shape [H, W]
    material: np.ndarray  #: cosine to the eye, roughness, sheen, shape [H, W, 3]
    share: np.ndarray  #: of opaque cloth and of skin, shape [H, W, 2]
    weight: np.ndarray  #: how much of the pixel may be refined, 0..1, shape [H, W]
    key: np.ndarray  #: cosines of normal and key light, of normal and the mirror's that shows it, its width, [H, W, 3]
    white: np.ndarray  #: light of the scene, see :func:`white_ball`, shape [3]

    def arrays(self) -> dict[str, np.ndarray]:
        """All of them by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@lru_cache(maxsize=8)
def white_ball(studio: Studio) -> np.ndarray:
    """Mean over the picture of a white ball in the subject's place, of the usual studio's luminance, linear RGB [3].

    Each light counts by a matt ball's phase function (Lambert; Russell 1916): how much of its lit half is in view.
    """
    return _ball(studio) / (_ball(Studio()) @ LUMA)


def _ball(studio: Studio) -> np.ndarray:
    def phase(cosine: np.ndarray) -> np.ndarray:
        c = np.clip(cosine, -1, 1)
        return 2 / (3 * np.pi) * (np.sqrt(1 - c * c) + (np.pi - np.arccos(c)) * c)

    ways = fibonacci_sphere(studio.samples)  # the studio's frame has the camera on +Z
    light = 4 * (phase(ways[:, 2:]) * studio.radiance(ways)).mean(0)
    for name in ("key", "rim"):
        light = light + phase(studio.direction(name, 0.0)[2]) * np.array(getattr(studio, f"{name}_radiance"))
    return np.maximum(light, 1e-4)


def view_features(
    preview: Preview, camera: Camera, *, studio: Studio | None = None, keep: tuple[Sphere, ...] = ()
) -> Features:
    """Features of one view.

    Args:
        preview: of the scene.
        studio: the preview's, if it is not the usual one.
        keep: balls (centre [m], radius [m]) in which skin is not to be refined: the face.
    """
    image = preview.view(camera, buffers=False, backdrop="none")
    double = resized(camera, (2 * camera.size[0], 2 * camera.size[1]))
    distance, surface_normal, surface_albedo, ids, lit = preview.surfaces(double)
    studio, turn = studio or Studio(), turn_matrix(camera_azimuth(camera))
    white = white_ball(studio)
    hit = ids >= 0
    shown = np.where(hit, ids, len(preview.meshes))
    materials = [m.material for m in preview.meshes]
    table = lambda values: np.array([*values, 0.0], np.float32)[shown]  # noqa: E731
    cloth = table([float(m.double_sided and m.base_color[3] >= 1) for m in materials])
    skin = table([float(not m.double_sided) for m in materials])
    towards, points = _rays(double, distance, hit)
    facing = np.clip((surface_normal * towards).sum(-1), 0, 1)
    to_key = studio.direction("key", camera_azimuth(camera))
    half = to_key + towards
    half /= np.maximum(np.linalg.norm(half, axis=-1, keepdims=True), 1e-6)
    kept = np.zeros(hit.shape, bool)
    for centre, radius in keep:
        kept |= np.linalg.norm(points - np.asarray(centre, np.float32), axis=-1) < radius
    middle = float(np.median(distance[hit])) if hit.any() else 0.0
    stack = np.dstack([
        surface_albedo * hit[..., None], (surface_normal @ turn.astype(np.float32)) * hit[..., None],
        lit * _lights(studio, white), np.where(hit, middle - distance, 0), facing * hit,
        table([m.roughness for m in materials]), table([m.sheen for m in materials]), cloth, skin,
        np.maximum(cloth, skin * ~kept),
        (surface_normal @ to_key) * hit, (surface_normal * half).sum(-1) * hit, studio.key_tan_radius * hit,
    ])  # fmt: skip
    h, w = image.alpha.shape
    mean = stack.reshape(h, 2, w, 2, -1).mean((1, 3), dtype=np.float32)
    parts = np.split(mean, np.cumsum([3, 3, 4, 1, 3, 2, 1]), axis=-1)
    albedo, normal, light, depth, material, share, weight, key = parts
    # sheer cloth over it: what is seen is not the surface that the planes tell of
    return Features((image.rgb * image.alpha[..., None]).astype(np.float32), image.alpha.astype(np.float32), albedo,
                    normal, light, depth[..., 0], material, share, weight[..., 0], key,
                    white.astype(np.float32))  # fmt: skip


def _lights(studio: Studio, white: np.ndarray) -> np.ndarray:
    """What the preview's four kinds of light are multiplied by, shape [4]: relative to ``white``, and lamps by how
    strong they are; 1 each in the usual studio."""
    usual, level = Studio(), white @ LUMA
    strength = [np.array(getattr(studio, n)) @ LUMA / (np.array(getattr(usual, n)) @ LUMA)
                for n in ("key_radiance", "rim_radiance")]  # fmt: skip
    return np.array([1 / level, 1.0, strength[0] / level, strength[1] / level], np.float32)


def _rays(camera: Camera, depth: np.ndarray, hit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit directions to the eye and world points [m] of pixels, shape [H, W, 3] each."""
    width, height = camera.size
    k = np.asarray(camera.K, np.float32)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32) + 0.5)
    ray = np.stack([(x - k[0, 2]) / k[0, 0], (y - k[1, 2]) / k[1, 1], np.ones_like(x)], -1)
    pose = np.asarray(camera.world_to_camera, np.float32)
    eye = -pose[:3, :3].T @ pose[:3, 3]
    world = ray @ pose[:3, :3]
    points = eye + world * np.where(hit, depth, 0)[..., None]
    return -world / np.linalg.norm(world, axis=-1, keepdims=True), points.astype(np.float32)


def demodulated(rgb: np.ndarray, albedo: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Log of the light on a surface: radiance without the surface's own colour, shape [..., 3]; 0 is a lit white card.

    All arguments premultiplied by ``alpha``; ``rgb`` relative to the scene's light.
    """
    return np.log((np.maximum(rgb, 0) + DARK) / (albedo + FLOOR * alpha[..., None] + DARK))


def relit(rgb: np.ndarray, change: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Premultiplied radiance with a change of its log light, both shape [H, W, 3]; ``white`` is the features'."""
    return np.maximum((rgb + DARK * white) * np.exp(change) - DARK * white, 0)


def planes(features: Features | dict[str, Any]) -> np.ndarray:
    """The network's input, float32, shape [len(PLANES), H, W]; from features or their stored arrays."""
    f = features.arrays() if isinstance(features, Features) else features
    f = {name: np.asarray(value, np.float32) for name, value in f.items()}
    albedo = np.log(f["albedo"] + FLOOR) - np.log(FLOOR)
    light = demodulated(f["rgb"] / f["white"], f["albedo"], f["alpha"]) * f["alpha"][..., None]
    stack = np.dstack([
        light, albedo / 3.0, f["normal"], f["material"][..., :1], f["light"], np.tanh(4 * f["depth"]),
        f["material"][..., 1:], f["share"], f["key"],
    ])  # fmt: skip
    return np.ascontiguousarray(np.moveaxis(stack, -1, 0), np.float32)
