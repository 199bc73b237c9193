"""From scene-linear pictures to files: tone mapping, sRGB and PNG."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from engine.core.safe_io import write_bytes
from engine.core.types import ImageBuffers

__all__ = ["develop", "tone_map", "srgb_from_linear", "write_png"]


def tone_map(rgb: np.ndarray) -> np.ndarray:
    """Khronos PBR Neutral: keeps the colours of goods true and rolls highlights off like film, shape [..., 3]."""
    start, desaturation = 0.8 - 0.04, 0.15
    rgb = np.maximum(np.asarray(rgb, np.float32), 0)
    low = rgb.min(-1, keepdims=True)
    color = rgb - np.where(low < 0.08, low - 6.25 * low * low, 0.04)
    peak = color.max(-1, keepdims=True)
    d = 1.0 - start
    new_peak = np.where(peak < start, peak, 1.0 - d * d / (peak + d - start))
    color = color * (new_peak / np.maximum(peak, 1e-6))
    g = np.where(peak < start, 0.0, 1.0 - 1.0 / (desaturation * (peak - new_peak) + 1.0))
    return color * (1 - g) + new_peak * g


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """sRGB 0..1 of linear values."""
    x = np.clip(linear, 0, 1)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055)


def develop(buffers: ImageBuffers, *, transparent: bool = False) -> np.ndarray:
    """The picture as sRGB uint8, shape [H, W, 3]; with the subject's coverage as alpha [H, W, 4] if ``transparent``."""
    srgb = srgb_from_linear(tone_map(buffers.rgb)) * 255
    picture = np.floor(np.clip(srgb + _grain(*srgb.shape[:2]), 0, 255)).astype(np.uint8)
    if transparent:
        alpha = np.round(np.clip(buffers.alpha, 0, 1) * 255).astype(np.uint8)
        picture = np.concatenate([picture, alpha[..., None]], axis=-1)
    return picture


def _grain(height: int, width: int) -> np.ndarray:
    """Interleaved gradient noise (Jimenez 2014), 0..1, shape [H, W, 1]: rounding by it leaves no steps in gradients."""
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    steps = np.mod(x * np.float32(0.06711056) + y * np.float32(0.00583715), 1)
    return np.mod(np.float32(52.9829189) * steps, 1)[..., None]


def write_png(path: str | Path, picture: np.ndarray | ImageBuffers) -> Path:
    """Writes an uint8 picture [H, W, 3 or 4], or develops linear buffers first."""
    from PIL import Image

    if isinstance(picture, ImageBuffers):
        picture = develop(picture)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=6)
    return write_bytes(path, stream.getvalue())
