"""How much of the sky each point sees: visibility baked into spherical harmonics with many small depth maps.

Precomputed radiance transfer (Sloan, Kautz, Snyder 2002) for diffuse light: done once per scene, it gives soft area
shadows and ambient occlusion under any turning of the studio's lights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from render.studio import fibonacci_sphere, sh_basis

__all__ = ["bake_transfer", "ortho_matrix"]


def ortho_matrix(direction: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Orthographic view from ``direction`` of the ball around ``centre``, into clip space, shape [4, 4]."""
    forward = -np.asarray(direction, np.float64)
    helper = np.array([0.0, 1.0, 0.0]) if abs(forward[1]) < 0.99 else np.array([1.0, 0.0, 0.0])
    right = np.cross(forward, helper)
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    m = np.eye(4)
    m[:3, :3] = np.stack([right, up, forward]) / radius
    m[:3, 3] = -m[:3, :3] @ centre
    return m


def bake_transfer(
    depth_map: Callable[[np.ndarray], np.ndarray],
    points: np.ndarray,
    normals: np.ndarray,
    *,
    centre: np.ndarray,
    radius: float,
    directions: int = 128,
    offset: float = 0.003,
) -> tuple[np.ndarray, np.ndarray]:
    """Diffuse transfer of points on or near the occluders.

    Args:
        depth_map: draws the occluders with a [4, 4] matrix into clip space and returns depth 0..1, shape [n, n].
        points: [m], shape [P, 3].
        normals: unit, shape [P, 3].
        centre, radius: a ball around everything [m].
        directions: number of depth maps.
        offset: distance by which points are lifted along their normals, against self-shadowing [m].

    Returns:
        Transfer coefficients, shape [P, 9] (radiance = albedo * transfer @ environment); and the cosine-weighted
        visible fraction of the hemisphere 0..1, shape [P].
    """
    normals = np.asarray(normals, np.float32)
    lifted = np.asarray(points, np.float32) + np.float32(offset) * normals
    ways = fibonacci_sphere(directions)
    basis = sh_basis(ways).astype(np.float32)
    transfer = np.zeros((len(points), 9), np.float32)
    visible = np.zeros(len(points), np.float32)
    hemisphere = np.zeros(len(points), np.float32)
    for way, coefficients in zip(ways, basis, strict=True):
        cosine = normals @ way.astype(np.float32)
        facing = np.flatnonzero(cosine > 0)
        m = ortho_matrix(way, centre, radius)
        stored = depth_map(m)
        seen = _visibility(stored, lifted[facing] @ m[:3, :3].T.astype(np.float32) + m[:3, 3].astype(np.float32))
        weight = np.float32(4 / directions) * cosine[facing]
        transfer[facing] += (weight * seen)[:, None] * coefficients
        visible[facing] += weight * seen
        hemisphere[facing] += weight
    return transfer, visible / np.maximum(hemisphere, 1e-6)


def _visibility(stored: np.ndarray, clip: np.ndarray) -> np.ndarray:
    """Fraction of the four nearest depth texels that lie behind each point, bilinearly weighted, shape [P]."""
    size = stored.shape[0]
    xy = (clip[:, :2] * 0.5 + 0.5) * size - 0.5
    z = clip[:, 2] * 0.5 + 0.5
    low = np.floor(xy).astype(np.int32)
    t = (xy - low).astype(np.float32)
    flat = stored.reshape(-1)
    base = np.clip(low[:, 1], 0, size - 2) * size + np.clip(low[:, 0], 0, size - 2)
    seen = np.zeros(len(clip), np.float32)
    for dy in (0, 1):
        wy = t[:, 1] if dy else 1 - t[:, 1]
        for dx in (0, 1):
            wx = t[:, 0] if dx else 1 - t[:, 0]
            seen += wx * wy * (flat[base + dy * size + dx] >= z)
    return seen
