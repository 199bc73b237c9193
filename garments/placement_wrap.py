"""Lengths-preserving wraps: a flat panel is rolled along a curve drawn around a part of the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

__all__ = ["Frame", "Hull", "roll"]

_ANGLES = np.linspace(0, 2 * np.pi, 361)[:-1]
_NORMALS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1)
#: Standard deviation of the rounding of corners [degrees of the normal's turn].
_ROUNDING = 12.0


@dataclass(frozen=True)
class Frame:
    """Axes of a wrap: ``up`` is the straight direction, ``out`` points away from the body, right x up = out."""

    origin: np.ndarray  #: [m], shape [3]
    right: np.ndarray
    up: np.ndarray
    out: np.ndarray

    def section(self, points: np.ndarray) -> np.ndarray:
        """Coordinates along right and out [m], shape [n, 2]."""
        d = np.asarray(points, float) - self.origin
        return np.stack([d @ self.right, d @ self.out], 1)

    def height(self, points: np.ndarray) -> np.ndarray:
        """Coordinate along up [m], shape [n]."""
        return (np.asarray(points, float) - self.origin) @ self.up

    def world(self, section: np.ndarray, height: np.ndarray) -> np.ndarray:
        """World points [m], shape [n, 3]."""
        return self.origin + section[:, :1] * self.right + section[:, 1:] * self.out + height[:, None] * self.up


class Hull:
    """Smooth convex curves around points [m], shape [n, 2].

    The support function of the convex hull is blurred over the normal's angle, which keeps the curve convex (it is a
    mean of turned copies) and rounds its corners, and is then raised so that nothing of the hull reaches out of it.
    """

    def __init__(self, section: np.ndarray) -> None:
        section = np.asarray(section, float)
        self._centre = 0.5 * (section.min(0) + section.max(0))
        support = ((section - self._centre) @ _NORMALS.T).max(0)
        self._smooth = gaussian_filter1d(support, _ROUNDING, mode="wrap")
        self._raised = np.max(support - self._smooth)

    def curve(self, offset: float) -> np.ndarray:
        """The curve at a distance of at least ``offset`` [m], counter-clockwise, shape [n, 2] [m]."""
        smooth = self._smooth + (self._raised + offset)
        slope = (np.roll(smooth, -1) - np.roll(smooth, 1)) / (2 * (_ANGLES[1] - _ANGLES[0]))
        tangents = np.stack([-_NORMALS[:, 1], _NORMALS[:, 0]], 1)
        return self._centre + smooth[:, None] * _NORMALS + slope[:, None] * tangents

    def offset_for_length(self, offset: float, length: float) -> float:
        """The offset, at least ``offset``, at which the curve is ``length`` long [m]."""
        curve = self.curve(offset)
        now = float(np.linalg.norm(curve - np.roll(curve, -1, axis=0), axis=1).sum())
        return offset + max(0.0, length - now) / (2 * np.pi)


def roll(
    curve: np.ndarray, s: np.ndarray, *, start: float = 0.0, openness: tuple[float, float] = (0.0, 0.0),
    push: float = 0.0,
) -> np.ndarray:
    """Lays arc lengths along a closed convex curve, starting where it is outermost at right = ``start``.

    Args:
        curve: Counter-clockwise points (right, out) [m], shape [n, 2].
        s: Signed arc lengths, positive to the right [m], shape [k].
        openness: How far the curve is straightened for s < 0 and s > 0: 0 follows it, 1 is flat. A straightened
            convex curve stays outside the original.
        push: Further distance outwards [m].

    Returns:
        Points (right, out) [m], shape [k, 2].
    """
    n = len(curve)
    (x0, z0), (x1, z1) = curve.T, np.roll(curve, -1, axis=0).T
    t = (np.clip(start, x0.min(), x0.max()) - x0) / np.where(np.abs(x1 - x0) > 1e-12, x1 - x0, np.inf)
    z = np.where((t >= 0) & (t <= 1), z0 + t * (z1 - z0), -np.inf)
    k = int(np.argmax(z))
    origin = np.array([x0[k] + t[k] * (x1[k] - x0[k]), z[k]])
    result = np.empty((len(s), 2))
    for sign, open_ in ((-1.0, openness[0]), (1.0, openness[1])):
        side = (s < 0) if sign < 0 else (s >= 0)
        if not side.any():
            continue
        order = [(k + 1 + i) % n for i in range(n)] if sign < 0 else [(k - i) % n for i in range(n)]
        path = np.concatenate([[origin], curve[order], [origin]])
        result[side] = _along(path, np.abs(s[side]), sign, open_)
    return result + [0.0, push]


def _along(path: np.ndarray, s: np.ndarray, sign: float, openness: float) -> np.ndarray:
    steps = np.diff(path, axis=0)
    length = np.linalg.norm(steps, axis=1)
    keep = length > 1e-9
    steps, length = steps[keep], length[keep]
    angle = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    flat = 0.0 if sign > 0 else np.pi
    angle = flat + (np.mod(angle - flat + np.pi, 2 * np.pi) - np.pi)[0] + (angle - angle[0])
    angle = flat + (angle - flat) * (1.0 - openness)
    ends = np.concatenate([[0.0], np.cumsum(length)])
    # rounding the polygon's corners: the direction turns linearly between the middles of its sides
    fine = np.linspace(0.0, max(float(s.max()), 1e-6), max(8, int(np.ceil(s.max() / 0.001)) + 1))
    middle = 0.5 * (fine[1:] + fine[:-1])
    direction = np.interp(middle, 0.5 * (ends[1:] + ends[:-1]), angle, right=float(angle[-1]))
    step = np.diff(fine)[:, None] * np.stack([np.cos(direction), np.sin(direction)], 1)
    points = path[0] + np.concatenate([[[0.0, 0.0]], np.cumsum(step, axis=0)])
    return np.stack([np.interp(s, fine, points[:, 0]), np.interp(s, fine, points[:, 1])], 1)
