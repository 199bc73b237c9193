"""The studio's lights as one picture of the surroundings: softboxes, room, and key and rim lights as bright discs."""

from __future__ import annotations

import numpy as np

from render.studio import Studio

__all__ = ["environment_map", "map_directions"]

RIM_TAN_RADIUS = 0.04  #: tangent of the rim light's angular radius


def map_directions(height: int) -> np.ndarray:
    """Unit directions of the pixels of a latitude-longitude map as Mitsuba lays it out, shape [height, 2 height, 3]."""
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = (np.arange(2 * height) + 0.5) / (2 * height) * 2 * np.pi
    phi, theta = np.meshgrid(phi, theta)
    return np.stack([np.sin(phi) * np.sin(theta), np.cos(theta), -np.cos(phi) * np.sin(theta)], axis=-1)


def environment_map(studio: Studio, height: int = 512) -> np.ndarray:
    """Radiance of all the studio's lights in its own frame, shape [height, 2 height, 3].

    The preview's key and rim radiances are what a white card facing them gives back: the irradiance over pi. A disc
    that gives as much has that irradiance spread over its solid angle (as measured on the map's own pixels).
    """
    directions = map_directions(height)
    flat = directions.reshape(-1, 3)
    radiance = studio.radiance(flat)
    area = np.repeat(np.sin((np.arange(height) + 0.5) / height * np.pi), 2 * height) * (np.pi / height) ** 2
    for name, tan_radius in (("key", studio.key_tan_radius), ("rim", RIM_TAN_RADIUS)):
        cosine = flat @ studio.direction(name, 0.0)
        angle = np.arccos(np.clip(cosine, -1, 1))
        disc = np.clip((np.arctan(tan_radius) - angle) / (np.pi / height) + 0.5, 0, 1)
        strength = np.pi * np.array(getattr(studio, f"{name}_radiance")) / (disc * cosine * area).sum()
        radiance += disc[:, None] * strength
    return radiance.reshape(height, 2 * height, 3).astype(np.float32)
