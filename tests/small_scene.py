"""A small scene: a capsule for a body and a flared, folded tube of cloth around it."""

import numpy as np

from engine.core.mesh import vertex_normals
from engine.core.types import Material, SceneMesh


def revolved(radius: np.ndarray, height: np.ndarray, around: int, name: str, material: Material, **fields) -> SceneMesh:
    """A surface of revolution about +Y, open at its ends; ``radius`` is [rows] or [rows, around + 1]."""
    turn = np.linspace(0, 2 * np.pi, around + 1)
    r = np.broadcast_to(np.asarray(radius).reshape(len(height), -1), (len(height), around + 1))
    y = np.repeat(height[:, None], around + 1, axis=1)
    vertices = np.stack([r * np.sin(turn), y, r * np.cos(turn)], axis=-1).reshape(-1, 3).astype(np.float32)
    i = (np.arange(len(height) - 1)[:, None] * (around + 1) + np.arange(around)).reshape(-1)
    up = around + 1
    faces = np.concatenate([np.stack([i, i + 1, i + up], 1), np.stack([i + 1, i + up + 1, i + up], 1)]).astype(np.int32)
    _, same = np.unique(np.round(vertices, 6), axis=0, return_inverse=True)
    uv = np.stack([np.tile(turn / (2 * np.pi), len(height)), 1 - y.reshape(-1) / height.max()], axis=1)
    metres = np.stack([np.tile(turn * r.mean(), len(height)), y.reshape(-1)], axis=1)
    return SceneMesh(
        name,
        vertices,
        faces,
        material,
        vertex_normals(vertices, faces, same.reshape(-1)),
        uv.astype(np.float32),
        metres.astype(np.float32),
        **fields,
    )


def capsule_body() -> SceneMesh:
    """1.7 m tall."""
    height = np.linspace(0, 1.7, 60)
    radius = 0.16 * np.sqrt(np.clip(1 - (2 * height / 1.7 - 1) ** 6, 0, 1)) + 1e-4
    return revolved(radius, height, 48, "body", Material("skin", (0.5, 0.36, 0.3, 1.0), 0.55))


def folded_skirt() -> SceneMesh:
    """From 1.05 m down to 0.55 m, stretched towards +X, slack towards -X."""
    height = np.linspace(0.55, 1.05, 40)
    turn = np.linspace(0, 2 * np.pi, 121)
    fall = (1.05 - height)[:, None]
    radius = 0.18 + 0.2 * fall + 0.04 * fall * np.sin(8 * turn)[None]
    strain = np.broadcast_to(0.5 + 0.5 * np.sin(turn)[None], radius.shape).reshape(-1).astype(np.float32)
    material = Material(
        "denim", (0.08, 0.12, 0.30, 1.0), 0.85, sheen=0.4, double_sided=True, weave="twill", weave_scale=0.002
    )
    return revolved(
        radius,
        height,
        120,
        "garment",
        material,
        maps={"strain": strain, "pressure": strain**2},
        map_ranges={"strain": (-0.1, 0.1), "pressure": (0.0, 2000.0)},
    )
