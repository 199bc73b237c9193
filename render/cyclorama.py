"""Seamless paper behind and beneath the subject, which turns with the camera."""

from __future__ import annotations

from typing import Any

import numpy as np

from render.gpu_programs import Programs
from render.studio import Studio, turn_matrix

__all__ = ["Cyclorama"]


class Cyclorama:
    """Floor, quarter-round and wall, as long strips.

    Args:
        context: moderngl context.
        centre, radius: a ball around the subject [m]; the paper lies at ``floor`` [m].
        floor_frame: centre x, centre z and half width of the square whose visible sky is known [m].
    """

    def __init__(
        self, context: Any, programs: Programs, studio: Studio, *, centre: np.ndarray, radius: float,
        floor: float, floor_frame: tuple[float, float, float],
    ) -> None:  # fmt: skip
        self.context, self.programs, self.centre, self.floor = context, programs, centre, floor
        r, bend = radius, 1.5 * radius
        arc = np.linspace(0, np.pi / 2, 17)
        z = np.concatenate([[8 * r, -1.4 * r], -1.4 * r - bend * np.sin(arc[1:]), [-1.4 * r - bend]])
        y = np.concatenate([[0, 0], bend * (1 - np.cos(arc[1:])), [7 * r]])
        rows = np.arange(len(z) - 1)[:, None]
        strip = np.stack([rows * 2 + [0, 1, 2], rows * 2 + [1, 3, 2]], axis=1).reshape(-1, 3).astype(np.int32)
        self.points = np.stack([np.tile([-9 * r, 9 * r], len(z)), np.repeat(y, 2), np.repeat(z, 2)], axis=1)
        self.height = np.repeat(np.clip(y / (4 * r), 0, 1), 2)
        self.buffer = context.buffer(reserve=len(self.points) * 16, dynamic=True)
        self.indices = {
            name: context.buffer(np.ascontiguousarray(part).tobytes())
            for name, part in (("floor", strip[:2]), ("wall", strip[2:]))
        }
        self.arrays: dict[int, Any] = {}
        colors = {f"{place}_color": getattr(studio, f"backdrop_{place}") for place in ("floor", "wall", "edge")}
        programs.share(floor_frame=floor_frame, **colors)

    def turn(self, turn: float) -> None:
        """Places the paper behind the subject as seen from azimuth ``turn`` [rad]."""
        world = self.points @ turn_matrix(turn).T + [self.centre[0], self.floor, self.centre[2]]
        self.buffer.write(np.column_stack([world, self.height]).astype(np.float32).tobytes())

    def draw(self, size: tuple[int, int], *, shadow: dict[str, int], behind: bool, finished: bool = False) -> None:
        """Draws it into the framebuffer in use, of this size [px], with the camera that the programs share.

        Args:
            shadow: what shadow.glsl is compiled for.
            behind: as far away as can be, whatever its distance.
            finished: developed as it is drawn.
        """
        for name, indices in self.indices.items():
            program = self.programs.get(
                name, FINISHED=int(finished), **(shadow if name == "floor" else {})
            )
            program["picture"].value = size
            program["behind"].value = int(behind)
            if program.glo not in self.arrays:
                content = [(self.buffer, "3f 1f", "in_position", "in_height")]
                self.arrays[program.glo] = self.context.vertex_array(program, content, index_buffer=indices)
            self.arrays[program.glo].render()
