"""The photo studio: softboxes as spherical harmonics, key and rim light, and a cyclorama that turns with the camera.

All directions are in the studio's frame, in which the camera stands on the +Z side of the subject; ``turn`` is the
camera's azimuth around the subject [rad].
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from engine.core.types import Camera

__all__ = ["Studio", "camera_azimuth", "fibonacci_sphere", "mirrored", "sh_basis", "turn_matrix"]


@dataclass(frozen=True)
class Softbox:
    """A bright disc far away: direction (x, y, z), angular radius [rad], radiance (linear RGB)."""

    direction: tuple[float, float, float]
    radius: float
    radiance: tuple[float, float, float]


@dataclass(frozen=True)
class Studio:
    """Light set-up. Radiances are relative to a white card that the whole set-up exposes to about 0.8."""

    key_direction: tuple[float, float, float] = (-0.52, 0.62, 0.72)
    key_radiance: tuple[float, float, float] = (1.06, 1.025, 0.98)
    key_tan_radius: float = 0.10  #: tangent of the key light's angular radius, the softness of its shadows
    rim_direction: tuple[float, float, float] = (0.75, 0.42, -0.72)
    rim_radiance: tuple[float, float, float] = (0.42, 0.44, 0.48)
    softboxes: tuple[Softbox, ...] = (
        Softbox((0.95, 0.25, 0.55), 0.62, (0.50, 0.515, 0.54)),  # fill, from the other side of the camera
        Softbox((0.0, 1.0, 0.15), 0.80, (0.48, 0.49, 0.51)),  # overhead bank
        Softbox((-1.0, 0.15, -0.35), 0.50, (0.40, 0.41, 0.42)),  # edge strip
    )
    wall: tuple[float, float, float] = (0.17, 0.17, 0.173)  #: light that the room gives back
    floor: tuple[float, float, float] = (0.14, 0.137, 0.133)
    backdrop_floor: tuple[float, float, float] = (0.68, 0.675, 0.665)  #: colours of the seamless paper
    backdrop_wall: tuple[float, float, float] = (0.60, 0.60, 0.60)
    backdrop_edge: tuple[float, float, float] = (0.46, 0.46, 0.465)
    samples: int = field(default=2048, repr=False)

    def environment(self, turn: float) -> np.ndarray:
        """The softboxes and the room as order-2 spherical harmonics in the world's frame, shape [9, 3]."""
        directions = fibonacci_sphere(self.samples)
        # rows times R is the inverse rotation: world to studio
        radiance = self.radiance(directions @ turn_matrix(turn))
        return (4 * np.pi / self.samples) * sh_basis(directions).T @ radiance

    def radiance(self, directions: np.ndarray) -> np.ndarray:
        """What comes from unit directions in the studio's frame, without key and rim light, shape [n, 3]."""
        height = directions[:, 1:2]
        radiance = np.where(height > 0, np.array(self.wall), np.array(self.floor)).astype(np.float64)
        for box in self.softboxes:
            axis = np.array(box.direction) / np.linalg.norm(box.direction)
            angle = np.arccos(np.clip(directions @ axis, -1, 1))
            radiance += np.clip((box.radius - angle) / 0.2 + 0.5, 0, 1)[:, None] * np.array(box.radiance)
        return radiance

    def direction(self, name: str, turn: float) -> np.ndarray:
        """Unit direction towards the ``key`` or ``rim`` light in the world's frame, shape [3]."""
        d = np.array(getattr(self, f"{name}_direction"))
        return turn_matrix(turn) @ (d / np.linalg.norm(d))


#: Roughness [-], height and azimuth of the steps of :func:`mirrored`.
MIRROR_STEPS = (6, 24, 48)


@lru_cache(maxsize=4)
def mirrored(studio: Studio) -> np.ndarray:
    """The studio in mirrors of growing roughness: the environment map that shaders look reflections up in.

    Each step is averaged with the GGX lobe about the mirror direction, seen straight on (Karis 2013).

    Returns:
        Radiance of ``MIRROR_STEPS`` (roughness, height -1 to 1, azimuth from +Z towards +X, from 0), float32,
        shape [6, 24, 48, 3]; steps stand at the middle of their share of 0..1.
    """
    levels, rows, columns = MIRROR_STEPS
    light = fibonacci_sphere(studio.samples)
    radiance = studio.radiance(light)
    y = (np.arange(rows) + 0.5) / rows * 2 - 1
    azimuth = (np.arange(columns) + 0.5) / columns * 2 * np.pi
    flat = np.sqrt(1 - y * y)[:, None]
    mirror = np.stack(np.broadcast_arrays(flat * np.sin(azimuth), y[:, None], flat * np.cos(azimuth)), -1)
    mirror = mirror.reshape(-1, 3)
    cosine = np.clip(mirror @ light.T, 0, 1)
    half2 = (1 + cosine) / 2  # squared cosine to the half vector, seen straight on
    steps = []
    for level in range(levels):
        alpha2 = ((level + 0.5) / levels) ** 4
        weight = cosine / (half2 * (max(alpha2, 1e-3) - 1) + 1) ** 2
        steps.append(weight @ radiance / weight.sum(1, keepdims=True))
    return np.array(steps, np.float32).reshape(levels, rows, columns, 3)


def camera_azimuth(camera: Camera) -> float:
    """Azimuth from which a camera looks at the subject, from +Z towards +X [rad]."""
    forward = camera.world_to_camera[2, :3]
    return float(np.arctan2(-forward[0], -forward[2]))


def turn_matrix(turn: float) -> np.ndarray:
    """Rotation about +Y that takes +Z to azimuth ``turn``, shape [3, 3]."""
    c, s = np.cos(turn), np.sin(turn)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def fibonacci_sphere(count: int) -> np.ndarray:
    """Nearly even unit directions, shape [count, 3]."""
    i = np.arange(count) + 0.5
    y = 1 - 2 * i / count
    r = np.sqrt(1 - y * y)
    angle = np.pi * (1 + 5**0.5) * i
    return np.stack([r * np.cos(angle), y, r * np.sin(angle)], axis=1)


def sh_basis(d: np.ndarray) -> np.ndarray:
    """Real spherical harmonics up to order 2 (Ramamoorthi and Hanrahan 2001), shape [n, 9]."""
    x, y, z = d[:, 0], d[:, 1], d[:, 2]
    return np.stack(
        [
            np.full(len(d), 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=1,
    )
