"""The preview's scene on the graphics card: baked light, shadow maps, and the passes over meshes and backdrop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.core.types import Camera, SceneMesh
from render import heatmap
from render.bake import bake_transfer, ortho_matrix
from render.camera import gl_matrices
from render.cyclorama import Cyclorama
from render.gpu_canvas import Canvas, release
from render.gpu_mesh import GpuMesh
from render.gpu_programs import UNITS, build_programs
from render.studio import MIRROR_STEPS, Studio, mirrored

__all__ = ["GpuScene"]

FLOOR_GRID = 96  #: points along each side of the floor's baked square
LIGHT_TAPS = 8  #: samples of the key light's shadow in :meth:`GpuScene.draw_light`
BAKE_SIZE = 1024  #: depth maps of the bake [px]
SHEER_SLICES = 48  #: by depth, in which several sheer meshes are drawn in turns
#: lines of wireframes: linear RGB and opacity of the mesh on top and of those beneath
WIRE_COLORS = {True: (0.02, 0.022, 0.03, 0.75), False: (0.10, 0.085, 0.075, 0.35)}


class GpuScene:
    """Meshes in a studio. Lives in one OpenGL context and is used from one thread.

    Args:
        context: moderngl context.
        meshes: not empty.
        directions: number of sky directions baked.
        rounded: coarse cloth is given rounder triangles.
    """

    def __init__(
        self, context: Any, meshes: Sequence[SceneMesh], studio: Studio, *, directions: int, rounded: bool = True
    ) -> None:
        self.context, self.studio, self.turn = context, studio, None  # turn and size of the shadow maps
        low = np.min([m.vertices.min(0) for m in meshes], axis=0).astype(np.float64)
        high = np.max([m.vertices.max(0) for m in meshes], axis=0).astype(np.float64)
        self.centre, self.floor = (low + high) / 2, float(low[1])
        self.radius = float(np.linalg.norm(high - low)) / 2 * 1.02
        self.floor_half = 1.3 * self.radius
        sheer = any(mesh.material.base_color[3] < 1 for mesh in meshes)
        self.programs = build_programs(context, {
            "key_extent": self.radius,
            "key_softness": studio.key_tan_radius,
            "least_blur": 0.0025 if sheer else 0.0008,
        })  # fmt: skip
        self.meshes = [GpuMesh(context, self.programs, mesh, i, rounded=rounded) for i, mesh in enumerate(meshes)]
        self.floor_open = self._bake(directions)
        frame = (float(self.centre[0]), float(self.centre[2]), self.floor_half)
        self.backdrop = Cyclorama(
            context, self.programs, studio, centre=self.centre, radius=self.radius, floor=self.floor, floor_frame=frame
        )
        self.canvas = Canvas(context, self.programs["develop"], UNITS["linear_picture"])
        self.shadows: dict[str, tuple[Any, Any]] = {}
        linear, nearest = (context.LINEAR, context.LINEAR), (context.NEAREST, context.NEAREST)
        self.compared = context.sampler(compare_func="<=", filter=linear, repeat_x=False, repeat_y=False)
        self.plain = context.sampler(filter=nearest, repeat_x=False, repeat_y=False)
        self.tables = {name: self._table(name) for name in heatmap.MAP_STYLES}
        self.reflections = self._reflections()

    def set_turn(self, turn: float, shadow_size: int) -> None:
        """Turns the studio with the camera: new light at the vertices, new shadow maps of this side [px]."""
        if self.turn is not None and abs(turn - self.turn[0]) < 1e-6 and shadow_size == self.turn[1]:
            return
        if self.turn is None or shadow_size != self.turn[1]:
            self._new_shadows(shadow_size)
        self.turn = (turn, shadow_size)
        environment = self.studio.environment(turn)
        for mesh in self.meshes:
            mesh.relight(environment)
        for name, (texture, frame) in self.shadows.items():
            matrix = ortho_matrix(self.studio.direction(name, turn), self.centre, self.radius)
            self._draw_depth(frame, matrix)
            for program in ("skin", "cloth", "floor", "light"):
                self._set(program, f"{name}_matrix", matrix)
            texture.filter = (self.context.LINEAR, self.context.LINEAR)
        for program in ("skin", "cloth"):
            self.programs[program]["turn"].value = turn
            for name in ("key", "rim"):
                self.programs["light"][f"{name}_direction"].value = tuple(self.studio.direction(name, turn))
                self.programs[program][f"{name}_direction"].value = tuple(self.studio.direction(name, turn))
                self.programs[program][f"{name}_radiance"].value = getattr(self.studio, f"{name}_radiance")
        self.backdrop.turn(turn)

    def draw(
        self, camera: Camera, mode: str, *, backdrop: bool, samples: int, shadow_taps: int, subject: bool = True,
        finished: bool = False,
    ) -> Any:  # fmt: skip
        """Draws one view; its framebuffer is for :attr:`canvas` to read, before anything else is drawn.

        Args:
            subject: without it only the backdrop is seen, with the subject's shadow on it.
            finished: the picture is developed as it is drawn, where nothing has to be blended.
        """
        context, size = self.context, camera.size
        finished = finished and backdrop and mode != "wireframe" and not any(mesh.sheer for mesh in self.meshes)
        frame = self.canvas.finished(size) if finished else self.canvas.drawn(size, samples)
        view, projection, eye = self._camera(camera)
        self._bind_textures(mode)
        for program in ("skin", "cloth", "floor"):
            self.programs[program]["shadow_taps"].value = shadow_taps
        for program in ("skin", "cloth", "floor", "wall"):
            self.programs[program]["developed_height"].value = size[1] if finished else 0
        context.enable_only(context.DEPTH_TEST)
        # the nearest first, so that hidden skin and backdrop are never shaded; sheer cloth over all of it
        shown = sorted((m for m in self.meshes if not m.sheer), key=lambda m: not m.cloth) if subject else []
        for mesh in shown:
            self._draw_surface(mesh, mode, view, projection, eye)
        if backdrop:
            self.backdrop.draw(size, _bytes(view), _bytes(projection))
        context.enable_only(context.DEPTH_TEST | context.BLEND)
        context.blend_func = (context.ONE, context.ONE_MINUS_SRC_ALPHA)
        frame.depth_mask = False
        if subject:
            self._draw_sheer(mode, view, projection, eye)
        if mode == "wireframe":
            self._draw_edges(view, projection, height=size[1])
        frame.depth_mask = True
        return frame

    def draw_buffers(self, camera: Camera, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Depth [m], normal, albedo and material id of the nearest surface at each pixel's centre."""
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
        raw = [np.frombuffer(frame.read(components=4, attachment=i, dtype="f4"), np.float32) for i in range(2)]
        first, second = (values.reshape(size[1], size[0], 4)[::-1] for values in raw)
        release(frame)
        hit = first[..., 3] > 0
        return (
            np.where(hit, first[..., 3], np.inf).astype(np.float32),
            np.ascontiguousarray(first[..., :3]),
            np.ascontiguousarray(second[..., :3]),
            np.where(hit, np.round(second[..., 3]), -1).astype(np.int32),
        )

    def draw_light(self, camera: Camera) -> np.ndarray:
        """Light on the nearest surface at each pixel's centre, shape [H, W, 4]; 0 where there is none.

        Luminance of the softboxes' reflection by a white surface; visible fraction of the hemisphere; cosine to the
        key and to the rim light where they are not hidden.
        """
        context, size, program = self.context, camera.size, self.programs["light"]
        frame = context.framebuffer([context.renderbuffer(size, 4, dtype="f4")], context.depth_renderbuffer(size))
        frame.use()
        frame.clear(0, 0, 0, 0)
        context.enable_only(context.DEPTH_TEST)
        view, projection, _ = self._camera(camera)
        self._set_camera(program, view, projection)
        program["shadow_taps"].value = LIGHT_TAPS
        self._bind_textures("beauty")
        for mesh in self.meshes:
            mesh.set_material(program)
            mesh.arrays["light"].render()
        lit = np.frombuffer(frame.read(components=4, dtype="f4"), np.float32).reshape(size[1], size[0], 4)[::-1]
        release(frame)
        return np.maximum(np.nan_to_num(lit), 0)

    # ------------------------------------------------------------ set-up

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
        release(frame)
        sky = _soften(visible[ends[-2] :].reshape(FLOOR_GRID, FLOOR_GRID))
        texture = self.context.texture((FLOOR_GRID, FLOOR_GRID), 1, sky.astype(np.float32).tobytes(), dtype="f4")
        texture.filter = (self.context.LINEAR, self.context.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _new_shadows(self, size: int) -> None:
        for _, frame in self.shadows.values():
            release(frame)
        for name in ("key", "rim"):
            texture = self.context.depth_texture((size, size))
            self.shadows[name] = (texture, self.context.framebuffer(depth_attachment=texture))
        for program in self.programs.values():
            if "shadow_texel" in program:
                program["shadow_texel"].value = 2 * self.radius / size

    def _table(self, name: str) -> Any:
        colors = heatmap.color_table(name)
        texture = self.context.texture((len(colors), 1), 3, colors.tobytes(), alignment=1)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _reflections(self) -> Any:
        levels, rows, columns = MIRROR_STEPS
        texture = self.context.texture3d((columns, rows, levels), 3, mirrored(self.studio).tobytes(), dtype="f4")
        texture.filter = (self.context.LINEAR, self.context.LINEAR)
        texture.repeat_y = texture.repeat_z = False
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
        self, mesh: GpuMesh, mode: str, view: np.ndarray, projection: np.ndarray, eye: np.ndarray, *, first: int = 0,
        count: int = -1,
    ) -> None:  # fmt: skip
        program = self.programs["cloth" if mesh.cloth else "skin"]
        self._set_camera(program, view, projection)
        program["eye"].value = tuple(eye)
        self._set_look(program, mesh, mode)
        if not mesh.cloth:  # of a body only what faces the camera can be seen
            self.context.enable(self.context.CULL_FACE)
        mesh.arrays["surface"].render(vertices=count, first=first)
        self.context.disable(self.context.CULL_FACE)

    def _draw_sheer(self, mode: str, view: np.ndarray, projection: np.ndarray, eye: np.ndarray) -> None:
        """Blends sheer meshes from back to front; several take turns, slice by slice."""
        sheer = [mesh for mesh in self.meshes if mesh.sheer]
        if not sheer:
            return
        distances = [mesh.sort_back_to_front(eye) for mesh in sheer]
        far, near = max(d[0] for d in distances), min(d[-1] for d in distances)
        count = SHEER_SLICES if len(sheer) > 1 else 1
        ends = [np.searchsorted(-d, -np.linspace(far, near, count + 1)[1:], side="right") for d in distances]
        for k in range(count):
            for mesh, end in zip(sheer, ends, strict=True):
                start = int(end[k - 1]) if k else 0
                if (triangles := int(end[k]) - start) > 0:
                    self._draw_surface(mesh, mode, view, projection, eye, first=3 * start, count=3 * triangles)

    def _draw_edges(self, view: np.ndarray, projection: np.ndarray, *, height: int) -> None:
        program = self.programs["line"]
        self._set_camera(program, view, projection)
        self.context.line_width = 1.0
        strength = min(1.0, height / 1600)  # lines are a pixel wide: the more there are, the darker
        for mesh in self.meshes:
            mesh.set_material(program)
            *color, opacity = WIRE_COLORS[mesh.cloth]
            opacity *= 0.5 + 0.5 * strength
            program["line_color"].value = (*(c * opacity for c in color), opacity)
            mesh.edges.render(mode=self.context.LINES)

    def _camera(self, camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pose = np.asarray(camera.world_to_camera, np.float64)
        eye = -pose[:3, :3].T @ pose[:3, 3]
        distance = float(np.linalg.norm(eye - self.centre))
        view, projection = gl_matrices(camera, max(distance - 1.2 * self.radius, 0.05), distance + 14 * self.radius)
        return view, projection, eye

    def _bind_textures(self, mode: str) -> None:
        key, rim = self.shadows["key"][0], self.shadows["rim"][0]
        uses = (("key_depth", key, self.plain), ("key_shadow", key, self.compared), ("rim_shadow", rim, self.compared))
        for name, texture, sampler in uses:
            texture.use(UNITS[name])
            sampler.use(UNITS[name])
        if mode in self.tables:
            self.tables[mode].use(UNITS["map_table"])
        self.floor_open.use(UNITS["floor_open"])
        self.reflections.use(UNITS["reflections"])

    def _set_look(self, program: Any, mesh: GpuMesh, mode: str) -> None:
        mesh.set_material(program)
        # 0 as it is, 1 coloured by the map, 2 neutral grey beside it
        grey = mode == "wireframe"
        program["map_mode"].value = (1 if mesh.show_map(mode) else 2) if mode in self.tables else 2 * grey

    def _set_camera(self, program: Any, view: np.ndarray, projection: np.ndarray) -> None:
        for name, matrix in (("view", view), ("projection", projection)):
            program[name].write(_bytes(matrix))

    def _set(self, program: str, name: str, matrix: np.ndarray) -> None:
        if name in self.programs[program]:
            self.programs[program][name].write(_bytes(matrix))


def _soften(sky: np.ndarray) -> np.ndarray:
    """Smooths the floor's visible sky, more where it is bright: far from the feet every baked direction would show."""
    from scipy.ndimage import gaussian_filter

    near, far = gaussian_filter(sky, 0.7, mode="nearest"), gaussian_filter(sky, 4.0, mode="nearest")
    weight = np.clip((far - 0.45) / 0.35, 0, 1)
    return near + (far - near) * weight


def _bytes(matrix: np.ndarray) -> bytes:
    """A matrix as OpenGL takes it."""
    return np.ascontiguousarray(matrix.T, np.float32).tobytes()
