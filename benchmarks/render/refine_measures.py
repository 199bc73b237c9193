"""How near pictures are to path-traced ones: errors, colours, edges that were not there, statistics of detail."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter

__all__ = [
    "ciede2000", "colour_difference", "detail", "flip", "gradient_histogram_distance",
    "invented_edges", "kurtosis_distance", "paired_interval", "psnr", "spectrum_distance", "ssim",
]  # fmt: skip

EDGE, NO_EDGE = 0.10, 0.05  #: steps of log luminance a pixel that are an edge, and that are none


def psnr(shown: np.ndarray, wanted: np.ndarray, inside: np.ndarray) -> float:
    """Peak signal-to-noise ratio of sRGB pictures 0..1 over a mask [dB]."""
    return float(-10 * np.log10(np.mean((shown - wanted)[inside] ** 2) + 1e-12))


def ssim(shown: np.ndarray, wanted: np.ndarray, inside: np.ndarray) -> float:
    """Structural similarity of luma (Wang et al. 2004), Gaussian window of 1.5 px, mean over a mask."""
    a, b = (x @ [0.299, 0.587, 0.114] for x in (shown, wanted))
    blur = lambda x: gaussian_filter(x, 1.5, truncate=3.5)  # noqa: E731
    ma, mb = blur(a), blur(b)
    va, vb, cov = blur(a * a) - ma**2, blur(b * b) - mb**2, blur(a * b) - ma * mb
    values = (2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
    return float(values[inside].mean())


def flip(shown: np.ndarray, wanted: np.ndarray, inside: np.ndarray) -> float:
    """FLIP (Andersson et al. 2020) of sRGB pictures, mean over a mask; 0 is no visible difference."""
    import flip_evaluator

    single = [np.ascontiguousarray(x, np.float32) for x in (wanted, shown)]
    error, _, _ = flip_evaluator.evaluate(*single, "LDR", inputsRGB=True, applyMagma=False, computeMeanError=False)
    return float(np.asarray(error)[..., 0][inside].mean())


def colour_difference(a: np.ndarray, b: np.ndarray) -> float:
    """CIEDE2000 between two linear-RGB colours."""
    return ciede2000(_lab(a), _lab(b))


def ciede2000(first: np.ndarray, second: np.ndarray) -> float:
    """CIEDE2000 between two colours in CIE L*a*b* (Sharma, Wu and Dalal 2005)."""
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    dh = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = h1 + h2 if c1 * c2 == 0 else (h1 + dh / 2) % 360
    cos = lambda degrees: np.cos(np.radians(degrees))  # noqa: E731
    t = 1 - 0.17 * cos(mean_h - 30) + 0.24 * cos(2 * mean_h) + 0.32 * cos(3 * mean_h + 6) - 0.2 * cos(4 * mean_h - 63)
    sl = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    sc, sh = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    turn = -2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(
        np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2)))
    )
    parts = (l2 - l1) / sl, (c2 - c1) / sc, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(dh / 2)) / sh
    return float(np.sqrt(max(sum(p * p for p in parts) + turn * parts[1] * parts[2], 0)))


def _lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                       [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
    x = to_xyz @ np.asarray(rgb, np.float64) / [0.95047, 1.0, 1.08883]
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def detail(rgb: np.ndarray) -> np.ndarray:
    """Log luminance of linear radiance, shape [H, W]."""
    return np.log(np.maximum(rgb @ [0.2126, 0.7152, 0.0722], 0) + 1e-3)


def _steps(log: np.ndarray) -> np.ndarray:
    return np.hypot(*np.gradient(log))


def invented_edges(shown: np.ndarray, drawn: np.ndarray, wanted: np.ndarray, inside: np.ndarray) -> float:
    """Share of a picture's edge pixels with none within 2 px in the drawn and the traced picture; log luminances."""
    edges = (_steps(shown) > EDGE) & inside
    near = np.maximum(*(maximum_filter(_steps(x), 5) for x in (drawn, wanted)))
    return float((edges & (near < NO_EDGE)).sum() / max(edges.sum(), 1))


def spectrum_distance(shown: np.ndarray, wanted: np.ndarray, inside: np.ndarray) -> float:
    """Mean difference of the log power of rings of spatial frequency; log luminances, what is outside filled evenly."""
    power = []
    for log in (shown, wanted):
        filled = np.where(inside, log - log[inside].mean(), 0)
        p = np.abs(np.fft.fftshift(np.fft.fft2(filled))) ** 2
        y, x = np.indices(p.shape)
        ring = np.hypot(y - p.shape[0] // 2, x - p.shape[1] // 2).astype(int)
        count = np.bincount(ring.ravel())
        power.append(np.log(np.bincount(ring.ravel(), p.ravel())[1 : min(p.shape) // 2]
                            / count[1 : min(p.shape) // 2] + 1e-9))  # fmt: skip
    return float(np.abs(power[0] - power[1]).mean())


def kurtosis_distance(shown: np.ndarray, wanted: np.ndarray, inside: np.ndarray) -> float:
    """Difference of the log kurtosis of Haar details on three scales; log luminances."""
    total, scales = 0.0, 3
    pictures, mask = [shown, wanted], inside.astype(float)
    for _ in range(scales):
        h, w = (n // 2 * 2 for n in mask.shape)
        quad = lambda x, h=h, w=w: x[:h, :w].reshape(h // 2, 2, w // 2, 2)  # noqa: E731
        whole = quad(mask).min((1, 3)) > 0.99
        values = []
        for picture in pictures:
            q = quad(picture)
            across, down = q[:, 0] - q[:, 1], q[:, :, :, 0] - q[:, :, :, 1]
            bands = np.concatenate([across.sum(-1)[whole], down.sum(1)[whole]])
            values.append(np.log(np.mean(bands**4) / (np.mean(bands**2) ** 2 + 1e-12) + 1e-6) if len(bands) else 0.0)
        total += abs(values[0] - values[1])
        pictures, mask = [quad(p).mean((1, 3)) for p in pictures], quad(mask).min((1, 3))
    return total / scales


def gradient_histogram_distance(shown: np.ndarray, wanted: np.ndarray, inside: np.ndarray) -> float:
    """Wasserstein distance between the steps of log luminance from pixel to pixel."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(_steps(shown)[inside], _steps(wanted)[inside]))


def paired_interval(
    gains: np.ndarray, groups: np.ndarray, *, rng: np.random.Generator, statistic: Callable = np.mean,
    rounds: int = 2000,
) -> tuple[float, float, float]:  # fmt: skip
    """A statistic of paired gains with its 95 % interval, by drawing whole groups (looks) again."""
    names = np.unique(groups)
    parts = [gains[groups == n] for n in names]
    draws = [statistic(np.concatenate([parts[i] for i in rng.integers(len(parts), size=len(parts))]))
             for _ in range(rounds)]  # fmt: skip
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(statistic(gains)), float(low), float(high)
