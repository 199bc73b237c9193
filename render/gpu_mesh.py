"""One mesh of the preview on the graphics card: its buffers, materials and baked light."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.mesh import unique_edges, vertex_normals
from engine.core.types import SceneMesh
from render.gpu_programs import UNITS, Programs
from render.gpu_tables import MeshTables, table_size
from render.smooth import smoothed

__all__ = ["GpuMesh"]

WEAVES = {"": 0, "plain": 1, "twill": 2, "satin": 3, "knit": 4}
YARNS = {"": 1, "plain": 2, "twill": 4, "satin": 5, "knit": 1}  #: to a repeat, as in weave.glsl
NEAR = 0.42  #: pixels in spacings of yarns, from which none is told apart, as in weave.glsl
THROUGH = 0.12  #: share of the light on one side of white cloth that comes out of the other
CLOTH_BIAS = 0.003  #: how much nearer cloth is drawn than it is, so that skin never shows through [m]

SMOOTH_BELOW = 80_000  #: cloth of fewer triangles is rounded


class GpuMesh:
    """A mesh and what is needed to draw it. Double-sided meshes are cloth, the others skin."""

    def __init__(
        self, context: Any, programs: Programs, mesh: SceneMesh, index: int, *, rounded: bool = True
    ) -> None:
        self.programs, self.cloth = programs, mesh.material.double_sided
        lines = unique_edges(mesh.faces)[0]
        self.coarse_faces = np.ascontiguousarray(mesh.faces, np.int32)
        self.ends: np.ndarray | None = None  # of the edges in whose middle vertices were added
        if rounded and self.cloth and len(mesh.faces) < SMOOTH_BELOW:
            middle = (len(mesh.vertices) + np.arange(len(lines), dtype=np.int32))[:, None]  # smoothing adds one an edge
            self.ends = lines
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
        self.static, self.tables = static, None
        lights = table_size(2 * count)  # as long as the texture that may be made of it
        self.light = context.buffer(reserve=lights[0] * lights[1] * 16, dynamic=True)
        self.map = context.buffer(reserve=count * 4, dynamic=True)
        self.indices = context.buffer(self.faces.tobytes(), dynamic=True)
        self.coarse = context.buffer(self.coarse_faces.tobytes()) if self.ends is not None else self.indices
        self.edges = context.buffer(lines.tobytes())
        self.content = [
            (
                context.buffer(static.tobytes()),
                "3f 3f 2f 2f 2f",
                ("in_position", "in_normal", "in_uv_metres", "in_uv", "in_edges"),
            ),
            (self.light, "4f 4f", ("in_light_front", "in_light_back")),
            (self.map, "1f", ("in_map",)),
        ]
        self.kept: dict[tuple[int, str], Any] = {}
        self.texture = self._texture()

    @property
    def triangles(self) -> int:
        """How many there are."""
        return len(self.faces)

    @property
    def resolved_below(self) -> float:
        """Size of pixels on the cloth below which its yarns begin to be told apart [m]."""
        return NEAR * max(self.mesh.material.weave_scale, 1e-5) / YARNS[self.mesh.material.weave]

    def array(self, program: Any, part: str = "indices") -> Any:
        """What the program draws of this mesh: its triangles (``indices``), those before rounding (``coarse``), or
        its ``edges``."""
        key = (program.glo, part)
        if key not in self.kept:
            self.kept[key] = self._array(program, self.content, getattr(self, part))
        return self.kept[key]

    def found(self, mode: str) -> MeshTables:
        """Triangles and vertices as textures, with the light and the scalar field of now."""
        if self.tables is None:
            self.tables = MeshTables(self.context, self.faces, self.static)
            self.tables.take_light(self.light)
        if mode in self.mesh.maps:
            self.tables.take_field(np.nan_to_num(self.mesh.maps[mode]).astype(np.float32))
        return self.tables

    def bake_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Points and normals whose light is to be baked: the right side, and for cloth the wrong side after it.

        Vertices added by rounding are left out: they get the mean of their neighbours.
        """
        count = len(self.vertices) - (0 if self.ends is None else len(self.ends))
        points, normals = self.vertices[:count], self.normals[:count]
        if not self.cloth:
            return points, normals
        return np.concatenate([points] * 2), np.concatenate([normals, -normals])

    def take_baked(self, transfer: np.ndarray, visible: np.ndarray) -> None:
        """Keeps the transfer [P, 9] and visible fraction [P] of :meth:`bake_points`."""
        n = len(transfer) // 2 if self.cloth else len(transfer)
        packed = np.concatenate([transfer[:n], transfer[-n:], visible[:n, None], visible[-n:, None]], axis=1)
        if self.ends is not None:
            packed = np.concatenate([packed, packed[self.ends].mean(1)])
        self.visible = packed[:, -2:]
        names = ("in_front_a", "in_front_b", "in_front_c", "in_back_a", "in_back_b", "in_back_c", "in_open")
        buffer = self.context.buffer(np.ascontiguousarray(packed, np.float32).tobytes())
        self.transfer = self.context.vertex_array(
            self.programs.get("relight"), [(buffer, "4f 4f 1f 4f 4f 1f 2f", *names)]
        )

    def openness(self) -> np.ndarray:
        """Visible fraction of the hemisphere on the side that sees more, shape [V]; the mesh's own vertices come first.

        One value has to serve both sides of cloth, and the side in the open is the one that is looked at: a collar's
        fall shows its wrong side.
        """
        return self.visible.max(1)

    def relight(self) -> None:
        """Sums the softboxes' light at every vertex, as the program ``relight`` has been told it."""
        self.programs.get("relight")["through"].value = THROUGH if self.cloth else 0.0
        self.transfer.transform(self.light, mode=self.context.POINTS, vertices=len(self.vertices))
        if self.tables:
            self.tables.take_light(self.light)

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

    def cull(self) -> None:
        """Leaves out what turns from the camera, of a body: it cannot be seen."""
        (self.context.disable if self.cloth else self.context.enable)(self.context.CULL_FACE)

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
            self.texture.use(UNITS["base_texture"])

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
