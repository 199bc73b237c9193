"""Light such as photos are taken in, at random: a sun or windows beside the sky's or a room's own light."""

from __future__ import annotations

import numpy as np

from render.photo_light import LightEstimate
from render.studio import fibonacci_sphere

__all__ = ["photo_light"]

DIRECTIONS = 160  #: as estimates from photos have
#: kind -> share of pairs; half-angle [degrees], elevation [degrees] and what it adds to a white card of the main light
KINDS = {
    "sun": (0.3, (6, 14), (15, 70), (0.9, 2.2)), "window": (0.3, (14, 32), (-5, 35), (0.5, 1.6)),
    "windows": (0.2, (14, 32), (-5, 35), (0.4, 1.2)), "overcast": (0.2, (25, 45), (20, 80), (0.1, 0.5)),
}  # fmt: skip
FRONT = 0.7  #: share of main lights that stand on the photographer's side
UNEVEN = (np.inf, 1.0, 0.25)  #: shape of the radiances' gamma distribution; estimates are of few bright spots
WARM = np.array([0.12, 0.0, -0.14])  #: log radiance from neutral to warm light; the negative is cool
LEVEL, LEVEL_STD = 1.3, 0.35  #: what a white card towards the main light comes out at, and the spread of its logarithm


def photo_light(rng: np.random.Generator) -> LightEstimate:
    """One light, of the form that estimates from photos have; the photographer stands on the +Z side."""
    ways = fibonacci_sphere(DIRECTIONS)
    names = list(KINDS)
    name = str(rng.choice(names, p=[KINDS[n][0] for n in names]))
    around = _around(rng, ways)
    radiance = around
    for _ in range(2 if name == "windows" else 1):
        radiance = radiance + _lobe(rng, ways, *KINDS[name][1:])
    toward = np.maximum(ways @ ways.T, 0)
    card = 4 / DIRECTIONS * toward @ radiance.mean(1)
    level = np.exp(rng.normal(np.log(LEVEL), LEVEL_STD))
    return LightEstimate(ways, radiance * (level / card.max()), np.ones((1, 3)), 0.0, 0.0)


def _lobe(
    rng: np.random.Generator, ways: np.ndarray, width: tuple[float, float], height: tuple[float, float],
    strength: tuple[float, float],
) -> np.ndarray:  # fmt: skip
    """Radiance of one light, shape [n, 3]."""
    azimuth = rng.uniform(-90, 90) if rng.random() < FRONT else rng.uniform(90, 270)
    a, e = np.radians([azimuth, rng.uniform(*height)])
    towards = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    lobe = np.exp((ways @ towards - 1) / np.radians(rng.uniform(*width)) ** 2)
    return (rng.uniform(*strength) * len(ways) / 4 * lobe / lobe.sum())[:, None] * _tint(rng)


def _around(rng: np.random.Generator, ways: np.ndarray) -> np.ndarray:
    """Radiance of sky and ground, or of a room's walls, shape [n, 3]: uneven, and coloured a little."""
    up = 0.5 + 0.5 * ways[:, 1:2]
    above, below = rng.uniform(0.25, 1.0), rng.uniform(0.1, 0.5)
    even = above * up * _tint(rng) + below * (1 - up) * _tint(rng)
    axis = rng.standard_normal(3)
    even *= np.exp(rng.uniform(0, 0.5) * ways @ (axis / np.linalg.norm(axis)))[:, None]
    shape = float(rng.choice(UNEVEN))
    return even if np.isinf(shape) else even * rng.gamma(shape, 1 / shape, (len(ways), 1))


def _tint(rng: np.random.Generator) -> np.ndarray:
    return np.exp(rng.normal(0, 0.8) * WARM)
