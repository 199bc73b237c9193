"""Puts a rendered layer into a photo so that it looks taken with it: edges, exposure, blur and grain.

Pictures are linear floats [H, W, 3] unless they are said to be sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from render.develop import srgb_from_linear
from render.photo_light import photo_linear

__all__ = ["Layer", "composite", "grain_of", "snapped_to_edges", "spread_colours"]

KNEE = 0.72  #: linear value from which cameras roll bright things off towards white
RENDER_BLUR = 0.45  #: sigma that a rendered layer's own antialiasing amounts to [px]
SHADOW_FLOOR = 0.25  #: no contact shadow is darker
SNAP_RADIUS, SNAP_EPS = 8, 3e-4  #: of the guided filter [px], [sRGB squared]


@dataclass(frozen=True)
class Layer:
    """What is put into a photo."""

    colour: np.ndarray  #: linear, good wherever ``alpha`` > 0, shape [H, W, 3]
    alpha: np.ndarray  #: share of each pixel that it covers, shape [H, W]
    shadow: np.ndarray  #: factor on the photo where it is not covered, shape [H, W, 3]


def composite(
    photo: np.ndarray, layer: Layer, *, blur: float, grain: tuple[float, float], seed: int = 0
) -> np.ndarray:
    """The photo with the layer in it, sRGB uint8 [H, W, 3]; pixels that neither it nor its shadow touches stay.

    Args:
        photo: sRGB uint8, shape [H, W, 3].
        blur: sigma of the photo's edges [px].
        grain: of the photo, as :func:`grain_of` gives it.
        seed: of the grain.
    """
    sigma = np.sqrt(max(blur**2 - RENDER_BLUR**2, 0.0))
    covered = layer.colour * layer.alpha[..., None]
    alpha = layer.alpha
    if sigma > 0.15:
        covered, alpha = (cv2.GaussianBlur(x.astype(np.float32), (0, 0), sigma) for x in (covered, alpha))
    shadow = np.clip(layer.shadow, SHADOW_FLOOR, 1.0)
    linear = photo_linear(photo)
    mixed = linear * shadow * (1 - alpha[..., None]) + _rolled_off(covered, alpha)
    srgb = srgb_from_linear(mixed) + alpha[..., None] * _noise(grain, alpha.shape, seed)
    out = np.round(np.clip(srgb, 0, 1) * 255).astype(np.uint8)
    untouched = (alpha < 1e-3) & (shadow > 0.998).all(-1)
    return np.where(untouched[..., None], photo, out)


def _rolled_off(covered: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Premultiplied colours whose highlights end at white, with their hue."""
    colour = covered / np.maximum(alpha, 1e-4)[..., None]
    peak = colour.max(-1, keepdims=True)
    rolled = np.where(peak > KNEE, 1 - (1 - KNEE) * np.exp(-(peak - KNEE) / (1 - KNEE)), peak)
    return colour * (rolled / np.maximum(peak, 1e-6)) * alpha[..., None]


def grain_of(photo: np.ndarray) -> tuple[float, float]:
    """Standard deviation of a photo's noise in luma and in chroma [sRGB 0..1], by Immerkaer's mask (1996).

    Only the calmer half of the picture counts, so that texture is not taken for noise.
    """
    ycc = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb).astype(np.float32) / 255
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    out = []
    for channels in ((0,), (1, 2)):
        high = np.stack([cv2.filter2D(ycc[..., c], -1, mask) for c in channels])
        local = cv2.blur(np.abs(high).mean(0), (9, 9))
        calm = local <= np.median(local)
        out.append(float(np.median(np.abs(high[:, calm]))) / 0.6745 / 6.0)
    return out[0], out[1]


def _noise(grain: tuple[float, float], shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Noise like a photo's: luma of nearly single pixels, chroma in soft blotches, shape [H, W, 3]."""
    luma, chroma = grain
    random = np.random.default_rng(seed)
    fine = random.standard_normal(shape).astype(np.float32)
    blotches = cv2.GaussianBlur(random.standard_normal((*shape, 3)).astype(np.float32), (0, 0), 1.4) * 4.9
    return luma * fine[..., None] + chroma * (blotches - blotches.mean(-1, keepdims=True))


def spread_colours(colour: np.ndarray, pure: np.ndarray) -> np.ndarray:
    """Every pixel with the colour of the nearest pure one: no halo of what lay behind, shape [H, W, 3].

    Args:
        pure: pixels whose colour is the layer's alone, bool [H, W].
    """
    from scipy.ndimage import distance_transform_edt

    if not pure.any():
        return colour
    nearest = distance_transform_edt(~pure, return_distances=False, return_indices=True)
    return colour[nearest[0], nearest[1]]


def snapped_to_edges(mask: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """A soft mask whose outline follows the photo's edges nearby (guided filter: He, Sun and Tang 2010), 0..1 [H, W].

    Args:
        mask: 0..1, shape [H, W].
        photo: sRGB uint8, shape [H, W, 3].
    """
    rgb = photo.astype(np.float32) / 255
    solid = (mask > 0.5).astype(np.uint8)
    kernel = np.ones((2 * SNAP_RADIUS + 1, 2 * SNAP_RADIUS + 1), np.uint8)
    outside, inside = (cv2.dilate(solid, kernel) > 0) & (solid == 0), (cv2.dilate(1 - solid, kernel) > 0) & (solid > 0)
    if not (outside.any() and inside.any()):
        return mask.astype(np.float32)
    # along the colour that parts both sides, since OpenCV's filter is dull where three channels run alike
    apart = rgb[inside].mean(0) - rgb[outside].mean(0)
    guide = np.ascontiguousarray(rgb @ (apart / max(float(np.linalg.norm(apart)), 1e-4)), np.float32)
    soft = cv2.ximgproc.guidedFilter(guide, mask.astype(np.float32), SNAP_RADIUS, SNAP_EPS)
    # the filter leaves a faint veil where photo and mask disagree
    return np.clip((soft - 0.15) / 0.7, 0, 1)
