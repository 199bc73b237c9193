"""Flared skirts start as cones: each panel keeps its lengths, and its side edges already lie beside each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Sector", "cone_points", "fit_sector"]

#: Panels of a smaller angle than this are rolled as cylinders [rad].
MIN_ANGLE = np.radians(14.0)


@dataclass(frozen=True)
class Sector:
    """A panel read as a sector of a ring, in the coordinates (s, v) of its wrap."""

    apex: np.ndarray  #: (s, v) of the ring's centre [m]
    angle: float  #: between the side edges [rad]
    radius: float  #: from the apex to the middle of the top edge [m]


def fit_sector(rim: np.ndarray) -> Sector | None:
    """The sector whose straight sides carry most of a panel's outline; None when it hardly flares.

    Args:
        rim: Outline points in (s, v), in order [m], shape [n, 2].
    """
    middle = 0.5 * (rim[:, 0].min() + rim[:, 0].max())
    sides = np.roll(rim, -1, axis=0) - rim
    centres, lengths = rim + 0.5 * sides, np.linalg.norm(sides, axis=1)
    a, b = rim[:, 0] - middle, np.roll(rim[:, 0], -1) - middle
    over = np.flatnonzero(a * b <= 0)
    t = a[over] / np.where(a[over] == b[over], 1.0, a[over] - b[over])
    top = float((rim[over, 1] + t * sides[over, 1]).max())
    best, found = 0.0, None
    for distance in np.geomspace(0.02, 4.0, 240):
        apex = np.array([middle, top + distance])
        d = centres - apex
        phi = np.arctan2(d[:, 0], -d[:, 1])
        corner = np.arctan2(rim[:, 0] - middle, apex[1] - rim[:, 1])
        half = 0.5 * (corner.max() - corner.min())
        near = np.abs(np.abs(phi - 0.5 * (corner.max() + corner.min())) - half) < 0.02 + 0.01 * half
        along = np.abs((sides * d).sum(1)) / np.maximum(lengths * np.linalg.norm(d, axis=1), 1e-12)
        carried = float((lengths * along**200)[near].sum())
        if carried > best * 1.001:
            best, found = carried, Sector(apex, 2 * half, distance)
    height = float(np.ptp(rim[:, 1]))
    if found is None or best < 0.6 * height or found.angle < MIN_ANGLE:
        return None
    return found


def cone_points(
    sector: Sector, s: np.ndarray, v: np.ndarray, section: np.ndarray, total: float, top: float
) -> np.ndarray:
    """Rolls a sector onto a cone over a convex section.

    Args:
        section: Closed counter-clockwise section of the body around the origin, (right, out) [m], shape [n, 2].
        total: Angle of cloth that the whole cone takes [rad], at most 2 pi; it sets how steep the cone is.
        top: Height of the top edge [m].

    Returns:
        Points (right, up, out) with the panel's middle straight ahead [m], shape [n, 3].
    """
    d = np.stack([s, v], 1) - sector.apex
    rho, phi = np.hypot(d[:, 0], d[:, 1]), np.arctan2(d[:, 0], -d[:, 1])
    # the section's own direction by turn, clockwise from straight ahead so that it runs to the right
    turn = np.linspace(-np.pi, np.pi, 721)
    angle = np.arctan2(section[:, 0], section[:, 1])
    order = np.argsort(angle)
    radius = np.interp(turn, angle[order], np.hypot(section[:, 0], section[:, 1])[order], period=2 * np.pi)
    low, high = 1e-3, 1e4
    for _ in range(80):
        scale = np.sqrt(low * high)
        rays, length = _rays(turn, radius * scale)
        low, high = (scale, high) if length[-1] - length[0] < total else (low, scale)
    middle = np.interp(0.0, turn, length)
    ray = np.stack([np.interp(phi, length - middle, rays[:, k]) for k in range(3)], 1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    apex = top - sector.radius * float(rays[:, 1].mean())
    return rho[:, None] * ray + [0.0, apex, 0.0]


def _rays(turn: np.ndarray, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit rays of a cone over a section one unit below its tip, and the angle swept up to each."""
    rays = np.stack([radius * np.sin(turn), -np.ones_like(turn), radius * np.cos(turn)], 1)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    step = 2 * np.arcsin(np.clip(0.5 * np.linalg.norm(np.diff(rays, axis=0), axis=1), 0, 1))
    return rays, np.concatenate([[0.0], np.cumsum(step)])
