"""The studio's light on the graphics card: what softboxes give every vertex, and shadow maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from render.bake import ortho_matrix
from render.camera import gl_bytes
from render.gpu_canvas import release
from render.gpu_mesh import GpuMesh
from render.gpu_programs import TILES, UNITS, Programs
from render.studio import MIRROR_STEPS, Studio, mirrored

__all__ = ["StudioLight", "draw_depth"]


class StudioLight:
    """Light that turns with the camera; shaders find it in uniforms that all programs share.

    Args:
        context: moderngl context.
        centre, radius: a ball around all meshes [m].
    """

    def __init__(
        self, context: Any, programs: Programs, studio: Studio, meshes: Sequence[GpuMesh], *, centre: np.ndarray,
        radius: float,
    ) -> None:  # fmt: skip
        self.context, self.programs, self.studio, self.meshes = context, programs, studio, meshes
        self.centre, self.radius = centre, radius
        self.state: tuple[float, int, bool] | None = None  # turn, size of the shadow maps, whether they are coarse
        self.shadows: dict[str, tuple[Any, Any]] = {}
        linear, nearest = (context.LINEAR, context.LINEAR), (context.NEAREST, context.NEAREST)
        self.compared = context.sampler(compare_func="<=", filter=linear, repeat_x=False, repeat_y=False)
        self.plain = context.sampler(filter=nearest, repeat_x=False, repeat_y=False)
        self.near = [context.framebuffer([self._near()]) for _ in range(2)]  # within tiles, and about them
        self.whole = {spread: context.vertex_array(programs.get("nearest", SPREAD=spread), []) for spread in (0, 1)}
        self.reflections = self._reflections()

    def turn(self, turn: float, shadow_size: int, coarse: bool) -> bool:
        """Turns the studio: new light at the vertices, new shadow maps of this side [px]; False if it stands so."""
        if self.state is not None and abs(turn - self.state[0]) < 1e-6 and (shadow_size, coarse) == self.state[1:]:
            return False
        if self.state is None or shadow_size != self.state[1]:
            self._new_shadows(shadow_size)
        self.state = (turn, shadow_size, coarse)
        environment = np.ascontiguousarray(self.studio.environment(turn), np.float32)
        self.programs.share(environment=environment.tobytes(), turn=turn)
        self.shadows["key"][1].use()  # nothing is computed where no framebuffer is in use
        for mesh in self.meshes:
            mesh.relight()
        for name, (texture, frame) in self.shadows.items():
            direction = self.studio.direction(name, turn)
            matrix = ortho_matrix(direction, self.centre, self.radius)
            draw_depth(self.context, self.programs, self.meshes, frame, matrix, coarse=coarse)
            texture.filter = (self.context.LINEAR, self.context.LINEAR)
            self.programs.share(**{
                f"{name}_matrix": gl_bytes(matrix),
                f"{name}_direction": tuple(direction),
                f"{name}_radiance": getattr(self.studio, f"{name}_radiance"),
            })  # fmt: skip
        self._find_nearest()
        return True

    def use(self) -> None:
        """Binds shadow maps and mirror images to their units."""
        for name in ("key", "rim"):
            unit = UNITS[f"{name}_shadow"]
            self.shadows[name][0].use(unit)
            self.compared.use(unit)
        self.near[1].color_attachments[0].use(UNITS["key_near"])
        self.reflections.use(UNITS["reflections"])

    def _new_shadows(self, size: int) -> None:
        for _, frame in self.shadows.values():
            release(frame)
        for name in ("key", "rim"):
            texture = self.context.depth_texture((size, size))
            self.shadows[name] = (texture, self.context.framebuffer(depth_attachment=texture))
        self.programs.share(shadow_texel=2 * self.radius / size)

    def _find_nearest(self) -> None:
        """Keeps how near to the key light anything is, from place to place: so wide are the shadows there."""
        unit, sources = UNITS["key_depth"], (self.shadows["key"][0], self.near[0].color_attachments[0])
        self.context.enable_only(self.context.NOTHING)
        self.plain.use(unit)
        for spread, source in enumerate(sources):
            source.use(unit)
            self.near[spread].use()
            self.programs.get("nearest", SPREAD=spread)["depth"].value = 0.0
            self.whole[spread].render(vertices=3)
        self.context.clear_samplers(unit, unit + 1)

    def _near(self) -> Any:
        texture = self.context.texture((TILES, TILES), 1, dtype="f4")
        texture.filter = (self.context.LINEAR, self.context.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _reflections(self) -> Any:
        levels, rows, columns = MIRROR_STEPS
        texture = self.context.texture3d((columns, rows, levels), 3, mirrored(self.studio).tobytes(), dtype="f4")
        texture.filter = (self.context.LINEAR, self.context.LINEAR)
        texture.repeat_y = texture.repeat_z = False
        return texture


def draw_depth(
    context: Any, programs: Programs, meshes: Sequence[GpuMesh], frame: Any, matrix: np.ndarray, *, coarse: bool
) -> None:
    """Draws the meshes' depth with a [4, 4] matrix into clip space; ``coarse`` as they were before rounding."""
    frame.use()
    frame.clear()
    context.enable_only(context.DEPTH_TEST)
    for mesh in meshes:
        program = programs.get("depth", SHEER=int(mesh.sheer))
        program["transform"].write(gl_bytes(matrix))
        mesh.set_material(program)
        mesh.cull()
        mesh.array(program, "coarse" if coarse else "indices").render()
    context.disable(context.CULL_FACE)
