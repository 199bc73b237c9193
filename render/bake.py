"""How much of the sky each point sees: visibility baked into spherical harmonics with many small depth maps.

Precomputed radiance transfer (Sloan, Kautz, Snyder 2002) for diffuse light: done once per scene, it gives soft area
shadows and ambient occlusion under any turning of the studio's lights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from render.camera import gl_bytes
from render.gpu_canvas import release
from render.gpu_programs import UNITS, Programs
from render.gpu_tables import filled, table_size
from render.studio import fibonacci_sphere, sh_basis

__all__ = ["bake_transfer", "ortho_matrix"]

DEPTH_SIZE = 1024  #: of the depth maps [px]


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
    context: Any,
    programs: Programs,
    draw_depth: Callable[[Any, np.ndarray], None],
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
        context: moderngl context.
        draw_depth: draws the occluders' depth into a framebuffer with a [4, 4] matrix into clip space.
        points: [m], shape [P, 3].
        normals: unit, shape [P, 3].
        centre, radius: a ball around everything [m].
        directions: number of depth maps.
        offset: distance by which points are lifted along their normals, against self-shadowing [m].

    Returns:
        Transfer coefficients, shape [P, 9] (radiance = albedo * transfer @ environment); and the cosine-weighted
        visible fraction of the hemisphere 0..1, shape [P].
    """
    depth = context.depth_texture((DEPTH_SIZE, DEPTH_SIZE))
    depth.repeat_x = depth.repeat_y = False
    occluders = context.framebuffer(depth_attachment=depth)
    size = table_size(len(points))
    normals = np.asarray(normals, np.float32)
    lifted = np.asarray(points, np.float32) + np.float32(offset) * normals
    tables = {"points": _table(context, lifted, size), "normals": _table(context, normals, size)}
    sums = context.framebuffer([context.texture(size, 4, dtype="f4") for _ in range(3)])
    sums.clear(0, 0, 0, 0)
    program = programs.get("bake")
    program["depth"].value, program["share"].value = 0.0, 4 / directions
    every = context.vertex_array(program, [])
    ways = fibonacci_sphere(directions)
    for way, harmonics in zip(ways, sh_basis(ways), strict=True):
        matrix = ortho_matrix(way, centre, radius)
        draw_depth(occluders, matrix)
        program["sky_matrix"].write(gl_bytes(matrix))
        program["way"].value, program["harmonics"].value = tuple(way), [float(h) for h in harmonics]
        sums.use()
        for name, texture in (*tables.items(), ("depth_map", depth)):
            texture.use(UNITS[name])
        context.enable_only(context.BLEND)
        context.blend_func = (context.ONE, context.ONE)
        every.render(vertices=3)
    read = [np.frombuffer(texture.read(), np.float32).reshape(-1, 4) for texture in sums.color_attachments]
    packed = np.concatenate(read, axis=1)[: len(points)]
    for held in (*tables.values(), every):
        held.release()
    release(occluders)
    release(sums)
    return np.ascontiguousarray(packed[:, :9]), packed[:, 9] / np.maximum(packed[:, 10], 1e-6)


def _table(context: Any, values: np.ndarray, size: tuple[int, int]) -> Any:
    texture = context.texture(size, 3, filled(values, size, 3), dtype="f4")
    texture.filter = (context.NEAREST, context.NEAREST)
    return texture
