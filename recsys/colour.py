"""Colours by the names that shops use, in a perceptual space, and how well two of them go together.

Colours are CIELAB (D65). Harmony is the two-colour model of Ou and Luo (2006, "A colour harmony model for two-colour
combinations", Color Research and Application 31, 191-204), fitted to observers' judgements: small differences of chroma
and hue, high lightness, clear lightness contrast and cool hues are liked. Clothes know two more rules, which
``suits`` adds: quiet colours go with everything, and one loud colour from top to toe is too much.
"""

from __future__ import annotations

import functools
import math
import re

import numpy as np

__all__ = ["NAMES", "colour_words", "harmony", "lab_of", "rgb_of", "suits"]

#: sRGB of colour names as the clothing trade uses them.
NAMES: dict[str, str] = {
    "black": "1c1c1e", "white": "f7f7f4", "ivory": "f3eddc", "cream": "f1e7d0", "ecru": "e3d9c0", "beige": "d8c6a5",
    "sand": "cdb891", "camel": "b98a52", "tan": "b58d63", "taupe": "8b7d70", "brown": "6b4a33", "chocolate": "4a2f22",
    "grey": "8a8d91", "gray": "8a8d91", "charcoal": "3e4144", "silver": "b9bcc0", "navy": "1f2a4d", "blue": "2f5fa8",
    "indigo": "2c3566", "denim": "45608a", "sky": "8fbce0", "teal": "1f7478", "turquoise": "3fb3ae", "mint": "a9d8bd",
    "green": "3c7d4b", "olive": "6a6a3a", "khaki": "8d8559", "sage": "9caf8e", "forest": "24472f", "yellow": "eccb49",
    "mustard": "c79a2d", "gold": "b9953f", "orange": "dc7a33", "rust": "a84f2a", "terracotta": "b9623f",
    "coral": "ea7a66", "peach": "f2b899", "pink": "e6a3b6", "rose": "cf7f8c", "fuchsia": "c43a83", "red": "b62a33",
    "burgundy": "6a1f33", "wine": "64233a", "plum": "5f3558", "purple": "6a4593", "lilac": "b7a1cf",
    "lavender": "b8aed8", "violet": "6f4fa3",
}  # fmt: skip
NEUTRAL_CHROMA = 23.0  #: below it a colour is quiet: grey, beige, navy, brown
SAME = 12.0  #: colours nearer than this are one (CIE76)
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                    [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip
_WHITE = np.array([0.95047, 1.0, 1.08883])


def lab_of(text: str) -> np.ndarray | None:
    """L*, a*, b* of a colour name, of a name within a text (``light navy melange``) or of #rrggbb; None if unknown."""
    lab = _lab_of(text)
    return None if lab is None else np.array(lab)


@functools.lru_cache(maxsize=16_384)
def _lab_of(text: str) -> tuple[float, float, float] | None:
    found = _HEX.fullmatch(text.strip())
    words = re.findall(r"[a-z]+", text.lower())
    code = found.group(1) if found else next((NAMES[w] for w in reversed(words) if w in NAMES), None)
    if code is None:
        return None
    lab = _lab(np.array([int(code[k : k + 2], 16) for k in (0, 2, 4)]) / 255)
    if not found:
        lab[0] += 14 * ("light" in words or "pale" in words) - 14 * ("dark" in words or "deep" in words)
        lab[0] = min(max(lab[0], 0.0), 100.0)
    return float(lab[0]), float(lab[1]), float(lab[2])


def _lab(rgb: np.ndarray) -> np.ndarray:
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    t = (_TO_XYZ @ linear) / _WHITE
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def rgb_of(lab: np.ndarray) -> np.ndarray:
    """sRGB in 0..1 of L*, a*, b*, shape [3]; out of gamut is cut off."""
    middle = (lab[0] + 16) / 116
    f = np.array([middle + lab[1] / 500, middle, middle - lab[2] / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * _WHITE
    linear = np.clip(np.linalg.solve(_TO_XYZ, xyz), 0, 1)
    return np.clip(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055), 0, 1)


def harmony(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How well colours go together, about -1.2 to 1.4; shapes [..., 3] give shape [...]; NaN where one is unknown."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    chroma_a, chroma_b = np.hypot(a[..., 1], a[..., 2]), np.hypot(b[..., 1], b[..., 2])
    d_chroma = chroma_a - chroma_b
    d_hue_squared = np.maximum((a[..., 1] - b[..., 1]) ** 2 + (a[..., 2] - b[..., 2]) ** 2 - d_chroma**2, 0)
    difference = np.sqrt(d_hue_squared + (d_chroma / 1.46) ** 2)
    of_chroma = 0.04 + 0.53 * np.tanh(0.8 - 0.045 * difference)
    total, apart = a[..., 0] + b[..., 0], np.abs(a[..., 0] - b[..., 0])
    of_lightness = 0.28 + 0.54 * np.tanh(-3.88 + 0.029 * total) + 0.14 + 0.15 * np.tanh(-2 + 0.2 * apart)
    return of_chroma + of_lightness + _hue_effect(a, chroma_a) + _hue_effect(b, chroma_b)


def suits(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How well two colours are worn together, about -1 to 1; shapes [..., 3] give shape [...]; NaN if unknown."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    pleasing = np.clip((harmony(a, b) - 0.1) / 0.8, -1, 1)
    chroma = np.minimum(np.hypot(a[..., 1], a[..., 2]), np.hypot(b[..., 1], b[..., 2]))
    pleasing = np.where(chroma < NEUTRAL_CHROMA, np.maximum(pleasing, 0.5), pleasing)
    alike = np.linalg.norm(a - b, axis=-1) < SAME
    return np.where(alike & (chroma >= NEUTRAL_CHROMA), np.minimum(pleasing, 0.2), pleasing)


def _hue_effect(lab: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    h = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    strength = 0.5 + 0.5 * np.tanh(-2 + 0.5 * chroma)
    hue = -0.08 - 0.14 * np.sin(np.radians(h + 50)) - 0.07 * np.sin(np.radians(2 * h + 90))
    near_yellow = (90 - h) / 10
    yellow = (0.22 * lab[..., 0] - 12.8) / 10 * np.exp(near_yellow - np.exp(np.minimum(near_yellow, 50)))
    return strength * (hue + yellow)


def colour_words(name_a: str, a: np.ndarray, name_b: str, b: np.ndarray) -> str:
    """What the eye makes of two colours, in plain words."""
    quiet = [math.hypot(c[1], c[2]) < NEUTRAL_CHROMA for c in (a, b)]
    light = abs(a[0] - b[0])
    if name_a == name_b and light < 3:
        return f"{name_a} with {name_b}"
    if all(quiet):
        return f"{name_a} and {name_b}: neutrals, {'a clear light and dark' if light > 35 else 'tone on tone'}"
    if any(quiet):
        calm, loud = (name_a, name_b) if quiet[0] else (name_b, name_a)
        return f"{calm} is neutral and lets {loud} speak"
    turn = abs((math.degrees(math.atan2(a[2], a[1]) - math.atan2(b[2], b[1])) + 180) % 360 - 180)
    if turn < 35:
        return f"{name_a} and {name_b} are neighbours on the colour circle"
    if turn > 145:
        return f"{name_a} and {name_b} are complementary"
    return f"{name_a} and {name_b} set each other off"
