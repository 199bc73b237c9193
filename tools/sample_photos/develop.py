"""From path-traced radiance to a phone picture: denoise, expose, tone-map, sensor grain, sharpening."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["denoise", "develop"]


def denoise(buffers: dict[str, np.ndarray], coverage: np.ndarray, *, levels: int = 4) -> np.ndarray:
    """Edge-avoiding a-trous wavelet filter of the irradiance, guided by normal, depth and albedo.

    After Dammertz et al., Edge-Avoiding A-Trous Wavelet Transform for Fast Global Illumination Filtering (2010).
    Light sources (no albedo) pass unfiltered. A few paths per pixel leave the person's outline ragged, so pixels
    on the outline are mixed anew from both sides by ``coverage``, which is known far better.

    Args:
        coverage: How much of each pixel the person covers, shape [H, W].

    Returns:
        Radiance, shape [H, W, 3].
    """
    rgb, albedo = buffers["rgb"], buffers["albedo"]
    floor = 0.015
    light = rgb / (albedo + floor)
    light = np.minimum(light, 2.0 * _median(light, 5) + 0.05)  # fireflies
    normal, depth = buffers["normal"], np.nan_to_num(buffers["depth"], posinf=50.0)
    guide = np.concatenate([normal / 0.25, albedo / 0.11, (depth / (0.02 * depth + 0.01))[..., None]], 2)
    lonely = np.zeros(depth.shape, bool)
    for level in range(levels):
        step = 1 << level
        total, norm = light * 0.25, np.full(depth.shape, 0.25, np.float32)
        luminance = light.mean(2)
        # variation of the light itself: loose at first (noise), tighter later (shadow edges)
        sigma = 1.6 * 0.6**level * (cv2.blur(luminance, (9, 9)) + 0.02)
        for j, i in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
            g, c = _shifted(guide, (j * step, i * step)), _shifted(light, (j * step, i * step))
            w = np.exp(-((g - guide) ** 2).sum(2) - np.abs(c.mean(2) - luminance) / sigma)
            w *= 0.0625 if i and j else 0.125
            total += w[..., None] * c
            norm += w
        light = total / norm[..., None]
        if level == 0:
            lonely = norm < 0.45  # pixels on edges have no neighbours like them
    radiance = np.where((albedo.sum(2) < 0.01)[..., None], rgb, light * (albedo + floor))
    radiance = np.where(lonely[..., None], _median(radiance, 3), radiance)
    return _clean_outline(radiance, coverage)


def _median(image: np.ndarray, size: int) -> np.ndarray:
    return np.stack([cv2.medianBlur(np.ascontiguousarray(image[..., c]), size) for c in range(3)], -1)


def _clean_outline(radiance: np.ndarray, coverage: np.ndarray) -> np.ndarray:
    """Pixels on the outline become coverage times the person beside them plus the rest of the room beside them."""

    def spread(pure: np.ndarray) -> np.ndarray:
        colour, weight = np.zeros_like(radiance), np.zeros((*pure.shape, 1), np.float32)
        for sigma, share in ((0.8, 1.0), (2.0, 1e-2), (6.0, 1e-5)):  # the nearest pure pixels win
            colour += share * cv2.GaussianBlur(radiance * pure[..., None], (0, 0), sigma)
            weight += share * cv2.GaussianBlur(pure, (0, 0), sigma)[..., None]
        return colour / (weight + 1e-12)

    person = spread((coverage > 0.98).astype(np.float32))
    room = spread((coverage < 0.02).astype(np.float32))
    mixed = coverage[..., None] * person + (1 - coverage[..., None]) * room
    outline = (coverage > 0.02) & (coverage < 0.98)
    return np.where(outline[..., None], mixed, radiance)


def _shifted(image: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    dy, dx = shift
    pad = max(abs(dy), abs(dx))
    h, w = image.shape[:2]
    wide = np.pad(image, [(pad, pad), (pad, pad)] + [(0, 0)] * (image.ndim - 2), mode="edge")
    return wide[pad + dy : pad + dy + h, pad + dx : pad + dx + w]


def develop(
    radiance: np.ndarray, *, seed: int, warmth: float = 0.0, exposure: float = 0.0, grain: float = 0.012
) -> np.ndarray:
    """sRGB uint8 picture, shape [H, W, 3].

    Args:
        warmth: White balance error, positive is warm.
        exposure: Error of the automatic exposure [stops].
        grain: Standard deviation of the sensor noise at mid grey, after the phone's own noise reduction.
    """
    rng = np.random.default_rng(seed)
    h, w = radiance.shape[:2]
    luminance = radiance @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    middle = luminance[h // 6 : -h // 6, w // 6 : -w // 6]
    gain = 0.28 / max(float(np.exp(np.mean(np.log(middle + 1e-3)))), 1e-3) * 2.0**exposure
    white = np.percentile(radiance.reshape(-1, 3)[luminance.ravel() < np.quantile(luminance, 0.97)], 80, axis=0)
    balance = (white.mean() / (white + 1e-4)) ** 0.75 * np.array([1 + warmth, 1.0, 1 - warmth])
    x = cv2.GaussianBlur((radiance * gain * balance).astype(np.float32), (0, 0), 0.45)  # lens and pixel aperture
    x = x * (1 + x / 9.0) / (1 + 0.55 * x)  # a soft shoulder
    x = x.clip(0, 1)
    noise = rng.standard_normal(x.shape).astype(np.float32)
    chroma = cv2.GaussianBlur(rng.standard_normal(x.shape).astype(np.float32), (0, 0), 1.6) * 2.0
    x = x + grain * (0.35 * noise.mean(2, keepdims=True) * 1.7 + 0.5 * chroma) * np.sqrt(x + 0.02)
    x = x.clip(0, 1)
    s = np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)
    s = s + 0.16 * (s - 0.5) * (1 - np.abs(2 * s - 1))  # contrast
    s = s + 0.14 * (s - s.mean(2, keepdims=True))  # saturation
    s = s + 0.35 * (s - cv2.GaussianBlur(s, (0, 0), 1.0))  # sharpening
    return (s.clip(0, 1) * 255 + 0.5).astype(np.uint8)
