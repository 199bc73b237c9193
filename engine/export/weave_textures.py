"""Small tiling textures of cloth: how plain weave, twill, satin and knit look from a hand's breadth away."""

from __future__ import annotations

import numpy as np

__all__ = ["WEAVES", "TILE_REPEATS", "weave_textures"]

WEAVES = ("plain", "twill", "satin", "knit")
TILE_REPEATS = 4  #: repeats of the weave along each side of the tile
TILE_PIXELS = 256


def weave_textures(weave: str, *, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Colour factor and tangent-space normals of one tile of ``TILE_REPEATS`` repeats.

    Returns:
        Grey factor on the base colour, sRGB uint8, shape [n, n, 3]; normals in glTF's convention (+X right, +Y up in
        the picture), uint8, shape [n, n, 3].
    """
    side = (np.arange(TILE_PIXELS) + 0.5) / TILE_PIXELS * TILE_REPEATS
    x, y = np.meshgrid(side, side[::-1])
    height = _RELIEF[weave](x, y)
    height = height + 0.05 * _fibres(seed)
    step = TILE_REPEATS / TILE_PIXELS
    depth = 0.09  # of the relief, in repeats
    gx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) / (2 * step) * depth
    gy = (np.roll(height, 1, 0) - np.roll(height, -1, 0)) / (2 * step) * depth
    normal = np.stack([-gx, -gy, np.ones_like(gx)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    factor = np.clip(0.72 + 0.28 * height, 0, 1)
    return (
        np.repeat(np.round(factor * 255).astype(np.uint8)[..., None], 3, axis=-1),
        np.round((normal * 0.5 + 0.5) * 255).astype(np.uint8),
    )


def _yarn(phase: np.ndarray) -> np.ndarray:
    """Round cross-section of yarns one unit apart, 0..1."""
    t = phase - np.floor(phase) - 0.5
    return np.sqrt(np.clip(1 - (2 * t) ** 2, 0, 1))


def _plain(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    u, v = 2 * x, 2 * y  # two yarns to a repeat
    over = (np.floor(u) + np.floor(v)) % 2 == 0
    warp = _yarn(u) * (0.62 + 0.38 * np.cos(np.pi * (v - np.floor(v) - 0.5)) * np.where(over, 1, -1))
    weft = _yarn(v) * (0.62 + 0.38 * np.cos(np.pi * (u - np.floor(u) - 0.5)) * np.where(over, -1, 1))
    return np.clip(np.maximum(warp, weft), 0, 1)


def _twill(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    u, v = 4 * x, 4 * y  # 3/1 twill: each warp yarn passes over three wefts, one step up from its neighbour
    step = np.mod(np.floor(v) - np.floor(u), 4)
    along = np.mod(v - np.floor(u), 4)
    warp = _yarn(u) * np.where(step < 3, 0.72 + 0.28 * np.sin(np.pi * np.clip(along / 3, 0, 1)), 0.25)
    weft = _yarn(v) * np.where(step < 3, 0.2, 0.75)
    return np.clip(np.maximum(warp, weft), 0, 1)


def _satin(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    u, v = 5 * x, 5 * y  # 5-end satin: long warp floats, the rare crossings scattered by steps of two
    crossing = np.mod(np.floor(v) - 2 * np.floor(u), 5) == 0
    return np.where(crossing, 0.55 * _yarn(v), 0.8 + 0.2 * _yarn(u))


def _knit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    across = x - np.floor(x) - 0.5  # one wale to a repeat, its two legs leaning towards each other
    leg = np.abs(across)
    course = _yarn(y * 1.25 * 0.8 - 1.1 * leg)
    profile = np.sqrt(np.clip(1 - ((leg - 0.25) / 0.25) ** 2, 0, 1))
    return np.clip(profile * (0.35 + 0.65 * course), 0, 1)


_RELIEF = {"plain": _plain, "twill": _twill, "satin": _satin, "knit": _knit}


def _fibres(seed: int) -> np.ndarray:
    """Tiling fine noise, mean 0, shape [n, n]."""
    noise = np.random.default_rng(seed).standard_normal((TILE_PIXELS, TILE_PIXELS))
    return (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))) / 4
