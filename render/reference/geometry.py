"""Meshes as the preview draws them, made fit for rays: cloth rounded, skin kept beneath the cloth that lies on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.core.mesh import vertex_normals
from engine.core.types import SceneMesh
from render.smooth import smoothed

__all__ = ["traceable"]

SMOOTH_BELOW = 80_000  #: cloth of fewer triangles is rounded
SINK = 0.004  #: how far skin under cloth is drawn in [m]; the preview draws cloth 3 mm nearer instead
NEAR, FAR = 0.006, 0.015  #: wholly from the nearer, no more beyond the farther distance to the cloth [m]


def traceable(meshes: Sequence[SceneMesh]) -> list[SceneMesh]:
    """The meshes with normals, cloth rounded as in the preview, and skin that does not show through cloth."""
    rounded = [smoothed(m) if m.material.double_sided and len(m.faces) < SMOOTH_BELOW else m for m in meshes]
    cloth = [m for m in rounded if m.material.double_sided and len(m.faces)]
    shown = []
    for mesh in rounded:
        if not len(mesh.faces):
            continue
        if mesh.normals is None:
            _, same = np.unique(np.round(mesh.vertices, 6), axis=0, return_inverse=True)
            mesh = replace(mesh, normals=vertex_normals(mesh.vertices, mesh.faces, same.reshape(-1)))
        shown.append(mesh if mesh.material.double_sided or not cloth else _sunk(mesh, cloth))
    return shown


def _sunk(skin: SceneMesh, cloth: Sequence[SceneMesh]) -> SceneMesh:
    from engine.core.open3d_runtime import surface_scene, tensor

    starts = np.cumsum([0] + [len(m.vertices) for m in cloth])
    vertices = np.concatenate([m.vertices for m in cloth]).astype(np.float32)
    faces = np.concatenate([m.faces + start for m, start in zip(cloth, starts, strict=False)]).astype(np.int32)
    points = np.asarray(skin.vertices, np.float32)
    nearest = surface_scene(vertices, faces).compute_closest_points(tensor(points))["points"].numpy()
    way = nearest - points
    distance = np.linalg.norm(way, axis=1)
    outside = (way * skin.normals).sum(1) > -SINK  # the cloth that lies on it, not the one behind a thin limb
    share = np.clip((FAR - distance) / (FAR - NEAR), 0, 1) * outside
    return replace(skin, vertices=points - (SINK * share)[:, None] * skin.normals)
