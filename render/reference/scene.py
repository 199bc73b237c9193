"""Meshes, cameras and lights as a Mitsuba 3 scene, and its pictures. Runs where a variant has been started."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.core.types import Camera, SceneMesh
from render.reference.materials import bsdf, texture_coordinates
from render.studio import turn_matrix

__all__ = ["ReferenceScene"]

PATHS_AT_ONCE = 1_200_000  #: what the compiled variant holds in memory together
DEPTH = 7  #: longest path


class ReferenceScene:
    """Meshes under a picture of their surroundings.

    Args:
        meshes: as :func:`render.reference.geometry.traceable` makes them.
        environment: radiance around them in the studio's frame, shape [H, 2 H, 3].
    """

    def __init__(self, meshes: Sequence[SceneMesh], environment: np.ndarray) -> None:
        import mitsuba as mi

        shapes = {f"mesh{i}": _shape(mesh, f"mesh{i}") for i, mesh in enumerate(meshes)}
        self.scene = mi.load_dict({
            "type": "scene", "surroundings": {"type": "envmap", "bitmap": mi.Bitmap(environment)},
            "integrator": {"type": "aov", "aovs": "albedo:albedo,normal:sh_normal,depth:depth",
                           "image": {"type": "path", "max_depth": DEPTH, "hide_emitters": True}},
            **shapes,
        })  # fmt: skip
        self.parameters = mi.traverse(self.scene)

    def picture(self, camera: Camera, *, turn: float, samples: int, seed: int) -> np.ndarray:
        """Premultiplied radiance, alpha, albedo, normal and depth, shape [H, W, 11]; ``turn`` [rad] is the studio's."""
        import mitsuba as mi

        matrix = np.eye(4)
        matrix[:3, :3] = turn_matrix(turn)
        self.parameters["surroundings.to_world"] = mi.Transform4f(matrix)
        self.parameters.update()
        sensor = mi.load_dict(_sensor(camera))
        each = int(np.clip(PATHS_AT_ONCE // (camera.size[0] * camera.size[1]), 1, samples))
        total, done, part = np.zeros((camera.size[1], camera.size[0], 11)), 0, 0
        while done < samples:
            count = min(each, samples - done)
            image = np.array(mi.render(self.scene, sensor=sensor, spp=count, seed=seed * 4099 + part), np.float64)
            total += count * np.nan_to_num(image, posinf=0.0, neginf=0.0)
            done, part = done + count, part + 1
        return (total / samples).astype(np.float32)


def _shape(mesh: SceneMesh, name: str) -> Any:
    import mitsuba as mi

    uv, _ = texture_coordinates(mesh)
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(bsdf(mesh))
    shape = mi.Mesh(name, len(mesh.vertices), len(mesh.faces), has_vertex_normals=True,
                    has_vertex_texcoords=uv is not None, props=properties)  # fmt: skip
    values = mi.traverse(shape)
    values["vertex_positions"] = np.ravel(mesh.vertices).astype(np.float32)
    values["vertex_normals"] = np.ravel(mesh.normals).astype(np.float32)
    values["faces"] = np.ravel(mesh.faces).astype(np.uint32)
    if uv is not None:
        values["vertex_texcoords"] = np.ravel(uv).astype(np.float32)
    values.update()
    return shape


def _sensor(camera: Camera) -> dict[str, Any]:
    """Mitsuba's camera looks along +z with x to the left and y up; ours has x to the right and y down."""
    import mitsuba as mi

    width, height = camera.size
    k = np.asarray(camera.K, np.float64)
    pose = np.linalg.inv(np.asarray(camera.world_to_camera, np.float64)) @ np.diag([-1.0, -1.0, 1.0, 1.0])
    return {
        "type": "perspective", "fov_axis": "y", "fov": float(np.degrees(2 * np.arctan(height / 2 / k[1, 1]))),
        "principal_point_offset_x": float(0.5 - k[0, 2] / width),
        "principal_point_offset_y": float(0.5 - k[1, 2] / height),
        "near_clip": 0.05, "far_clip": 100.0, "to_world": mi.ScalarTransform4f(pose),
        "film": {"type": "hdrfilm", "width": width, "height": height, "pixel_format": "rgba",
                 "rfilter": {"type": "box"}},
        "sampler": {"type": "multijitter"},
    }  # fmt: skip
