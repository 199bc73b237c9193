"""Lines drawn over a picture where they are in view, coloured by a map's value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.types import Camera
from render import heatmap

__all__ = ["draw_strokes"]

#: A line this much behind what is seen is hidden [m].
BEHIND = 0.008


def draw_strokes(
    image: np.ndarray, strokes: Sequence[tuple[np.ndarray, float]], camera: Camera, depth: np.ndarray, name: str
) -> np.ndarray:
    """The picture with lines in the colours of a map.

    Args:
        image: sRGB uint8, shape [H, W, 3].
        strokes: points [m], shape [n, 3], and the value 0..1 of each line.
        camera: from which the picture was taken.
        depth: what is seen there [m], shape [H, W].
        name: of the map.

    Returns:
        sRGB uint8, shape [H, W, 3].
    """
    from PIL import Image, ImageDraw

    height, width = image.shape[:2]
    scale = 2  # drawn larger and shrunk, for smooth lines
    canvas = Image.fromarray(image).resize((scale * width, scale * height), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(canvas)
    thick = max(2, round(scale * height / 400))
    for points, value in strokes:
        seen = np.asarray(points, np.float64) @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        pixel = seen @ np.asarray(camera.K, np.float64).T
        pixel = pixel[:, :2] / np.maximum(pixel[:, 2:], 1e-6)
        i, j = (np.floor(pixel[:, k]).astype(int) for k in (1, 0))
        inside = (i >= 0) & (i < height) & (j >= 0) & (j < width) & (seen[:, 2] > 0)
        visible = inside.copy()
        visible[inside] = seen[inside, 2] < depth[i[inside], j[inside]] + BEHIND
        color = tuple(int(c) for c in np.round(255 * heatmap.colors(name, np.array(value))))
        for k in np.flatnonzero(visible[:-1] & visible[1:]):
            draw.line([tuple(scale * pixel[k]), tuple(scale * pixel[k + 1])], fill=color, width=thick)
    return np.asarray(canvas.resize((width, height), Image.Resampling.LANCZOS))
