"""A picture's layers as files: one OpenEXR with all of them, PNG previews, and the camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core.safe_io import write_json
from engine.core.types import Camera, ImageBuffers, SceneMesh
from render.develop import srgb_from_linear, write_png
from render.exr import write_exr

__all__ = ["buffer_previews", "write_buffers"]


def write_buffers(folder: Path, buffers: ImageBuffers, camera: Camera, meshes: Sequence[SceneMesh]) -> list[str]:
    """Writes buffers.exr, previews as PNG, and camera.json with the meshes' ids into ``folder``.

    The EXR has R, G, B, A (linear, not premultiplied), Z (view depth [m], inf where nothing is), albedo.R/G/B (linear),
    normal.X/Y/Z (world, unit) and id.I (index of the mesh, -1 where nothing is).

    Returns:
        Names of the files.
    """
    channels = {"A": buffers.alpha, "Z": buffers.depth, "id.I": buffers.material_id}
    for layer, letters, values in (
        ("", "RGB", buffers.rgb), ("albedo.", "RGB", buffers.albedo), ("normal.", "XYZ", buffers.normal),
    ):  # fmt: skip
        channels.update({layer + c: values[..., k] for k, c in enumerate(letters)})
    write_exr(folder / "buffers.exr", channels)
    previews = buffer_previews(buffers)
    for name, picture in previews.items():
        write_png(folder / f"{name}.png", picture)
    write_json(folder / "camera.json", {
        "K": np.asarray(camera.K, np.float64).tolist(),
        "world_to_camera": np.asarray(camera.world_to_camera, np.float64).tolist(),
        "size": list(camera.size),
        "axes": "world: +Y up, +Z the front, metres; camera: x right, y down, z forward; pixel centres at halves",
        "ids": {str(i): mesh.name for i, mesh in enumerate(meshes)},
    })  # fmt: skip
    return ["buffers.exr", *(f"{name}.png" for name in previews), "camera.json"]


def buffer_previews(buffers: ImageBuffers) -> dict[str, np.ndarray]:
    """Each layer as an uint8 picture for people: near is bright, normals as colours, ids in greys."""
    hit = buffers.material_id >= 0
    depth = np.zeros(hit.shape)
    if hit.any():
        near, far = buffers.depth[hit].min(), buffers.depth[hit].max()
        depth[hit] = 1 - 0.85 * (buffers.depth[hit] - near) / max(far - near, 1e-6)
    ids = np.where(hit, (buffers.material_id + 1) / (max(buffers.material_id.max(), 0) + 1), 0)
    layers = {
        "rgb": srgb_from_linear(buffers.rgb),
        "alpha": buffers.alpha,
        "depth": depth,
        "normal": np.where(hit[..., None], buffers.normal * 0.5 + 0.5, 0),
        "albedo": srgb_from_linear(buffers.albedo),
        "material_id": ids,
    }
    return {name: np.round(np.clip(values, 0, 1) * 255).astype(np.uint8) for name, values in layers.items()}
