"""Framebuffers that pictures are drawn into, and their development on the graphics card.

Finished pictures have two framebuffers in turns: one is read while the next picture is drawn.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Canvas", "release"]


class Canvas:
    """A multisampled picture, its resolved copy and the developed one; those of the last size are kept.

    Args:
        context: moderngl context.
        develop: program of ``develop.frag.glsl``.
        units: texture units at which that program looks for the large picture, and for what is behind it.
    """

    def __init__(self, context: Any, develop: Any, units: tuple[int, int]) -> None:
        self.context, self.program, self.units = context, develop, units
        self.triangle = context.vertex_array(develop, [])
        self.kept: dict[str, tuple[Any, Any]] = {}
        self.turn = 0  # of the two
        self.joined: tuple[Any, Any, Any] | None = None  # two framebuffers, and one with colour and depth of each

    def drawn(self, size: tuple[int, int], samples: int) -> Any:
        """Half-float linear target of this size (width, height) [px] with ``samples`` a pixel, in use and empty."""
        context, samples = self.context, min(samples, self.context.max_samples)
        single = samples < 2  # drawn straight into what would be its resolved copy
        frame = self._keep("resolved", (*size, single), lambda: self._plain(size, depth=single))
        if not single:
            frame = self._keep("drawn", (*size, samples), lambda: context.framebuffer(
                [context.renderbuffer(size, 4, samples=samples, dtype="f2")],
                context.depth_renderbuffer(size, samples=samples),
            ))  # fmt: skip
        frame.use()
        frame.clear(0, 0, 0, 0)
        return frame

    def behind(self, size: tuple[int, int]) -> Any:
        """Half-float linear target of this size (width, height) [px] for what is behind a larger picture, in use."""
        frame = self._keep("behind", size, lambda: self._plain(size, depth=False))
        frame.use()
        return frame

    def finished(self, size: tuple[int, int]) -> Any:
        """Target of this size (width, height) [px] for shaders that develop what they draw, in use and empty."""
        self.turn = 1 - self.turn
        frame = self._keep(f"finished {self.turn}", size, lambda: self.context.framebuffer(
            [self.context.renderbuffer(size, 4)], self.context.depth_renderbuffer(size)
        ))  # fmt: skip
        frame.use()
        frame.clear(0, 0, 0, 0)
        return frame

    def seen(self, size: tuple[int, int]) -> Any:
        """Target of this size (width, height) [px] for numbers of triangles, in use and empty."""
        frame = self._keep("seen", size, lambda: self.context.framebuffer(
            [self.context.texture(size, 1, dtype="f4")], self.context.depth_renderbuffer(size)
        ))  # fmt: skip
        frame.color_attachments[0].filter = (self.context.NEAREST, self.context.NEAREST)
        frame.use()
        frame.clear(0, 0, 0, 0)
        return frame

    def over(self, frame: Any, depth: Any) -> Any:
        """What was drawn into ``frame``, in use and with the depth of another framebuffer."""
        if self.joined is None or self.joined[:2] != (frame, depth):
            if self.joined is not None:
                self.joined[2].release()
            both = self.context.framebuffer(frame.color_attachments, depth.depth_attachment)
            self.joined = (frame, depth, both)
        self.joined[2].use()
        return self.joined[2]

    def linear(self, frame: Any) -> np.ndarray:
        """What was drawn: scene-linear, premultiplied, shape [H, W, 4], row 0 at the top."""
        width, height = frame.size
        raw = self._resolved(frame).read(components=4, dtype="f2")
        return np.frombuffer(raw, np.float16).reshape(height, width, 4)[::-1].astype(np.float32)

    def developed(self, frame: Any, *, scale: int, transparent: bool, behind: Any = None) -> Any:
        """Framebuffer with what was drawn in sRGB, ``scale`` times smaller, for :meth:`pixels` to read.

        Args:
            behind: framebuffer of the small picture's size with what is seen where nothing was drawn.
        """
        size = (frame.size[0] // scale, frame.size[1] // scale)
        if any(frame is self.kept.get(f"finished {turn}", (None, None))[1] for turn in (0, 1)):
            return frame
        resolved = self._resolved(frame)
        self.turn = 1 - self.turn
        small = self._keep(f"small {self.turn}", size, lambda: self.context.framebuffer(
            [self.context.renderbuffer(size, 4)]
        ))  # fmt: skip
        small.use()
        for unit, source in zip(self.units, (resolved, behind or resolved), strict=True):
            source.color_attachments[0].use(unit)
            self.context.clear_samplers(unit, unit + 1)
        self.context.enable_only(self.context.NOTHING)
        values = {"scale": scale, "height": size[1], "transparent": int(transparent), "behind": int(behind is not None)}
        for name, value in values.items():
            self.program[name].value = value
        self.triangle.render(vertices=3)
        return small

    def pixels(self, frame: Any, *, transparent: bool) -> np.ndarray:
        """A developed picture: sRGB uint8, shape [H, W, 3], or [H, W, 4] if ``transparent``."""
        channels = 4 if transparent else 3
        raw = np.frombuffer(frame.read(components=channels, alignment=1), np.uint8)
        return np.ascontiguousarray(raw.reshape(frame.size[1], frame.size[0], channels)[::-1])

    def _resolved(self, frame: Any) -> Any:
        resolved = self.kept["resolved"][1]
        if frame is not resolved:
            self.context.copy_framebuffer(resolved, frame)
        return resolved

    def _plain(self, size: tuple[int, int], *, depth: bool) -> Any:
        texture = self.context.texture(size, 4, dtype="f2")
        return self.context.framebuffer([texture], self.context.depth_renderbuffer(size) if depth else None)

    def _keep(self, name: str, key: Any, make: Any) -> Any:
        if name not in self.kept or self.kept[name][0] != key:
            if name in self.kept:
                release(self.kept[name][1])
            self.kept[name] = (key, make())
        return self.kept[name][1]


def release(frame: Any) -> None:
    """Frees a framebuffer and what is attached to it."""
    for attachment in (*frame.color_attachments, frame.depth_attachment):
        if attachment is not None:
            attachment.release()
    frame.release()
