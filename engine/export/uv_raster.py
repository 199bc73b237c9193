"""Spreads values at vertices over a texture, by texture coordinates."""

from __future__ import annotations

import numpy as np

__all__ = ["rasterise"]

BLEED = 6  #: how far values run over the charts' borders, against dark rims when textures are filtered [px]
#: triangles are sampled in groups of like size: from, to [px]
GROUPS = ((0, 3), (3, 8), (8, 20), (20, 60), (60, 200), (200, 1 << 16))
MOST_STEPS = 600  #: along an edge
BATCH = 2_000_000  #: samples at a time


def rasterise(uv: np.ndarray, uv_faces: np.ndarray, corners: np.ndarray, pixels: int) -> tuple[np.ndarray, np.ndarray]:
    """Interpolates linearly inside each triangle.

    Args:
        uv: texture coordinates 0..1, v down, shape [U, 2].
        uv_faces: shape [F, 3].
        corners: values at each triangle's corners, shape [F, 3, k].
        pixels: side of the texture.

    Returns:
        Values, shape [pixels, pixels, k]; and where they mean anything, bool [pixels, pixels].
    """
    from scipy.ndimage import distance_transform_edt

    at_corners = np.asarray(uv, np.float64)[uv_faces] * pixels
    span = np.ptp(at_corners, axis=1).max(1)
    values = np.zeros((pixels, pixels, corners.shape[-1]), np.float32)
    known = np.zeros((pixels, pixels), bool)
    for low, high in GROUPS:
        chosen = ((span >= low) & (span < high)).nonzero()[0]
        if not len(chosen):
            continue
        weights = _lattice(min(int(1.5 * span[chosen].max()) + 2, MOST_STEPS))
        for part in np.array_split(chosen, len(chosen) * len(weights) // BATCH + 1):
            at = np.clip((weights @ at_corners[part]).astype(np.int64), 0, pixels - 1)
            values[at[..., 1], at[..., 0]] = weights @ corners[part]
            known[at[..., 1], at[..., 0]] = True
    away, nearest = distance_transform_edt(~known, return_indices=True)
    return values[nearest[0], nearest[1]], away <= BLEED


def _lattice(steps: int) -> np.ndarray:
    """Barycentric coordinates evenly over a triangle, shape [samples, 3]."""
    i, j = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1))
    keep = i + j <= steps
    return np.stack([i[keep], j[keep], steps - i[keep] - j[keep]], axis=1).astype(np.float32) / steps
