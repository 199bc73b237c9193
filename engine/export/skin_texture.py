"""The mannequin's texture: faint mottling of the skin and a plain base layer, fit to be shown anywhere."""

from __future__ import annotations

import numpy as np

from engine.core.types import Body

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
        cover = _rasterised(body, _base_layer(body))[..., None]
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


def _rasterised(body: Body, distance: np.ndarray) -> np.ndarray:
    """The cover 0..1 of per-vertex signed distances in texture space, shape [n, n]."""
    uv = np.asarray(body.uv, np.float64)[body.uv_faces] * [1, -1] + [0, 1]
    near = (distance[body.faces].max(axis=(1, 2)) > -0.05).nonzero()[0]
    cover = np.zeros((PIXELS, PIXELS), np.float32)
    known = np.zeros((PIXELS, PIXELS), bool)
    span = np.ptp(uv[near], axis=1).max(1) * PIXELS
    for low, high in ((0, 3), (3, 8), (8, 20), (20, 60), (60, 4 * PIXELS)):
        chosen = near[(span >= low) & (span < high)]
        if not len(chosen):
            continue
        n = int(1.5 * min(high, 200)) + 2
        i, j = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
        keep = i + j <= n
        weights = np.stack([i[keep], j[keep], n - i[keep] - j[keep]], axis=1) / n
        for part in np.array_split(chosen, max(1, len(chosen) * len(weights) // 2_000_000)):
            at = np.clip((weights @ uv[part] * PIXELS).astype(int), 0, PIXELS - 1)
            value = (weights @ distance[body.faces[part]]).max(-1)
            cover[at[..., 1], at[..., 0]] = np.clip(value / (2 * EDGE) + 0.5, 0, 1)
            known[at[..., 1], at[..., 0]] = True
    from scipy.ndimage import distance_transform_edt

    away, nearest = distance_transform_edt(~known, return_indices=True)
    return np.where(away < 6, cover[nearest[0], nearest[1]], 0)  # bleed over the charts' borders


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
