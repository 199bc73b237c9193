"""One mesh of the preview on the graphics card: its buffers, materials and baked light."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.mesh import unique_edges, vertex_normals
from engine.core.types import SceneMesh
from render.smooth import smoothed

__all__ = ["GpuMesh"]

WEAVES = {"": 0, "plain": 1, "twill": 2, "satin": 3, "knit": 4}
CLOTH_BIAS = 0.003  #: how much nearer cloth is drawn than it is, so that skin never shows through [m]

SMOOTH_BELOW = 80_000  #: cloth of fewer triangles is rounded


class GpuMesh:
    """A mesh and what is needed to draw it. Double-sided meshes are cloth, the others skin."""

    def __init__(
        self, context: Any, programs: dict[str, Any], mesh: SceneMesh, index: int, *, rounded: bool = True
    ) -> None:
        self.cloth = mesh.material.double_sided
        lines = unique_edges(mesh.faces)[0]
        if rounded and self.cloth and len(mesh.faces) < SMOOTH_BELOW:
            middle = (len(mesh.vertices) + np.arange(len(lines), dtype=np.int32))[:, None]  # smoothing adds one an edge
            mesh, lines = smoothed(mesh), np.concatenate([lines[:, :1], middle, middle, lines[:, 1:]], axis=1)
        self.mesh, self.index, self.context = mesh, index, context
        self.sheer = mesh.material.base_color[3] < 1.0
        self.vertices = np.ascontiguousarray(mesh.vertices, np.float32)
        self.normals = _normals(mesh)
        self.faces = np.ascontiguousarray(mesh.faces, np.int32)
        count = len(self.vertices)
        flat = np.zeros((count, 2), np.float32)
        static = np.concatenate(
            [self.vertices, self.normals, _or(mesh.uv_metres, flat), _or(mesh.uv, flat), _edges(mesh)], axis=1
        ).astype(np.float32)
        self.transfer: tuple[np.ndarray, ...] = ()
        self.light = context.buffer(reserve=count * 8 * 4, dynamic=True)
        self.map = context.buffer(reserve=count * 4, dynamic=True)
        self.indices = context.buffer(self.faces.tobytes(), dynamic=True)
        content = [
            (
                context.buffer(static.tobytes()),
                "3f 3f 2f 2f 2f",
                ("in_position", "in_normal", "in_uv_metres", "in_uv", "in_edges"),
            ),
            (self.light, "3f 3f 2f", ("in_light_front", "in_light_back", "in_open")),
            (self.map, "1f", ("in_map",)),
        ]
        surface = programs["cloth" if self.cloth else "skin"]
        self.arrays = {
            "surface": self._array(surface, content, self.indices),
            "gbuffer": self._array(programs["gbuffer"], content, self.indices),
            "light": self._array(programs["light"], content, self.indices),
            "depth": self._array(programs["depth"], content, self.indices),
        }
        self.edges = self._array(programs["line"], content, context.buffer(lines.tobytes()))
        self.texture = self._texture()

    def bake_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Points and normals whose light is to be baked: the right side, and for cloth the wrong side after it."""
        if not self.cloth:
            return self.vertices, self.normals
        return np.concatenate([self.vertices] * 2), np.concatenate([self.normals, -self.normals])

    def take_baked(self, transfer: np.ndarray, visible: np.ndarray) -> None:
        """Keeps the transfer [P, 9] and visible fraction [P] of :meth:`bake_points`."""
        n = len(self.vertices)
        self.transfer = (transfer[:n], transfer[-n:], visible[:n], visible[-n:])

    def openness(self) -> np.ndarray:
        """Visible fraction of the hemisphere on the side that sees more, shape [V]; the mesh's own vertices come first.

        One value has to serve both sides of cloth, and the side in the open is the one that is looked at: a collar's
        fall shows its wrong side.
        """
        return np.maximum(self.transfer[2], self.transfer[3])

    def relight(self, environment: np.ndarray) -> None:
        """Sums the softboxes' light at every vertex; ``environment`` is spherical harmonics, shape [9, 3]."""
        front, back, open_front, open_back = self.transfer
        e = environment.astype(np.float32)
        packed = np.concatenate([front @ e, back @ e, open_front[:, None], open_back[:, None]], axis=1)
        self.light.write(np.ascontiguousarray(np.maximum(packed, 0), np.float32).tobytes())

    def show_map(self, name: str) -> bool:
        """Loads a scalar field for display; False if the mesh has none of that name."""
        values = self.mesh.maps.get(name)
        if values is not None:
            self.map.write(np.ascontiguousarray(np.nan_to_num(values), np.float32).tobytes())
        return values is not None

    def sort_back_to_front(self, eye: np.ndarray) -> np.ndarray:
        """Orders the triangles by distance, for blending; returns their distances [m], falling, shape [T]."""
        distance = np.linalg.norm(self.vertices[self.faces].mean(1) - eye, axis=1)
        order = np.argsort(-distance, kind="stable")
        self.indices.write(np.ascontiguousarray(self.faces[order]).tobytes())
        return distance[order]

    def set_material(self, program: Any) -> None:
        """Sets the uniforms of the material that the program has."""
        material = self.mesh.material
        values = {
            "base_color": tuple(material.base_color),
            "roughness": material.roughness,
            "sheen": material.sheen,
            "weave": WEAVES.get(material.weave, 0) if self.mesh.uv_metres is not None else 0,
            "weave_scale": max(material.weave_scale, 1e-5),
            # sheer cloth is a grid of opaque yarns: what is not hole in it is its opacity
            "yarn_width": float(np.clip(1 - np.sqrt(max(1 - material.base_color[3], 0)), 0.2, 0.97)),
            "textured": int(self.texture is not None),
            "depth_bias": CLOTH_BIAS * (1 + self.index / 8) if self.cloth else 0.0,
            "mesh_id": float(self.index),
            "opacity": material.base_color[3],
        }
        for name, value in values.items():
            if name in program:
                program[name].value = value
        if self.texture is not None and "base_texture" in program:
            self.texture.use(4)

    def _array(self, program: Any, content: list[tuple], indices: Any) -> Any:
        kept = []
        for buffer, layout, names in content:
            parts = [
                part if name in program else f"{4 * int(part[0])}x"
                for part, name in zip(layout.split(), names, strict=True)
            ]
            present = [name for name in names if name in program]
            if present:
                kept.append((buffer, " ".join(parts), *present))
        return self.context.vertex_array(program, kept, index_buffer=indices)

    def _texture(self) -> Any:
        pixels = self.mesh.material.texture
        if pixels is None or self.mesh.uv is None:
            return None
        texture = self.context.texture(
            (pixels.shape[1], pixels.shape[0]), 3, np.ascontiguousarray(pixels, np.uint8).tobytes(), alignment=1
        )
        texture.build_mipmaps()
        texture.filter = (self.context.LINEAR_MIPMAP_NEAREST, self.context.LINEAR)
        return texture


def _normals(mesh: SceneMesh) -> np.ndarray:
    """The mesh's own normals, or smooth ones with vertices at one place welded."""
    if mesh.normals is not None:
        return np.ascontiguousarray(mesh.normals, np.float32)
    _, same = np.unique(np.round(mesh.vertices, 6), axis=0, return_inverse=True)
    return vertex_normals(mesh.vertices, mesh.faces, same.reshape(-1))


def _edges(mesh: SceneMesh) -> np.ndarray:
    """Distances to hem and seam [m], shape [V, 2]; far away for meshes that do not tell."""
    columns = []
    for name in ("hem", "seam"):
        low, high = mesh.map_ranges.get(name, (0.0, 1.0))
        columns.append(low + (high - low) * mesh.maps.get(name, np.ones(len(mesh.vertices), np.float32)))
    return np.stack(columns, axis=1)


def _or(value: np.ndarray | None, default: np.ndarray) -> np.ndarray:
    return default if value is None else np.asarray(value, np.float32)
