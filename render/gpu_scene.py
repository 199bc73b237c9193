"""The preview's scene on the graphics card: baked light, shadow maps, and the passes over meshes and backdrop."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.types import Camera, SceneMesh
from render import heatmap
from render.bake import bake_transfer
from render.camera import gl_bytes, gl_matrices
from render.cyclorama import Cyclorama
from render.gpu_canvas import Canvas, release
from render.gpu_light import StudioLight, draw_depth
from render.gpu_mesh import GpuMesh
from render.gpu_programs import UNITS, Programs
from render.studio import Studio
from render.visibility import VisibilityBuffer

__all__ = ["GpuScene"]

FLOOR_GRID = 96  #: points along each side of the floor's baked square
LIGHT_TAPS = 8  #: samples of the key light's shadow in :meth:`GpuScene.draw_light`
STRETCHED = 2.0  #: how much longer than at rest cloth may be, where its yarns are looked for
SHEER_SLICES = 48  #: by depth, in which several sheer meshes are drawn in turns
#: lines of wireframes: linear RGB and opacity of the mesh on top and of those beneath
WIRE_COLORS = {True: (0.02, 0.022, 0.03, 0.75), False: (0.10, 0.085, 0.075, 0.35)}


@dataclass(frozen=True)
class _Pose:
    """Of a camera: OpenGL's matrices, and the eye [m]."""

    view: np.ndarray
    projection: np.ndarray
    eye: np.ndarray


