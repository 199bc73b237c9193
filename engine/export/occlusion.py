"""Occlusion textures for GLB files: where neighbouring cloth and limbs keep light away, with the lines of the sewing.

Real-time viewers light a model with its surroundings alone and know nothing of what stands in the way; these textures
tell them. They need OpenGL; without it files are written without them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.errors import JobError
from engine.core.types import SceneMesh
from engine.export.uv_raster import rasterise
from render.preview import vertex_openness

__all__ = ["occlusion_textures"]

PIXELS = 1024
DIRECTIONS = 96
HEM_STITCH = 0.02  #: where hems are stitched, from the edge [m]


def occlusion_textures(meshes: Sequence[SceneMesh]) -> dict[str, np.ndarray]:
    """Occlusion over the texture coordinates of each mesh that has them, by name: uint8 [n, n], 255 is open."""
    try:
        openness = vertex_openness(meshes, directions=DIRECTIONS)
    except JobError:
        return {}
    return {mesh.name: _texture(mesh, seen) for mesh, seen in zip(meshes, openness, strict=True) if mesh.uv is not None}


def _texture(mesh: SceneMesh, seen: np.ndarray) -> np.ndarray:
    distances = [mesh.map_ranges[n][1] * mesh.maps[n] for n in ("hem", "seam") if n in mesh.maps]
    columns = np.stack([seen, *distances], axis=1)
    corners = columns[mesh.faces]
    if corners.shape[-1] == 3:  # between seams that meet, a triangle tells nothing of its inside
        corners[(corners[..., 2] < 1e-6).all(1), :, 2] = mesh.map_ranges["seam"][1]
    values, _ = rasterise(mesh.uv, mesh.faces, corners, PIXELS)
    # light bounces between near surfaces: about half of what is blocked comes back
    open_sky = 1 - 0.75 * (1 - np.clip(values[..., 0], 0, 1))
    if values.shape[-1] == 3:
        hem, seam = values[..., 1], values[..., 2]
        open_sky = open_sky * (1 - 0.35 * np.exp(-((seam / 0.0012) ** 2)))
        open_sky = open_sky * (1 - 0.25 * np.exp(-(((hem - HEM_STITCH) / 0.0010) ** 2)))
    return np.round(255 * open_sky).astype(np.uint8)
