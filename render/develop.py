"""From scene-linear pictures to files: tone mapping, sRGB, PNG and animated WebP."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core.safe_io import write_bytes
from engine.core.types import ImageBuffers

__all__ = ["develop", "tone_map", "srgb_from_linear", "write_png", "write_webp"]


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
    picture = np.round(srgb_from_linear(tone_map(buffers.rgb)) * 255).astype(np.uint8)
    if transparent:
        alpha = np.round(np.clip(buffers.alpha, 0, 1) * 255).astype(np.uint8)
        picture = np.concatenate([picture, alpha[..., None]], axis=-1)
    return picture


def write_png(path: str | Path, picture: np.ndarray | ImageBuffers) -> Path:
    """Writes an uint8 picture [H, W, 3 or 4], or develops linear buffers first."""
    from PIL import Image

    if isinstance(picture, ImageBuffers):
        picture = develop(picture)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=6)
    return write_bytes(path, stream.getvalue())


def write_webp(path: str | Path, frames: Sequence[np.ndarray], *, fps: float = 15.0, quality: int = 82) -> Path:
    """Writes uint8 pictures [H, W, 3] as an endlessly looping WebP."""
    from PIL import Image

    images = [Image.fromarray(frame) for frame in frames]
    stream = io.BytesIO()
    images[0].save(
        stream,
        format="WEBP",
        save_all=True,
        append_images=images[1:],
        duration=round(1000 / fps),
        loop=0,
        quality=quality,
        method=3,
    )
    return write_bytes(path, stream.getvalue())
