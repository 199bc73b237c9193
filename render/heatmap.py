"""Colour maps of strain and contact pressure, and the legend that explains them in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.core.types import SceneMesh

__all__ = ["MapStyle", "MAP_STYLES", "color_table", "colors", "draw_legend", "legend_ticks", "shown_range"]


@dataclass(frozen=True)
class MapStyle:
    """How a scalar field is shown. ``stops`` are sRGB colours evenly spaced in 0..1, joined in OKLab."""

    title: str
    unit: str
    factor: float  #: from SI to the unit shown
    signed: bool
    stops: tuple[str, ...]
    default_range: tuple[float, float]  #: in SI, for a field whose range is not given


MAP_STYLES: dict[str, MapStyle] = {
    # diverging: blue is slack or compressed, grey is at rest length, red is stretched
    "strain": MapStyle(
        "Stretch", "%", 100.0, True, ("#2a4b9b", "#6f9fd0", "#dad7d0", "#f0a062", "#a81c2c"), (-0.1, 0.1)
    ),
    # sequential, lightness falls evenly: pale is no contact, dark is the strongest
    "pressure": MapStyle(
        "Contact pressure", "kPa", 1e-3, False, ("#e4e1d9", "#eebb60", "#ea7f47", "#b93a5c", "#4f1d63"), (0.0, 2000.0)
    ),
    # sequential: pale is slack, dark is the tightest
    "tension": MapStyle(
        "Tension", "N/m", 1.0, False, ("#f4e9a8", "#f2b13c", "#e0552e", "#a31545", "#4a0a4f"), (0.0, 100.0)
    ),
}


def colors(name: str, values: np.ndarray) -> np.ndarray:
    """sRGB colours 0..1 of a field's values in 0..1, shape [..., 3]."""
    table = color_table(name).astype(np.float32) / 255
    x = np.clip(np.nan_to_num(np.asarray(values, np.float32)), 0, 1) * (len(table) - 1)
    low = np.floor(x).astype(np.int64)
    high = np.minimum(low + 1, len(table) - 1)
    t = (x - low)[..., None]
    return table[low] * (1 - t) + table[high] * t


@lru_cache
def color_table(name: str, entries: int = 256) -> np.ndarray:
    """The colour map as sRGB uint8, shape [entries, 3]."""
    stops = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in MAP_STYLES[name].stops])
    lab = _oklab(_to_linear(stops))
    x = np.linspace(0, len(stops) - 1, entries)
    from scipy.interpolate import PchipInterpolator

    smooth = PchipInterpolator(np.arange(len(stops)), lab, axis=0)(x)
    table = np.round(_to_srgb(_from_oklab(smooth)) * 255).astype(np.uint8)
    table.setflags(write=False)
    return table


def shown_range(meshes: Sequence[SceneMesh], name: str) -> tuple[float, float]:
    """What 0 and 1 of a map stand for in SI units, by the first mesh that says so."""
    return next((m.map_ranges[name] for m in meshes if name in m.map_ranges), MAP_STYLES[name].default_range)


def legend_ticks(name: str, value_range: tuple[float, float]) -> list[tuple[float, str]]:
    """Places along the colour bar (0..1) and what to write there; the last one is open-ended."""
    style = MAP_STYLES[name]
    low, high = (v * style.factor for v in value_range)
    ticks = []
    for fraction in (0.0, 0.25, 0.5, 0.75, 1.0):
        value = low + (high - low) * fraction
        text = f"{value:+.3g}" if style.signed and abs(value) > 1e-9 else f"{abs(value):.3g}"
        ticks.append((fraction, text))
    return ticks


def draw_legend(image: np.ndarray, name: str, value_range: tuple[float, float]) -> np.ndarray:
    """The picture with a vertical colour bar, its title and units at the left, shape [H, W, 3] uint8."""
    from PIL import Image, ImageDraw, ImageFont

    style = MAP_STYLES[name]
    canvas = Image.fromarray(image).convert("RGB")
    draw = ImageDraw.Draw(canvas)
    unit = canvas.height / 100
    font = ImageFont.load_default(size=max(10, 1.55 * unit))
    bar_height, bar_width = int(30 * unit), max(8, int(1.6 * unit))
    left, top = int(4 * unit), int(10 * unit)
    bar = np.repeat(color_table(name)[::-1][:, None], bar_width, axis=1)
    bar_image = Image.fromarray(bar).resize((bar_width, bar_height), Image.Resampling.BILINEAR)
    canvas.paste(bar_image, (left, top))
    ink, faint = (52, 50, 48), (120, 117, 113)
    draw.rectangle((left - 1, top - 1, left + bar_width, top + bar_height), outline=faint)
    draw.text((left - 1, top - 2.2 * unit), f"{style.title} [{style.unit}]", fill=ink, font=font, anchor="ls")
    for fraction, text in legend_ticks(name, value_range):
        y = top + bar_height * (1 - fraction)
        draw.line((left + bar_width, y, left + bar_width + 0.7 * unit, y), fill=faint)
        draw.text((left + bar_width + 1.1 * unit, y), text, fill=ink, font=font, anchor="lm")
    return np.asarray(canvas)


def _to_linear(srgb: np.ndarray) -> np.ndarray:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _to_srgb(linear: np.ndarray) -> np.ndarray:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


# Oklab, B. Ottosson 2020: equal distances look equally different
_M1 = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_M2 = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _oklab(linear: np.ndarray) -> np.ndarray:
    return np.cbrt(linear @ _M1.T) @ _M2.T


def _from_oklab(lab: np.ndarray) -> np.ndarray:
    return (lab @ np.linalg.inv(_M2).T) ** 3 @ np.linalg.inv(_M1).T
