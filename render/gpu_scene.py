"""The preview's scene on the graphics card: programs, baked light, shadow maps, backdrop, and the passes over them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.core.types import Camera, SceneMesh
from render import heatmap
from render.bake import bake_transfer, ortho_matrix
from render.camera import gl_matrices
from render.gpu_mesh import GpuMesh
from render.opengl import shader_source
from render.studio import Studio, turn_matrix

__all__ = ["GpuScene"]

FLOOR_GRID = 96  #: points along each side of the floor's baked square
BAKE_SIZE = 1024  #: depth maps of the bake [px]


class GpuScene:
    """Meshes in a studio. Lives in one OpenGL context and is used from one thread.

    Args:
        context: moderngl context.
        meshes: not empty.
        directions: number of sky directions baked.
        shadow_size: of the key light's shadow map [px].
        shadow_taps: samples of it per pixel.
    """

    def __init__(
        self,
        context: Any,
        meshes: Sequence[SceneMesh],
        studio: Studio,
        *,
        directions: int,
        shadow_size: int,
        shadow_taps: int,
    ) -> None:
        self.context, self.studio, self.turn = context, studio, None
        self._kept: tuple[tuple[int, int], tuple[Any, Any]] | None = None
        low = np.min([m.vertices.min(0) for m in meshes], axis=0).astype(np.float64)
        high = np.max([m.vertices.max(0) for m in meshes], axis=0).astype(np.float64)
        self.centre, self.floor = (low + high) / 2, float(low[1])
        self.radius = float(np.linalg.norm(high - low)) / 2 * 1.02
        self.floor_half = 1.3 * self.radius
        self.programs = self._programs(shadow_taps)
        self.meshes = [GpuMesh(context, self.programs, mesh, i) for i, mesh in enumerate(meshes)]
        if any(mesh.sheer for mesh in self.meshes):
            for name in ("skin", "cloth", "floor"):
                self.programs[name]["least_blur"].value = 0.0025
        self.floor_open = self._bake(directions)
        self.backdrop = self._cyclorama()
        self.shadows = {name: self._shadow_map(size) for name, size in (("key", shadow_size), ("rim", shadow_size))}
        linear, nearest = (context.LINEAR, context.LINEAR), (context.NEAREST, context.NEAREST)
        self.compared = context.sampler(compare_func="<=", filter=linear, repeat_x=False, repeat_y=False)
        self.plain = context.sampler(filter=nearest, repeat_x=False, repeat_y=False)
        self.tables = {name: self._table(name) for name in heatmap.MAP_STYLES}

    def set_turn(self, turn: float) -> None:
        """Turns the studio with the camera: new light at the vertices, new shadow maps."""
        if self.turn is not None and abs(turn - self.turn) < 1e-6:
            return
        self.turn = turn
        environment = self.studio.environment(turn)
        for mesh in self.meshes:
            mesh.relight(environment)
        for name, (texture, frame) in self.shadows.items():
            matrix = ortho_matrix(self.studio.direction(name, turn), self.centre, self.radius)
            self._draw_depth(frame, matrix)
            for program in ("skin", "cloth", "floor"):
                self._set(program, f"{name}_matrix", matrix)
            texture.filter = (self.context.LINEAR, self.context.LINEAR)
        for program in ("skin", "cloth"):
            for name in ("key", "rim"):
                self.programs[program][f"{name}_direction"].value = tuple(self.studio.direction(name, turn))
                self.programs[program][f"{name}_radiance"].value = getattr(self.studio, f"{name}_radiance")

    def draw(self, camera: Camera, mode: str, *, backdrop: bool) -> np.ndarray:
        """Scene-linear, premultiplied picture of one view, shape [H, W, 4], row 0 at the top."""
        context, size = self.context, camera.size
        drawn, resolved = self._targets(size)
        drawn.use()
        drawn.clear(0, 0, 0, 0)
        view, projection, eye = self._camera(camera)
        self._bind_textures(mode)
        context.enable_only(context.DEPTH_TEST)
        # the nearest first, so that hidden skin and backdrop are never shaded; sheer cloth over all of it
        opaque = sorted((m for m in self.meshes if not m.sheer), key=lambda m: not m.cloth)
        for mesh in opaque:
            self._draw_surface(mesh, mode, view, projection, eye)
        if backdrop:
            for name, array in self.backdrop.items():
                self.programs[name]["picture"].value = size
                self._set_camera(self.programs[name], view, projection)
                array.render()
        context.enable_only(context.DEPTH_TEST | context.BLEND)
        context.blend_func = (context.ONE, context.ONE_MINUS_SRC_ALPHA)
        drawn.depth_mask = False
        for mesh in self.meshes:
            if mesh.sheer:
                mesh.sort_back_to_front(eye)
                self._draw_surface(mesh, mode, view, projection, eye)
        drawn.depth_mask = True
        context.copy_framebuffer(resolved, drawn)
        rgba = np.frombuffer(resolved.read(components=4, dtype="f2"), np.float16).reshape(size[1], size[0], 4)
        return rgba[::-1].astype(np.float32)

    def draw_buffers(self, camera: Camera, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Depth [m], normal, albedo and material id of the nearest surface, without antialiasing."""
        context, size = self.context, camera.size
        targets = [context.renderbuffer(size, 4, dtype="f4") for _ in range(2)]
        frame = context.framebuffer(targets, context.depth_renderbuffer(size))
        frame.use()
        frame.clear(0, 0, 0, 0)
        context.enable_only(context.DEPTH_TEST)
        view, projection, _ = self._camera(camera)
        program = self.programs["gbuffer"]
        self._set_camera(program, view, projection)
        self._bind_textures(mode)
        for mesh in self.meshes:
            self._set_look(program, mesh, mode)
            mesh.arrays["gbuffer"].render()
        first, second = (
            np.frombuffer(frame.read(components=4, attachment=i, dtype="f4"), np.float32).reshape(size[1], size[0], 4)[
                ::-1
            ]
            for i in range(2)
        )
        _release(frame)
        depth = first[..., 3]
        hit = depth > 0
        return (
            np.where(hit, depth, np.inf).astype(np.float32),
            np.ascontiguousarray(first[..., :3]),
            np.ascontiguousarray(second[..., :3]),
            np.where(hit, np.round(second[..., 3]), -1).astype(np.int32),
        )

    # ------------------------------------------------------------ set-up

    def _programs(self, shadow_taps: int) -> dict[str, Any]:
        shadow, vertex = shader_source("shadow.glsl"), shader_source("mesh.vert.glsl")
        sources = {
            kind: (
                vertex,
                f"#version 330\n#define CLOTH {int(kind == 'cloth')}\n{shadow}{shader_source('surface.frag.glsl')}",
            )
            for kind in ("skin", "cloth")
        }
        sources["gbuffer"] = (vertex, shader_source("gbuffer.frag.glsl"))
        sources["depth"] = (shader_source("depth.vert.glsl"), shader_source("depth.frag.glsl"))
        paper_vertex, paper = shader_source("backdrop.vert.glsl"), shader_source("backdrop.frag.glsl")
        sources["floor"] = (paper_vertex, f"#version 330\n#define FLOOR 1\n{shadow}{paper}")
        sources["wall"] = (paper_vertex, f"#version 330\n#define FLOOR 0\n{paper}")
        programs = {name: self.context.program(vertex_shader=v, fragment_shader=f) for name, (v, f) in sources.items()}
        units = {"key_depth": 0, "key_shadow": 1, "rim_shadow": 2, "map_table": 3, "base_texture": 4, "floor_open": 5}
        fixed = {
            "key_extent": self.radius,
            "key_softness": self.studio.key_tan_radius,
            "shadow_taps": shadow_taps,
            "least_blur": 0.0008,
        }
        for program in programs.values():
            for name, value in {**units, **fixed}.items():
                if name in program:
                    program[name].value = value
        return programs

    def _bake(self, directions: int) -> Any:
        """Bakes all meshes and a square of floor; returns the floor's visible sky as a texture."""
        depth = self.context.depth_texture((BAKE_SIZE, BAKE_SIZE))
        frame = self.context.framebuffer(depth_attachment=depth)

        def depth_map(matrix: np.ndarray) -> np.ndarray:
            self._draw_depth(frame, matrix)
            return np.frombuffer(depth.read(), np.float32).reshape(BAKE_SIZE, BAKE_SIZE)

        side = (np.arange(FLOOR_GRID) + 0.5) / FLOOR_GRID * 2 - 1
        x, z = np.meshgrid(side * self.floor_half + self.centre[0], side * self.floor_half + self.centre[2])
        floor = np.stack([x, np.full_like(x, self.floor), z], axis=-1).reshape(-1, 3)
        sets = [mesh.bake_points() for mesh in self.meshes] + [(floor, np.tile([0.0, 1.0, 0.0], (len(floor), 1)))]
        transfer, visible = bake_transfer(
            depth_map,
            np.concatenate([p for p, _ in sets]),
            np.concatenate([n for _, n in sets]),
            centre=self.centre,
            radius=self.radius,
            directions=directions,
        )
        ends = np.cumsum([0] + [len(p) for p, _ in sets])
        for mesh, start, end in zip(self.meshes, ends, ends[1:], strict=False):
            mesh.take_baked(transfer[start:end], visible[start:end])
        _release(frame)
        sky = _soften(visible[ends[-2] :].reshape(FLOOR_GRID, FLOOR_GRID))
        texture = self.context.texture((FLOOR_GRID, FLOOR_GRID), 1, sky.astype(np.float32).tobytes(), dtype="f4")
        texture.filter = (self.context.LINEAR, self.context.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _cyclorama(self) -> dict[str, Any]:
        """Seamless paper around the subject: floor, quarter-round and wall, as long strips."""
        r = self.radius
        arc = np.linspace(0, np.pi / 2, 17)
        bend = 1.5 * r
        z = np.concatenate([[8 * r, -1.4 * r], -1.4 * r - bend * np.sin(arc[1:]), [-1.4 * r - bend]])
        y = np.concatenate([[0, 0], bend * (1 - np.cos(arc[1:])), [7 * r]])
        height = np.clip(y / (4 * r), 0, 1)
        rows = np.arange(len(z) - 1)[:, None]
        strip = np.stack([rows * 2 + [0, 1, 2], rows * 2 + [1, 3, 2]], axis=1).reshape(-1, 3).astype(np.int32)
        points = np.stack([np.tile([-9 * r, 9 * r], len(z)), np.repeat(y, 2), np.repeat(z, 2)], axis=1)
        self._paper = (points, np.repeat(height, 2))
        self._paper_buffer = self.context.buffer(reserve=len(points) * 16, dynamic=True)
        buffer = self._paper_buffer
        arrays = {}
        for name, part in (("floor", strip[:2]), ("wall", strip[2:])):
            program = self.programs[name]
            for place in ("floor", "wall", "edge"):
                program[f"{place}_color"].value = getattr(self.studio, f"backdrop_{place}")
            if "floor_frame" in program:
                program["floor_frame"].value = (self.centre[0], self.centre[2], self.floor_half)
            indices = self.context.buffer(np.ascontiguousarray(part).tobytes())
            names = ("in_position", "in_height")
            arrays[name] = self.context.vertex_array(program, [(buffer, "3f 1f", *names)], index_buffer=indices)
        return arrays

    def _shadow_map(self, size: int) -> tuple[Any, Any]:
        texture = self.context.depth_texture((size, size))
        return texture, self.context.framebuffer(depth_attachment=texture)

    def _table(self, name: str) -> Any:
        colors = heatmap.color_table(name)
        texture = self.context.texture((len(colors), 1), 3, colors.tobytes(), alignment=1)
        texture.repeat_x = texture.repeat_y = False
        return texture

    # ------------------------------------------------------------ passes

    def _draw_depth(self, frame: Any, matrix: np.ndarray) -> None:
        frame.use()
        frame.clear()
        self.context.enable_only(self.context.DEPTH_TEST)
        program = self.programs["depth"]
        self._set("depth", "transform", matrix)
        for mesh in self.meshes:
            mesh.set_material(program)
            mesh.arrays["depth"].render()

    def _draw_surface(
        self, mesh: GpuMesh, mode: str, view: np.ndarray, projection: np.ndarray, eye: np.ndarray
    ) -> None:
        program = self.programs["cloth" if mesh.cloth else "skin"]
        self._set_camera(program, view, projection)
        program["eye"].value = tuple(eye)
        self._set_look(program, mesh, mode)
        mesh.arrays["surface"].render()

    def _targets(self, size: tuple[int, int]) -> tuple[Any, Any]:
        """Framebuffers of this size, one multisampled and one plain; those of the last size are kept."""
        if self._kept is None or self._kept[0] != size:
            if self._kept is not None:
                for frame in self._kept[1]:
                    _release(frame)
            context, samples = self.context, min(4, self.context.max_samples)
            drawn = context.framebuffer(
                [context.renderbuffer(size, 4, samples=samples, dtype="f2")],
                context.depth_renderbuffer(size, samples=samples),
            )
            self._kept = (size, (drawn, context.framebuffer([context.renderbuffer(size, 4, dtype="f2")])))
        return self._kept[1]

    def _camera(self, camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pose = np.asarray(camera.world_to_camera, np.float64)
        eye = -pose[:3, :3].T @ pose[:3, 3]
        distance = float(np.linalg.norm(eye - self.centre))
        view, projection = gl_matrices(camera, max(distance - 1.2 * self.radius, 0.05), distance + 14 * self.radius)
        points, height = self._paper
        world = points @ turn_matrix(self.turn or 0.0).T + [self.centre[0], self.floor, self.centre[2]]
        self._paper_buffer.write(np.column_stack([world, height]).astype(np.float32).tobytes())
        return view, projection, eye

    def _bind_textures(self, mode: str) -> None:
        key, rim = self.shadows["key"][0], self.shadows["rim"][0]
        for texture, unit, sampler in ((key, 0, self.plain), (key, 1, self.compared), (rim, 2, self.compared)):
            texture.use(unit)
            sampler.use(unit)
        if mode in self.tables:
            self.tables[mode].use(3)
        self.floor_open.use(5)

    def _set_look(self, program: Any, mesh: GpuMesh, mode: str) -> None:
        mesh.set_material(program)
        # 0 as it is, 1 coloured by the map, 2 neutral grey beside it
        program["map_mode"].value = (1 if mesh.show_map(mode) else 2) if mode in self.tables else 0

    def _set_camera(self, program: Any, view: np.ndarray, projection: np.ndarray) -> None:
        for name, matrix in (("view", view), ("projection", projection)):
            program[name].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())

    def _set(self, program: str, name: str, matrix: np.ndarray) -> None:
        if name in self.programs[program]:
            self.programs[program][name].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())


def _soften(sky: np.ndarray) -> np.ndarray:
    """Smooths the floor's visible sky, more where it is bright: far from the feet every baked direction would show."""
    from scipy.ndimage import gaussian_filter

    near, far = gaussian_filter(sky, 0.7, mode="nearest"), gaussian_filter(sky, 4.0, mode="nearest")
    weight = np.clip((far - 0.45) / 0.35, 0, 1)
    return near + (far - near) * weight


def _release(frame: Any) -> None:
    for attachment in (*frame.color_attachments, frame.depth_attachment):
        if attachment is not None:
            attachment.release()
    frame.release()
