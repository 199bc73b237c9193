"""The moving picture of a clip, for where no 3D viewer is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.export.clip import Clip
from render.preview import Preview, PreviewQuality, standard_cameras, write_webp

__all__ = ["write_moving_picture"]

#: many pictures, each of a scene of its own: little light is baked for each
QUALITY = PreviewQuality((360, 480), (360, 480), 1, 1.5, 24, 1024, 8)
EVERY = 2  #: of how many frames one is pictured


def write_moving_picture(
    path: Path, clip: Clip, *, progress: Callable[[float, str], None] | None = None
) -> list[np.ndarray]:
    """Writes a clip as an endless WebP, seen from three quarters.

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
            pictures.append(preview.picture(camera)[..., :3])
        if progress:
            progress((i + 1) / len(frames), "animation")
    write_webp(path, pictures, fps=clip.fps / EVERY)
    return pictures
