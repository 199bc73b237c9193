"""Opaque meshes shaded once a pixel: which triangle is seen is drawn first, and its surface looked up afterwards.

A visibility buffer (Burns and Hunt 2013). Bodies and cloth have triangles of a few pixels, for each of which processors
and cards shade whole blocks of pixels: several times as many as there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from render.gpu_canvas import Canvas
from render.gpu_mesh import GpuMesh
from render.gpu_programs import UNITS, Programs

__all__ = ["VisibilityBuffer"]

CLASSES = 256  #: depths by which the meshes' pixels are told apart: powers of two are exact in any depth buffer
MARGIN = 2  #: around what is in view [px]


class VisibilityBuffer:
    """Which of a scene's opaque meshes are seen where.

    Args:
        context: moderngl context.
        box: corners of a box around all meshes [m], shape [8, 3].
    """

    def __init__(self, context: Any, programs: Programs, canvas: Canvas, box: np.ndarray) -> None:
        self.context, self.programs, self.canvas, self.box = context, programs, canvas, box
        self.whole: dict[int, Any] = {}  # arrays of programs that pass over the whole picture

    def draw(
        self, target: Any, meshes: Sequence[GpuMesh], view: np.ndarray, projection: np.ndarray,
        shade: Callable[[GpuMesh], Any], background: Callable[[], None] | None,
    ) -> Any:  # fmt: skip
        """Draws the meshes into ``target``, and the background where none of them is.

        Args:
            target: framebuffer with colour and depth, empty.
            meshes: in the order in which they are best drawn: the nearest first.
            view, projection: that the programs share.
            shade: readies and returns the program ``found`` for a mesh.
            background: draws with depth 1.

        Returns:
            The framebuffer that holds the triangles' numbers and the scene's depth.
        """
        context, area = self.context, self._area(target.size, view, projection)
        starts = np.cumsum([1, *(mesh.triangles for mesh in meshes)])
        seen = self._find(target.size, meshes, starts)
        seen.color_attachments[0].use(UNITS["seen"])
        self._share_rays(target.size, view, projection)
        target.scissor = area
        target.use()
        if len(meshes):
            self._sort(target, starts[:-1])
        context.depth_func = "=="
        target.depth_mask = False
        for k, mesh in enumerate(meshes):
            program = shade(mesh)
            program["first_triangle"].value = int(starts[k])
            self._pass(program, (k + 1) / CLASSES)
        target.scissor = None
        target.use()
        context.depth_func = "<="
        if background:
            background()
        context.depth_func = "<"
        target.depth_mask = True
        return seen

    def _find(self, size: tuple[int, int], meshes: Sequence[GpuMesh], starts: np.ndarray) -> Any:
        frame, program = self.canvas.seen(size), self.programs.get("seen")
        self.context.enable_only(self.context.DEPTH_TEST)
        for mesh, start in zip(meshes, starts, strict=False):
            mesh.set_material(program)
            program["first_triangle"].value = int(start)
            mesh.cull()
            mesh.array(program).render()
        self.context.disable(self.context.CULL_FACE)
        return frame

    def _sort(self, target: Any, starts: np.ndarray) -> None:
        """Turns the triangles' numbers into depths, one for each mesh."""
        program = self.programs.get("sorted", MESHES=len(starts))
        program["first_triangles"].value = int(starts[0]) if len(starts) == 1 else [int(s) for s in starts]
        self.context.depth_func = "1"
        self._pass(program, 1.0)

    def _pass(self, program: Any, depth: float) -> None:
        if program.glo not in self.whole:
            self.whole[program.glo] = self.context.vertex_array(program, [])
        program["depth"].value = 2 * depth - 1
        self.whole[program.glo].render(vertices=3)

    def _share_rays(self, size: tuple[int, int], view: np.ndarray, projection: np.ndarray) -> None:
        axes = view[:3, :3]  # rows: right, up, back
        dx = 2 / size[0] / projection[0, 0] * axes[0]
        dy = 2 / size[1] / projection[1, 1] * axes[1]
        x, y = (projection[0, 2] - 1) / projection[0, 0], (projection[1, 2] - 1) / projection[1, 1]
        corner = x * axes[0] + y * axes[1] - axes[2]
        self.programs.share(ray_corner=tuple(corner), ray_dx=tuple(dx), ray_dy=tuple(dy))

    def _area(self, size: tuple[int, int], view: np.ndarray, projection: np.ndarray) -> tuple[int, int, int, int]:
        """Where the meshes can be seen: left, bottom, width and height [px]."""
        clip = np.column_stack([self.box, np.ones(8)]) @ (projection @ view).T
        if clip[:, 3].min() <= 1e-3:
            return 0, 0, *size
        place = (clip[:, :2] / clip[:, 3:] * 0.5 + 0.5) * size
        low = np.clip(np.floor(place.min(0)) - MARGIN, 0, size).astype(int)
        high = np.clip(np.ceil(place.max(0)) + MARGIN, 0, size).astype(int)
        return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
