"""The moving picture of a clip, for where no 3D viewer is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.export.clip import Clip
from render.moving import write_moving
from render.preview import MOVING, Preview, PreviewQuality, standard_cameras

__all__ = ["write_moving_picture"]

#: many pictures, each of a scene of its own: little light is baked for each
QUALITY = PreviewQuality((360, 480), (360, 480), 1, MOVING, MOVING, 24)
EVERY = 2  #: of how many frames one is pictured


def write_moving_picture(
    paths: Sequence[Path], clip: Clip, *, progress: Callable[[float, str], None] | None = None
) -> list[np.ndarray]:
    """Writes a clip, seen from three quarters, as an endless .webp or as .mp4, by the endings of ``paths``.

    Returns:
        Its pictures, sRGB uint8 [H, W, 3] each.

    Raises:
        JobError: ``render.no_opengl`` where the system has no OpenGL.
    """
    frames = range(0, len(clip), EVERY)
    everywhere = [mesh for frame in frames[::5] for mesh in clip.meshes(frame)]
    camera = standard_cameras(everywhere, size=QUALITY.still)["three_quarter"]
    pictures = []
    for i, frame in enumerate(frames):
        with Preview(clip.meshes(frame), quality=QUALITY) as preview:
            pictures.append(preview.picture(camera, moving=True))
        if progress:
            progress((i + 1) / len(frames), "animation")
    for path in paths:
        write_moving(path, pictures, fps=clip.fps / EVERY)
    return pictures
