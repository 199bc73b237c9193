"""Sub-pixel outlines of a person: from the mask's outline to the true edge in the photo.

Coordinates have pixel centres at half-integers. The edge of a pixel row that blends linearly from body to
background lies where the blend is one half *in linear light*: measured in sRGB values it would be biased.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Contour", "edge_width", "linear_light", "refine", "trace"]

SMOOTHING = 1.0  #: sigma of the blur before tracing a mask [px]
REACH = 2.0  #: search along the normal on both sides of the mask's outline [px]
WINDOW = 1.5  #: length over which the colours of both sides are averaged [px]
GAP = 1.5  #: left out around the edge, where lens and sensor mix the colours [px]
STEP = 0.5  #: sampling of profiles [px]


@dataclass(frozen=True)
class Contour:
    """Points on closed outlines with normals pointing out of the body.

    ``std`` is the standard error of each point along its normal, ``width`` the edge's 25-75 % blur (nan where it was
    not measured), all [px].
    """

    points: np.ndarray  #: shape [N, 2]
    normals: np.ndarray  #: unit, shape [N, 2]
    loop: np.ndarray  #: number of the closed loop, shape [N]
    std: np.ndarray  #: shape [N]
    width: np.ndarray  #: shape [N]

    def pick(self, keep: np.ndarray) -> Contour:
        """The points under a boolean mask or index array."""
        return Contour(self.points[keep], self.normals[keep], self.loop[keep], self.std[keep], self.width[keep])


def linear_light(rgb: np.ndarray) -> np.ndarray:
    """sRGB uint8 to linear light in 0..1, float32."""
    table = np.linspace(0.0, 1.0, 256)
    table = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4).astype(np.float32)
    return table[rgb]


def _sample(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Bilinear samples at points with half-integer pixel centres; shape [..., channels]."""
    xy = (points - 0.5).astype(np.float32)
    flat = xy.reshape(-1, 1, 2)
    # remap's maps have at most 32767 rows
    parts = [
        cv2.remap(image, flat[i : i + 30000], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for i in range(0, len(flat), 30000)
    ]
    values = np.concatenate(parts).reshape(len(flat), -1)
    return values.reshape(*points.shape[:-1], values.shape[-1])


def trace(mask: np.ndarray, *, spacing: float = 2.0, min_length: float = 40.0) -> Contour:
    """Outlines of a mask at its half level.

    Args:
        mask: coverage 0..1, shape [H, W].
        spacing: distance of the points along the outline [px].
        min_length: shorter loops are left out [px].
    """
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), SMOOTHING)
    gradient = np.stack([cv2.Sobel(soft, cv2.CV_32F, dx, 1 - dx, ksize=3) for dx in (1, 0)], -1) / 8
    loops, _ = cv2.findContours((soft >= 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    points, numbers = [], []
    for chain in loops:
        # findContours walks through the centres of the outermost body pixels
        p = chain[:, 0].astype(np.float64) + 0.5
        for _ in range(3):
            g = _sample(gradient, p)
            p = p + g * ((0.5 - _sample(soft[..., None], p)) / np.maximum((g**2).sum(-1, keepdims=True), 1e-3))
        p = _resample(p, spacing)
        if len(p) * spacing >= min_length:
            numbers.append(np.full(len(p), len(points)))
            points.append(p)
    if not points:
        none = np.zeros(0)
        return Contour(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, int), none, none)
    p = np.concatenate(points)
    g = -_sample(gradient, p)
    normals = g / np.maximum(np.linalg.norm(g, axis=1, keepdims=True), 1e-9)
    return Contour(p, normals, np.concatenate(numbers), np.full(len(p), 1.0), np.full(len(p), np.nan))


def _resample(p: np.ndarray, spacing: float) -> np.ndarray:
    """Points at equal arc length along a closed polygon, after a light smoothing of the pixel stairs."""
    closed = np.vstack([p, p[:1]])
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    keep = np.concatenate([[True], np.diff(along) > 1e-9])
    count = int(along[-1] // spacing)
    if count < 3:
        return np.zeros((0, 2))
    at = np.arange(count) * along[-1] / count
    return np.stack([np.interp(at, along[keep], closed[keep, i]) for i in range(2)], 1)


def refine(rgb: np.ndarray, contour: Contour, *, reach: float = REACH) -> Contour:
    """Moves each point along its normal to the half level between the colours on both sides.

    Where both sides look alike the point stays where the mask put it, with a wide standard error.

    Args:
        rgb: sRGB uint8, shape [H, W, 3].
    """
    if not len(contour.points):
        return contour
    light = cv2.GaussianBlur(np.concatenate([linear_light(rgb), rgb.astype(np.float32) / 255], -1), (0, 0), 0.6)
    margin = WINDOW + GAP
    offsets = np.arange(-reach - margin, reach + margin + 1e-6, STEP)
    profiles = _sample(light, contour.points[:, None] + offsets[None, :, None] * contour.normals[:, None])
    profiles = _along(profiles, contour.loop)
    found, std, width = _edges(profiles[..., :3], profiles[..., 3:], offsets, reach)
    moved = _median_along(found, contour.loop)
    agree = np.abs(found - moved) < 1.5
    shift = np.where(agree, found, moved)
    std = np.where(agree, std, np.maximum(std, 1.5))
    return Contour(
        contour.points + shift[:, None] * contour.normals, contour.normals, contour.loop, std,
        np.where(agree, width, np.nan),
    )


def edge_width(rgb: np.ndarray, contour: Contour, reach: float) -> float:
    """How wide the photo's edges are, as colour step over steepest slope: median over the outline [px].

    Args:
        reach: the outline is searched for the edge this far on both sides [px].

    Returns:
        nan where too little of the outline has any contrast.
    """
    if not len(contour.points):
        return float("nan")
    offsets = np.arange(-reach, reach + 1e-6, STEP)
    light = cv2.GaussianBlur(rgb.astype(np.float32) / 255, (0, 0), 0.6)
    profiles = _along(_sample(light, contour.points[:, None] + offsets[None, :, None] * contour.normals[:, None]),
                      contour.loop)  # fmt: skip
    third = len(offsets) // 3
    step = profiles[:, -third:].mean(1) - profiles[:, :third].mean(1)
    size = np.linalg.norm(step, axis=1)
    level = (profiles @ (step / np.maximum(size, 1e-6)[:, None])[..., None])[..., 0]
    slope = np.abs(np.diff(level, axis=1)).max(1) / STEP
    strong = size > 0.08
    if strong.mean() < 0.2:
        return float("nan")
    return float(np.median(size[strong] / slope[strong]))


def _neighbours(loop: np.ndarray, step: int) -> np.ndarray:
    """Index of the point ``step`` further along the same closed loop, shape [N]."""
    start = np.concatenate([[0], np.nonzero(np.diff(loop))[0] + 1])
    size = np.diff(np.concatenate([start, [len(loop)]]))
    first, count = np.repeat(start, size), np.repeat(size, size)
    return first + (np.arange(len(loop)) - first + step) % count


def _along(values: np.ndarray, loop: np.ndarray) -> np.ndarray:
    """Weighted mean over five neighbours along the outline: less noise, no shift across it."""
    out = 6.0 * values
    for step, weight in ((1, 4.0), (2, 1.0)):
        out += weight * (values[_neighbours(loop, step)] + values[_neighbours(loop, -step)])
    return out / 16.0


def _median_along(values: np.ndarray, loop: np.ndarray, half: int = 4) -> np.ndarray:
    return np.median([values[_neighbours(loop, s)] for s in range(-half, half + 1)], axis=0)


def _edges(
    light: np.ndarray, seen: np.ndarray, offsets: np.ndarray, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Position, standard error and blur of the edge in each profile.

    The edge is the place that best parts the profile into an inner and an outer colour, as the eye sees them (in
    linear light the lit side of an arm would differ more from its own shadow than that from a dark wall), weighted to
    be near the mask's outline; then the half-level crossing there, in linear light.

    Args:
        light, seen: the same profiles in linear light and in sRGB, 0..1, shape [N, S, 3].
    """
    window, gap = int(WINDOW / STEP), int(GAP / STEP)
    at = np.arange(window + gap, len(offsets) - window - gap)
    inner, outer = _sides(seen, at, window, gap)
    score = np.linalg.norm(outer - inner, axis=-1) * np.exp(-0.5 * (offsets[at] / (0.4 * reach)) ** 2)
    score[:, np.abs(offsets[at]) > reach] = 0
    best = np.argmax(score, axis=1)
    inner, outer = _sides(light, at, window, gap)
    step = outer - inner
    contrast = np.linalg.norm(step, axis=-1)
    profiles = light
    rows = np.arange(len(profiles))
    centre = at[best].astype(np.float64)
    for _ in range(4):
        # once more around the edge found: the means must not reach into it
        k = np.clip(np.round(centre).astype(int), at[0], at[-1]) - at[0]
        lo, direction, strength = inner[rows, k], step[rows, k], contrast[rows, k]
        unit = direction / np.maximum(strength**2, 1e-9)[:, None]
        level = ((profiles - lo[:, None]) * unit[:, None]).sum(-1)  # 0 inside, 1 outside
        half = _crossing(level, centre, 0.5, window)
        centre = np.where(np.isfinite(half), half, centre)
    noise = np.abs(np.diff(level, n=2, axis=1)).mean(1) / 2.0
    position = offsets[0] + half * STEP
    quarter, three = _crossing(level, centre, 0.25, window), _crossing(level, centre, 0.75, window)
    good = (strength > 0.012) & np.isfinite(position)
    blur = np.where(good, (three - quarter) * STEP, np.nan)
    std = np.clip(0.25 + 0.02 / np.maximum(strength, 1e-3) + noise, 0.3, 4.0)
    return np.where(good, position, 0.0), np.where(good, std, 3.0), blur


def _sides(profiles: np.ndarray, at: np.ndarray, window: int, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean colours inside and outside of the samples ``at``, shapes [N, len(at), 3]."""
    total = np.cumsum(np.pad(profiles, ((0, 0), (1, 0), (0, 0))), axis=1)
    inner = (total[:, at - gap] - total[:, at - gap - window]) / window
    outer = (total[:, at + gap + window] - total[:, at + gap]) / window
    return inner, outer


def _crossing(level: np.ndarray, centre: np.ndarray, value: float, window: int) -> np.ndarray:
    """Fractional sample index where ``level`` rises through ``value`` nearest to ``centre``; nan if it does not."""
    rising = (level[:, :-1] < value) & (level[:, 1:] >= value)
    k = np.arange(level.shape[1] - 1)
    fraction = (value - level[:, :-1]) / np.where(rising, level[:, 1:] - level[:, :-1], 1.0)
    where = k[None] + fraction
    distance = np.where(rising, np.abs(where - centre[:, None]), np.inf)
    nearest = np.argmin(distance, axis=1)
    rows = np.arange(len(level))
    return np.where(distance[rows, nearest] <= window, where[rows, nearest], np.nan)
