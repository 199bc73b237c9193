"""The mannequin's texture: faint mottling of the skin and a plain base layer, fit to be shown anywhere."""

from __future__ import annotations

import numpy as np

from engine.core.types import Body
from engine.export.uv_raster import rasterise

__all__ = ["skin_texture"]

PIXELS = 1024
BASE_LAYER = (0.66, 0.80, 0.90)  #: what the base layer's cloth makes of the skin's colour, linear
EDGE = 0.0015  #: softness of the base layer's edge [m]
ARM_JOINTS = [16, 17, 18, 19, 20, 21, *range(25, 55)]  #: SMPL-X: shoulders to fingers
NEEDED = ("crotch_point", "hip_front", "waist_front", "bust_front", "underbust_front", "armpit_l")


def skin_texture(body: Body) -> np.ndarray:
    """Factor on the skin's colour over the body's texture coordinates (v down), sRGB uint8, shape [n, n, 3].

    The base layer (shorts, and a bandeau unless the body is male) is only painted: it takes no part in the fit.
    """
    factor = _mottling()[..., None] * np.ones(3)
    if all(name in body.landmarks for name in NEEDED):
        uv = np.asarray(body.uv) * [1, -1] + [0, 1]
        distance, known = rasterise(uv, body.uv_faces, _base_layer(body)[body.faces], PIXELS)
        cover = (np.clip(distance.max(-1) / (2 * EDGE) + 0.5, 0, 1) * known)[..., None]
        factor = factor * (1 - cover) + np.array(BASE_LAYER) * cover
    srgb = np.where(factor <= 0.0031308, factor * 12.92, 1.055 * factor ** (1 / 2.4) - 0.055)
    return np.round(np.clip(srgb, 0, 1) * 255).astype(np.uint8)


def _base_layer(body: Body) -> np.ndarray:
    """Signed distance to the base layer's edge by height [m], positive under it, shape [V, 2] (shorts, bandeau)."""
    y = {name: float(body.landmarks[name][1]) for name in NEEDED}
    height = np.asarray(body.vertices[:, 1], np.float64)
    hip = y["hip_front"] + 0.4 * (y["waist_front"] - y["hip_front"])
    shorts = np.minimum(height - (y["crotch_point"] - 0.05), hip - height)
    top = min(y["bust_front"] + 0.065, y["armpit_l"] + 0.012)
    bandeau = np.minimum(height - (y["underbust_front"] - 0.015), top - height)
    if body.sex == "male":
        bandeau[:] = -1.0
    # half an arm's weight is where the arm begins; scaled so that the edge is about as soft as the others
    arm = (0.5 - np.asarray(body.skinning_weights[:, ARM_JOINTS], np.float64).sum(1)) * 0.05
    return np.stack([np.minimum(shorts, arm), np.minimum(bandeau, arm)], axis=1)


def _mottling(tile: int = 256) -> np.ndarray:
    """Faint unevenness around 0.97, shape [n, n]."""
    random = np.random.default_rng(3)
    frequency = np.fft.fftfreq(tile)
    radius = np.hypot(*np.meshgrid(frequency, frequency)) * tile
    field = np.zeros((tile, tile))
    for low, high, amount in ((2, 8, 0.6), (12, 40, 0.4)):
        spectrum = np.fft.fft2(random.standard_normal((tile, tile)))
        band = np.fft.ifft2(spectrum * ((radius > low) & (radius < high))).real
        field += amount * band / band.std()
    return np.tile(np.clip(0.97 + 0.010 * field, 0, 1), (PIXELS // tile, PIXELS // tile))