@dataclass(frozen=True)
class _Drawing:
    """How surfaces are shaded.

    Mode; what shadow.glsl is compiled for; whether developed at once; size of the smallest pixel on the surfaces [m].
    """

    mode: str
    shadow: dict[str, int]
    finished: bool
    pixel: float


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
        self.context = context
        low = np.min([m.vertices.min(0) for m in meshes], axis=0).astype(np.float64)
        high = np.max([m.vertices.max(0) for m in meshes], axis=0).astype(np.float64)
        self.centre, self.floor = (low + high) / 2, float(low[1])
        self.radius = float(np.linalg.norm(high - low)) / 2 * 1.02
        self.floor_half = 1.3 * self.radius
        sheer = any(mesh.material.base_color[3] < 1 for mesh in meshes)
        self.programs = Programs(
            context,
            key_softness=studio.key_tan_radius,
            least_blur=0.0025 if sheer else 0.0008,
        )
        self.meshes = [GpuMesh(context, self.programs, mesh, i, rounded=rounded) for i, mesh in enumerate(meshes)]
        self.floor_open = self._bake(directions)
        frame = (float(self.centre[0]), float(self.centre[2]), self.floor_half)
        self.backdrop = Cyclorama(
            context, self.programs, studio, centre=self.centre, radius=self.radius, floor=self.floor, floor_frame=frame
        )
        self.canvas = Canvas(context, self.programs.get("develop"), (UNITS["linear_picture"], UNITS["behind_picture"]))
        box = np.array(list(itertools.product(*zip(low, high, strict=True))))
        self.visibility = VisibilityBuffer(context, self.programs, self.canvas, box)
        self.light = StudioLight(context, self.programs, studio, self.meshes, centre=self.centre, radius=self.radius)
        self.tables = {name: self._table(name) for name in heatmap.MAP_STYLES}

    def set_turn(self, turn: float, shadow_size: int, *, coarse: bool = False) -> None:
        """Turns the studio with the camera: new light at the vertices, new shadow maps of this side [px].

        Args:
            coarse: shadows are cast by the meshes as they were before rounding.
        """
        if self.light.turn(turn, shadow_size, coarse):
            self.backdrop.turn(turn)

    def draw(
        self, camera: Camera, mode: str, *, backdrop: bool, samples: int, shadow_taps: int, averaged: bool = False,
        subject: bool = True, finished: bool = False,
    ) -> Any:  # fmt: skip
        """Draws one view; its framebuffer is for :attr:`canvas` to read, before anything else is drawn.

        Args:
            averaged: blocks of 2 x 2 pixels will be: they share the samples of shadows.
            subject: without it only the backdrop is seen, with the subject's shadow on it.
            finished: the picture is developed as it is drawn, where nothing has to be blended.
        """
        context, size = self.context, camera.size
        blended = mode == "wireframe" or any(mesh.sheer for mesh in self.meshes)
        finished = finished and backdrop and not blended
        frame = self.canvas.finished(size) if finished else self.canvas.drawn(size, samples)
        pose = self._share_camera(camera)
        self._bind_textures(mode)
        self.programs.share(developed_height=size[1])
        shadow = {"TAPS": shadow_taps, "INTERLEAVED": int(averaged)}
        # the nearest first, so that hidden skin and backdrop are never shaded; sheer cloth over all of it
        shown = sorted((m for m in self.meshes if not m.sheer), key=lambda m: not m.cloth) if subject else []
        near = max(float(np.linalg.norm(pose.eye - self.centre)) - self.radius, 0.0)
        drawing = _Drawing(mode, shadow, finished, near / float(max(camera.K[0, 0], camera.K[1, 1])))
        over = frame
        if samples < 2:
            seen = self.visibility.draw(
                frame, shown, pose.view, pose.projection, lambda mesh: self._found(mesh, drawing),
                (lambda: self.backdrop.draw(size, shadow=shadow, behind=True, finished=finished)) if backdrop else None,
            )  # fmt: skip
            over = self.canvas.over(frame, seen) if blended else frame
        else:
            context.enable_only(context.DEPTH_TEST)
            for mesh in shown:
                self._draw_surface(mesh, drawing)
            if backdrop:
                self.backdrop.draw(size, shadow=shadow, behind=False)
        if blended and subject:
            self._blend(over, pose, drawing, height=size[1])
        return frame

    def draw_behind(self, camera: Camera, *, shadow_taps: int) -> Any:
        """Draws the backdrop alone, as if nothing stood before it; its framebuffer is for :attr:`canvas` to read."""
        frame = self.canvas.behind(camera.size)
        self._share_camera(camera)
        self._bind_textures("beauty")
        self.context.enable_only(self.context.NOTHING)
        self.backdrop.draw(camera.size, shadow={"TAPS": shadow_taps, "INTERLEAVED": 0}, behind=True)
        return frame

    def draw_buffers(self, camera: Camera, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Depth [m], normal, albedo and material id of the nearest surface at each pixel's centre."""
        context, size = self.context, camera.size
        targets = [context.renderbuffer(size, 4, dtype="f4") for _ in range(2)]
        frame = context.framebuffer(targets, context.depth_renderbuffer(size))
        frame.use()
        frame.clear(0, 0, 0, 0)
        context.enable_only(context.DEPTH_TEST)
        self._share_camera(camera)
        program = self.programs.get("gbuffer")
        self._bind_textures(mode)
        for mesh in self.meshes:
            self._set_look(program, mesh, mode)
            mesh.array(program).render()
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
        context, size = self.context, camera.size
        frame = context.framebuffer([context.renderbuffer(size, 4, dtype="f4")], context.depth_renderbuffer(size))
        frame.use()
        frame.clear(0, 0, 0, 0)
        context.enable_only(context.DEPTH_TEST)
        self._share_camera(camera)
        program = self.programs.get("light", TAPS=LIGHT_TAPS)
        self._bind_textures("beauty")
        for mesh in self.meshes:
            mesh.set_material(program)
            mesh.array(program).render()
        lit = np.frombuffer(frame.read(components=4, dtype="f4"), np.float32).reshape(size[1], size[0], 4)[::-1]
        release(frame)
        return np.maximum(np.nan_to_num(lit), 0)

    # ------------------------------------------------------------ set-up

    def _bake(self, directions: int) -> Any:
        """Bakes all meshes and a square of floor; returns the floor's visible sky as a texture."""
        side = (np.arange(FLOOR_GRID) + 0.5) / FLOOR_GRID * 2 - 1
        x, z = np.meshgrid(side * self.floor_half + self.centre[0], side * self.floor_half + self.centre[2])
        floor = np.stack([x, np.full_like(x, self.floor), z], axis=-1).reshape(-1, 3)
        sets = [mesh.bake_points() for mesh in self.meshes] + [(floor, np.tile([0.0, 1.0, 0.0], (len(floor), 1)))]
        transfer, visible = bake_transfer(
            self.context,
            self.programs,
            lambda frame, matrix: draw_depth(self.context, self.programs, self.meshes, frame, matrix, coarse=True),
            np.concatenate([p for p, _ in sets]),
            np.concatenate([n for _, n in sets]),
            centre=self.centre,
            radius=self.radius,
            directions=directions,
        )
        ends = np.cumsum([0] + [len(p) for p, _ in sets])
        for mesh, start, end in zip(self.meshes, ends, ends[1:], strict=False):
            mesh.take_baked(transfer[start:end], visible[start:end])
        sky = _soften(visible[ends[-2] :].reshape(FLOOR_GRID, FLOOR_GRID))
        texture = self.context.texture((FLOOR_GRID, FLOOR_GRID), 1, sky.astype(np.float32).tobytes(), dtype="f4")
        texture.filter = (self.context.LINEAR, self.context.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _table(self, name: str) -> Any:
        colors = heatmap.color_table(name)
        texture = self.context.texture((len(colors), 1), 3, colors.tobytes(), alignment=1)
        texture.repeat_x = texture.repeat_y = False
        return texture

    # ------------------------------------------------------------ passes

    def _draw_surface(self, mesh: GpuMesh, drawing: _Drawing, *, first: int = 0, count: int = -1) -> None:
        program = self.programs.get(
            "surface", CLOTH=int(mesh.cloth), YARNS=self._yarns(mesh, drawing), **drawing.shadow
        )
        self._set_look(program, mesh, drawing.mode)
        mesh.cull()
        mesh.array(program).render(vertices=count, first=first)
        self.context.disable(self.context.CULL_FACE)

    def _found(self, mesh: GpuMesh, drawing: _Drawing) -> Any:
        """The program that shades a mesh's pixels of the visibility buffer, ready."""
        program = self.programs.get(
            "found", CLOTH=int(mesh.cloth), YARNS=self._yarns(mesh, drawing), **drawing.shadow,
            MAPPED=int(drawing.mode in mesh.mesh.maps and drawing.mode in self.tables),
            FINISHED=int(drawing.finished),
        )  # fmt: skip
        self._set_look(program, mesh, drawing.mode)
        mesh.found(drawing.mode).use()
        return program

    def _yarns(self, mesh: GpuMesh, drawing: _Drawing) -> int:
        """1 if the cloth's yarns could be told apart somewhere in the picture."""
        return int(mesh.cloth and drawing.pixel < STRETCHED * mesh.resolved_below)

    def _blend(self, frame: Any, pose: _Pose, drawing: _Drawing, *, height: int) -> None:
        """Draws sheer meshes and wireframes over what is in the framebuffer in use."""
        context = self.context
        context.enable_only(context.DEPTH_TEST | context.BLEND)
        context.blend_func = (context.ONE, context.ONE_MINUS_SRC_ALPHA)
        frame.depth_mask = False
        self._draw_sheer(drawing, pose.eye)
        if drawing.mode == "wireframe":
            self._draw_edges(height)
        frame.depth_mask = True

    def _draw_sheer(self, drawing: _Drawing, eye: np.ndarray) -> None:
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
                    self._draw_surface(mesh, drawing, first=3 * start, count=3 * triangles)

    def _draw_edges(self, height: int) -> None:
        program = self.programs.get("line")
        self.context.line_width = 1.0
        strength = min(1.0, height / 1600)  # lines are a pixel wide: the more there are, the darker
        for mesh in self.meshes:
            mesh.set_material(program)
            *color, opacity = WIRE_COLORS[mesh.cloth]
            opacity *= 0.5 + 0.5 * strength
            program["line_color"].value = (*(c * opacity for c in color), opacity)
            mesh.array(program, "edges").render(mode=self.context.LINES)

    def _share_camera(self, camera: Camera) -> _Pose:
        """Tells all programs where the camera is."""
        pose = np.asarray(camera.world_to_camera, np.float64)
        eye = -pose[:3, :3].T @ pose[:3, 3]
        distance = float(np.linalg.norm(eye - self.centre))
        view, projection = gl_matrices(camera, max(distance - 1.2 * self.radius, 0.05), distance + 14 * self.radius)
        self.programs.share(view=gl_bytes(view), projection=gl_bytes(projection), eye=tuple(eye))
        return _Pose(view, projection, eye)

    def _bind_textures(self, mode: str) -> None:
        self.light.use()
        if mode in self.tables:
            self.tables[mode].use(UNITS["map_table"])
        self.floor_open.use(UNITS["floor_open"])

    def _set_look(self, program: Any, mesh: GpuMesh, mode: str) -> None:
        mesh.set_material(program)
        # 0 as it is, 1 coloured by the map, 2 neutral grey beside it
        grey = mode == "wireframe"
        program["map_mode"].value = (1 if mesh.show_map(mode) else 2) if mode in self.tables else 2 * grey


def _soften(sky: np.ndarray) -> np.ndarray:
    """Smooths the floor's visible sky, more where it is bright: far from the feet every baked direction would show."""
    from scipy.ndimage import gaussian_filter

    near, far = gaussian_filter(sky, 0.7, mode="nearest"), gaussian_filter(sky, 4.0, mode="nearest")
    weight = np.clip((far - 0.45) / 0.35, 0, 1)
    return near + (far - near) * weight
